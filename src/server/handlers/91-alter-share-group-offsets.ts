import { defaultMessage, type ErrorName, errorCode } from '../../protocol/errors.ts'
import {
  type AlterShareGroupOffsetsRequest,
  alterShareGroupOffsets,
} from '../../protocol/messages/91-alter-share-group-offsets.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { authorize, mayAccess } from '../access.ts'
import { changedShareOffsets, refusedChange } from '../changed-share-offsets.ts'
import { handler } from '../handler.ts'
import { checkShareGroupsEnabled } from '../share-groups-enabled.ts'

/** AlterShareGroupOffsets: begins the share partitions of a group without members anew. */
export const handleAlterShareGroupOffsets = handler(
  alterShareGroupOffsets,
  async (request, context, services) => {
    checkShareGroupsEnabled(services)
    authorize(services, context, 'READ', 'group', request.groupId)
    const { topics: known } = services.metadata.image
    const checked = mergedByName(request.topics).map((topic) => {
      const isAllowed = mayAccess(services, context, 'READ', 'topic', topic.topicName)
      const isKnown = known.has(topic.topicName)
      const error: ErrorName = isAllowed
        ? 'UNKNOWN_TOPIC_OR_PARTITION'
        : 'TOPIC_AUTHORIZATION_FAILED'
      return { topic, refusal: isAllowed && isKnown ? null : error }
    })
    const refused = checked.flatMap(({ topic: { topicName, partitions }, refusal }) => {
      if (refusal === null || partitions.length === 0) return []
      const row = { errorCode: errorCode(refusal), errorMessage: defaultMessage(refusal) }
      return [
        {
          // As in Kafka, which thus tells who may not read a topic that it is there.
          ...{ topicName, topicId: known.get(topicName)?.id ?? zeroUuid },
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...row })),
        },
      ]
    })
    const topics = checked.filter(({ refusal }) => refusal === null).map(({ topic }) => topic)
    const change = () => services.groups.share.alterOffsets({ ...request, topics })
    return changedShareOffsets(refused, change)
  },
  refusedChange,
)

/** Returns each topic once, with all the partitions that are listed under its name. */
function mergedByName(topics: AlterShareGroupOffsetsRequest['topics']) {
  const byName = new Map<string, (typeof topics)[number]['partitions']>()
  for (const { topicName, partitions } of topics) {
    byName.set(topicName, [...(byName.get(topicName) ?? []), ...partitions])
  }
  return [...byName].map(([topicName, partitions]) => ({ topicName, partitions }))
}

import { type GroupCoordinator, refusalCode } from '../../coordinator/group/coordinator.ts'
import { type ErrorName, errorCode } from '../../protocol/errors.ts'
import { type OffsetCommitRequest, offsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { authorize, mayAccess } from '../access.ts'
import { handler } from '../handler.ts'

type Topic = OffsetCommitRequest['topics'][number]
type Partition = Topic['partitions'][number]

/** OffsetCommit: partitions that there are go to the group, the others are refused one by one. */
export const handleOffsetCommit = handler(
  offsetCommit,
  async (request, context, services) => {
    const { apiVersion } = context
    const { groups } = services
    authorize(services, context, 'READ', 'group', request.groupId)
    const mayRead = (name: string) => mayAccess(services, context, 'READ', 'topic', name)
    const checked = request.topics.map((topic) => check(topic, apiVersion, groups, mayRead))
    const topics = checked.filter(({ partitions }) => partitions.length > 0)
    const committed = topics.length > 0 ? await commit(groups, apiVersion, request, topics) : []
    return {
      topics: checked.map((topic) => ({
        name: topic.name,
        topicId: topic.topicId,
        partitions: [...topic.refused, ...(committed[topics.indexOf(topic)] ?? [])],
      })),
    }
  },
  ({ topics }, _context, errorCode) => ({
    topics: topics.map((topic) => ({ ...topic, partitions: refuse(topic.partitions, errorCode) })),
  }),
)

/** Splits the partitions of a topic into those to commit and those to refuse. */
function check(
  topic: Topic,
  apiVersion: number,
  { topics }: GroupCoordinator,
  mayRead: (name: string) => boolean,
) {
  const usesIds = apiVersion >= 10
  const found = usesIds ? topics.byId(topic.topicId) : topics.byName(topic.name)
  const name = found?.name ?? topic.name
  const refuseAll = (error: ErrorName) => ({
    name,
    topicId: topic.topicId,
    partitions: [],
    refused: refuse(topic.partitions, errorCode(error)),
  })
  if (usesIds && found === null) return refuseAll('UNKNOWN_TOPIC_ID')
  if (!mayRead(name)) return refuseAll('TOPIC_AUTHORIZATION_FAILED')
  if (found === null) return refuseAll('UNKNOWN_TOPIC_OR_PARTITION')
  const exists = ({ partitionIndex }: Partition) =>
    partitionIndex >= 0 && partitionIndex < found.partitionCount
  const unknown = topic.partitions.filter((partition) => !exists(partition))
  return {
    name,
    topicId: found.id,
    partitions: topic.partitions.filter(exists),
    refused: refuse(unknown, errorCode('UNKNOWN_TOPIC_OR_PARTITION')),
  }
}

/** The answers for each topic's partitions, in order; an error of the group is that of all. */
async function commit(
  groups: GroupCoordinator,
  apiVersion: number,
  request: OffsetCommitRequest,
  topics: readonly { name: string; topicId: string; partitions: readonly Partition[] }[],
) {
  try {
    const result = await groups.commitOffsets(apiVersion, { ...request, topics })
    return result.topics.map(({ partitions }) => partitions)
  } catch (error) {
    const code = refusalCode(error)
    return topics.map(({ partitions }) => refuse(partitions, code))
  }
}

function refuse(partitions: readonly Partition[], errorCode: number) {
  return partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode }))
}

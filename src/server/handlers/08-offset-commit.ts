import { type GroupCoordinator, refusalCode } from '../../coordinator/group/coordinator.ts'
import { type ErrorName, errorCode } from '../../protocol/errors.ts'
import { type OffsetCommitRequest, offsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { authorize, mayAccess } from '../access.ts'
import { mergeCommits } from '../commit-answers.ts'
import { handler } from '../handler.ts'

/** The first version with the errors of consumer groups (KIP-848). */
const consumerGroupsSince = 9

type Topic = OffsetCommitRequest['topics'][number]
type Partition = Topic['partitions'][number]

/** OffsetCommit: commits existing partitions, refuses the others one by one. */
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
    const answerOf = ({ name, topicId }: { name: string; topicId: string }) => ({ name, topicId })
    const refused = checked.flatMap((topic) =>
      topic.refused === null ? [] : [{ ...answerOf(topic), partitions: topic.refused }],
    )
    const taken = topics.map((topic, i) => ({ ...answerOf(topic), partitions: committed[i]! }))
    return { topics: mergeCommits(refused, taken, apiVersion >= 10) }
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
  const refused = refuse(unknown, errorCode('UNKNOWN_TOPIC_OR_PARTITION'))
  return {
    name,
    topicId: found.id,
    partitions: topic.partitions.filter(exists),
    refused: unknown.length > 0 ? refused : null,
  }
}

/** Returns the answers for each topic's partitions, in order; a group error applies to all. */
async function commit(
  groups: GroupCoordinator,
  apiVersion: number,
  request: OffsetCommitRequest,
  topics: readonly { name: string; topicId: string; partitions: readonly Partition[] }[],
) {
  try {
    const knowsConsumerGroups = apiVersion >= consumerGroupsSince
    const result = await groups.commitOffsets(knowsConsumerGroups, { ...request, topics })
    return result.topics.map(({ partitions }) => partitions)
  } catch (error) {
    const code = refusalCode(error)
    return topics.map(({ partitions }) => refuse(partitions, code))
  }
}

function refuse(partitions: readonly Partition[], errorCode: number) {
  return partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode }))
}

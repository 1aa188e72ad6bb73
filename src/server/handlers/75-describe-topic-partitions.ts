import { internalTopics, topicNameFault } from '../../metadata/controller/topic-name.ts'
import { type Image, offlineReplicas, type TopicState } from '../../metadata/image.ts'
import { ApiError, type ErrorName, errorCode } from '../../protocol/errors.ts'
import {
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
  describeTopicPartitions,
} from '../../protocol/messages/75-describe-topic-partitions.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { operationsNotRequested } from '../../security/authorizer.ts'
import { mayAccess, operationsIfAsked } from '../access.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'

type TopicAnswer = DescribeTopicPartitionsResponse['topics'][number]
type Cursor = NonNullable<DescribeTopicPartitionsRequest['cursor']>

/** DescribeTopicPartitions: describes topics in name order, a page at a time (KIP-966). */
export const handleDescribeTopicPartitions = handler(
  describeTopicPartitions,
  async (request, context, services) => {
    const { image } = services.metadata
    const { cursor } = request
    if (cursor !== null && cursor.partitionIndex < 0) {
      throw new ApiError(
        'INVALID_REQUEST',
        'DescribeTopicPartitionsRequest cursor partition must be valid',
      )
    }
    const isNamed = request.topics.some(({ name }) => name === cursor?.topicName)
    if (cursor !== null && request.topics.length > 0 && !isNamed) {
      throw new ApiError('INVALID_REQUEST', 'The cursor is in a topic that is not asked for')
    }
    const max = services.settings.int('max.request.partition.size.limit')
    let room = Math.max(Math.min(max, request.responsePartitionLimit), 1)
    const topics: TopicAnswer[] = []
    for (const name of namesOf(request, image, context, services)) {
      if (services.turns.isOver()) await services.turns.next()
      const first = cursor?.topicName === name ? cursor.partitionIndex : 0
      const topic = image.topics.get(name)
      if (topic === undefined || !mayAccess(services, context, 'DESCRIBE', 'topic', name)) {
        topics.push(missing(name, context, services))
        continue
      }
      const { answer, next } = page(topic, first, room, image, context, services)
      topics.push(answer)
      room -= answer.partitions.length
      if (next !== null) return { topics, nextCursor: next }
    }
    return { topics }
  },
  (request, _context, code) => ({
    topics: request.topics.map(({ name }) => failed(name, code)),
  }),
)

/** Returns the topic names, all if none is requested, starting at the cursor's topic. */
function namesOf(
  { topics, cursor }: DescribeTopicPartitionsRequest,
  image: Image,
  context: RequestContext,
  services: Services,
): string[] {
  const all =
    topics.length === 0
      ? [...image.topics.keys()].filter((name) =>
          mayAccess(services, context, 'DESCRIBE', 'topic', name),
        )
      : [...new Set(topics.map(({ name }) => name))]
  return all.filter((name) => cursor === null || name >= cursor.topicName).sort()
}

function failed(name: string, code: number): TopicAnswer {
  const isInternal = internalTopics.has(name)
  return { errorCode: code, name, topicId: zeroUuid, isInternal, partitions: [] }
}

function missing(name: string, context: RequestContext, services: Services): TopicAnswer {
  if (!mayAccess(services, context, 'DESCRIBE', 'topic', name)) {
    const topicAuthorizedOperations = operationsNotRequested
    return { ...failed(name, errorCode('TOPIC_AUTHORIZATION_FAILED')), topicAuthorizedOperations }
  }
  const error: ErrorName =
    topicNameFault(name) === null ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'INVALID_TOPIC_EXCEPTION'
  const topicAuthorizedOperations = operationsIfAsked(true, services, context, 'topic', name)
  return { ...failed(name, errorCode(error)), topicAuthorizedOperations }
}

function page(
  topic: TopicState,
  first: number,
  room: number,
  image: Image,
  context: RequestContext,
  services: Services,
): { answer: TopicAnswer; next: Cursor | null } {
  const end = Math.min(topic.partitions.length, first + Math.max(room, 0))
  const partitions = topic.partitions.slice(first, end).map((partition, i) => ({
    errorCode: partition.leader === -1 ? errorCode('LEADER_NOT_AVAILABLE') : 0,
    partitionIndex: first + i,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
    lastKnownElr: partition.lastKnownElr,
    offlineReplicas: offlineReplicas(partition, image),
  }))
  const answer = {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: internalTopics.has(topic.name),
    partitions,
    topicAuthorizedOperations: operationsIfAsked(true, services, context, 'topic', topic.name),
  }
  const isWhole = end === topic.partitions.length
  return { answer, next: isWhole ? null : { topicName: topic.name, partitionIndex: end } }
}

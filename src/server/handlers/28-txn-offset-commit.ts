import { ApiError, type ErrorName, errorCode, errorName } from '../../protocol/errors.ts'
import {
  type TxnOffsetCommitRequest,
  txnOffsetCommit,
} from '../../protocol/messages/28-txn-offset-commit.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { authorize, mayAccess } from '../access.ts'
import { mergeCommits } from '../commit-answers.ts'
import { handler, type RequestContext } from '../handler.ts'
import { offsetsTopic } from '../internal-topics.ts'
import type { Services } from '../services.ts'
import { Admission, type Support } from '../transaction-admission.ts'

type Topic = TxnOffsetCommitRequest['topics'][number]
interface Answer {
  readonly name: string
  readonly topicId: string
  readonly partitions: { readonly partitionIndex: number; readonly errorCode: number }[]
}

const topicIdsSince = 6
/** The first version with GROUP_ID_NOT_FOUND. */
const consumerGroupsSince = 6
/** Clients before this version do not know that a coordinator may be loading (KAFKA-7296). */
const knowsLoadingSince = 2

/** TxnOffsetCommit: commits offsets of a group together with a transaction. */
export const handleTxnOffsetCommit = handler(
  txnOffsetCommit,
  async (request, context, services) => {
    authorize(services, context, 'WRITE', 'transactionalId', request.transactionalId)
    authorize(services, context, 'READ', 'group', request.groupId)
    const checked = request.topics.map((topic) => check(topic, context, services))
    const answers = checked.flatMap(({ refused }) => (refused === null ? [] : [refused]))
    const topics = checked.map(({ valid }) => valid).filter(({ partitions }) => partitions.length)
    if (topics.length === 0) return { topics: answers }
    const committed = await commit({ ...request, topics }, context, services)
    return {
      topics: mergeCommits(answers, committed, context.apiVersion >= topicIdsSince),
    }
  },
  ({ topics }, { apiVersion }, code) => ({
    topics: topics.map((topic) => failed(topic, knownAs(code, apiVersion))),
  }),
)

/** Splits the partitions of a topic into those to commit and those to refuse. */
function check(topic: Topic, context: RequestContext, services: Services) {
  const { topics } = services.groups
  const usesIds = context.apiVersion >= topicIdsSince
  const found = usesIds ? topics.byId(topic.topicId) : topics.byName(topic.name)
  const name = found?.name ?? topic.name
  const topicId = found?.id ?? (usesIds ? topic.topicId : zeroUuid)
  const split = (isValid: (index: number) => boolean, error: ErrorName) => ({
    valid: {
      name,
      topicId,
      partitions: topic.partitions.filter(({ partitionIndex }) => isValid(partitionIndex)),
    },
    refused: {
      name,
      topicId,
      partitions: topic.partitions
        .filter(({ partitionIndex }) => !isValid(partitionIndex))
        .map(({ partitionIndex }) => ({ partitionIndex, errorCode: errorCode(error) })),
    },
  })
  const none = () => false
  if (usesIds && found === null) return split(none, 'UNKNOWN_TOPIC_ID')
  if (!mayAccess(services, context, 'READ', 'topic', name)) {
    return split(none, 'TOPIC_AUTHORIZATION_FAILED')
  }
  if (found === null) return split(none, 'UNKNOWN_TOPIC_OR_PARTITION')
  const count = found.partitionCount
  const parts = split((index) => index >= 0 && index < count, 'UNKNOWN_TOPIC_OR_PARTITION')
  return parts.refused.partitions.length > 0 ? parts : { valid: parts.valid, refused: null }
}

/** Returns the answers of valid partitions; an error of group or transaction applies to all. */
async function commit(
  request: TxnOffsetCommitRequest,
  context: RequestContext,
  services: Services,
): Promise<readonly Answer[]> {
  const { apiVersion } = context
  const { groupId, producerId, producerEpoch } = request
  try {
    if (groupId === '') throw new ApiError('INVALID_GROUP_ID')
    const index = services.groups.partitionFor(groupId)
    const partition = services.partitions.need(offsetsTopic, index, services.metadata.image)
    partition.checkLeader(-1)
    const admission = new Admission(request, supportOf(apiVersion), services)
    const { guard } = await admission.admit(partition, -1)
    const producer = { producerId, producerEpoch, guard }
    const result = await services.groups.commitTransactionalOffsets(
      apiVersion >= consumerGroupsSince,
      producer,
      request,
    )
    return result.topics.map((topic) => ({ ...topic, partitions: [...topic.partitions] }))
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const code = knownAs(errorCode(asGroupError(error.reason)), apiVersion)
    return request.topics.map((topic) => failed(topic, code))
  }
}

function supportOf(apiVersion: number): Support {
  if (apiVersion >= 5) return 'addsPartitions'
  return apiVersion >= 4 ? 'abortableErrors' : 'oldErrors'
}

/** Maps a partition error to a group coordinator's (`CoordinatorOperationExceptionHelper`). */
function asGroupError(reason: ErrorName): ErrorName {
  switch (reason) {
    case 'NETWORK_EXCEPTION':
      return 'COORDINATOR_LOAD_IN_PROGRESS'
    case 'UNKNOWN_TOPIC_OR_PARTITION':
    case 'NOT_ENOUGH_REPLICAS':
    case 'REQUEST_TIMED_OUT':
      return 'COORDINATOR_NOT_AVAILABLE'
    case 'NOT_LEADER_OR_FOLLOWER':
    case 'KAFKA_STORAGE_ERROR':
      return 'NOT_COORDINATOR'
    default:
      return reason
  }
}

function knownAs(code: number, apiVersion: number): number {
  const isUnknown =
    apiVersion < knowsLoadingSince && errorName(code) === 'COORDINATOR_LOAD_IN_PROGRESS'
  return isUnknown ? errorCode('COORDINATOR_NOT_AVAILABLE') : code
}

function failed({ name, topicId, partitions }: Topic, code: number): Answer {
  return {
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code })),
  }
}

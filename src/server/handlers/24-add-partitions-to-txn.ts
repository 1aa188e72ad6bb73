import { mapWaiting } from '../../base/turns.ts'
import { has, partitionSet, topicsOf } from '../../coordinator/transaction/partition-set.ts'
import { internalTopics } from '../../metadata/controller/topic-name.ts'
import { ApiError, errorCode } from '../../protocol/errors.ts'
import {
  type AddPartitionsToTxnRequest,
  addPartitionsToTxn,
} from '../../protocol/messages/24-add-partitions-to-txn.ts'
import { authorize, clusterResource, mayAccess } from '../access.ts'
import { knownAs } from '../fenced.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'

type Transaction = AddPartitionsToTxnRequest['transactions'][number]
type Topics = Transaction['topics']

/** The first version for brokers, with several transactions per request (KIP-890). */
const batchedSince = 4
const fencedSince = 2

/** AddPartitionsToTxn: adds all partitions to a producer's transaction, or none. */
export const handleAddPartitionsToTxn = handler(
  addPartitionsToTxn,
  async (request, context, services) => {
    if (context.apiVersion >= batchedSince) {
      authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    }
    const transactions = transactionsOf(request, context)
    const results = await mapWaiting(services.turns, transactions, async (transaction) => ({
      transactionalId: transaction.transactionalId,
      topicResults: await add(transaction, context, services),
    }))
    if (context.apiVersion >= batchedSince) {
      return { errorCode: 0, resultsByTransaction: results }
    }
    return { resultsByTopicV3AndBelow: results[0]!.topicResults }
  },
  (request, { apiVersion }, code) =>
    apiVersion >= batchedSince
      ? { errorCode: code, resultsByTransaction: [] }
      : {
          resultsByTopicV3AndBelow: answers(request.v3AndBelowTopics, () => code),
        },
)

function transactionsOf(
  request: AddPartitionsToTxnRequest,
  { apiVersion }: RequestContext,
): readonly Transaction[] {
  if (apiVersion >= batchedSince) return request.transactions
  return [
    {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      topics: request.v3AndBelowTopics,
      verifyOnly: false,
    },
  ]
}

async function add(transaction: Transaction, context: RequestContext, services: Services) {
  const { transactionalId } = transaction
  // As in Kafka, which verifies a map of partitions.
  const topics = transaction.verifyOnly ? distinct(transaction.topics) : transaction.topics
  try {
    if (context.apiVersion < batchedSince) {
      authorize(services, context, 'WRITE', 'transactionalId', transactionalId)
    }
    const wrong = wrongPartitions(topics, context, services)
    if (wrong !== null) return wrong
    const partitions = partitionSet(
      topics.map(({ name, partitions: indexes }) => ({ topic: name, partitions: indexes })),
    )
    const producer = { ...transaction, partitions }
    if (!transaction.verifyOnly) {
      const transactionVersion = context.apiVersion >= batchedSince ? 2 : 0
      await services.transactions.addPartitions({ ...producer, transactionVersion })
      return answers(topics, () => errorCode('NONE'))
    }
    const missing = await services.transactions.verifyPartitions(producer)
    const isMissing = (topic: string, index: number) => has(missing, topic, index)
    return answers(topics, (topic, index) =>
      errorCode(isMissing(topic, index) ? 'TRANSACTION_ABORTABLE' : 'NONE'),
    )
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return answers(topics, () => knownAs(error.code, context.apiVersion >= fencedSince))
  }
}

const notThere = errorCode('UNKNOWN_TOPIC_OR_PARTITION')
const notAttempted = errorCode('OPERATION_NOT_ATTEMPTED')

/** Returns the answers if any partition cannot be added, so that none is; else null. */
function wrongPartitions(topics: Topics, context: RequestContext, services: Services) {
  const { image } = services.metadata
  const isClient = context.apiVersion < batchedSince
  const topicsSeen = new Map<string, (index: number) => number>()
  const ofTopic = (topic: string): ((index: number) => number) => {
    // Offsets join a transaction by AddOffsetsToTxn.
    const mayWrite = () =>
      !internalTopics.has(topic) && mayAccess(services, context, 'WRITE', 'topic', topic)
    if (isClient && !mayWrite()) return () => errorCode('TOPIC_AUTHORIZATION_FAILED')
    const partitions = image.topics.get(topic)?.partitions
    return (index) => (partitions?.[index] !== undefined ? 0 : notThere)
  }
  const codeOf = (topic: string, index: number) => {
    let known = topicsSeen.get(topic)
    if (known === undefined) topicsSeen.set(topic, (known = ofTopic(topic)))
    return known(index)
  }
  const isRight = ({ name, partitions }: Topics[number]) =>
    partitions.every((index) => codeOf(name, index) === 0)
  if (topics.every(isRight)) return null
  // Here too a repeated partition is answered once.
  return answers(distinct(topics), (topic, index) => codeOf(topic, index) || notAttempted)
}

/** Returns each partition once and no empty topics, as Kafka's map of partitions. */
function distinct(topics: Topics): Topics {
  const asked = topics.filter(({ partitions }) => partitions.length > 0)
  const set = partitionSet(asked.map(({ name, partitions }) => ({ topic: name, partitions })))
  return topicsOf(set).map(({ topic: name, partitions }) => ({ name, partitions }))
}

function answers(topics: Topics, codeOf: (topic: string, index: number) => number) {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: codeOf(name, partitionIndex),
    })),
  }))
}

import { has, partitionSet, topicsOf } from '../../coordinator/transaction/partition-set.ts'
import { errorCode, Refusal } from '../../protocol/errors.ts'
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

/** From this version on brokers ask, for several transactions at once (KIP-890). */
const batchedSince = 4
const fencedSince = 2

/** AddPartitionsToTxn: a producer's partitions join its transaction, all of them or none. */
export const handleAddPartitionsToTxn = handler(
  addPartitionsToTxn,
  async (request, context, services) => {
    if (context.apiVersion >= batchedSince) {
      authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    }
    const results = await Promise.all(
      transactionsOf(request, context).map(async (transaction) => ({
        transactionalId: transaction.transactionalId,
        topicResults: await add(transaction, context, services),
      })),
    )
    if (context.apiVersion >= batchedSince) {
      return { throttleTimeMs: 0, errorCode: 0, resultsByTransaction: results }
    }
    return { throttleTimeMs: 0, resultsByTopicV3AndBelow: results[0]!.topicResults }
  },
  (request, { apiVersion }, code) =>
    apiVersion >= batchedSince
      ? { throttleTimeMs: 0, errorCode: code, resultsByTransaction: [] }
      : {
          throttleTimeMs: 0,
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
  const { transactionalId, topics } = transaction
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
    if (!(error instanceof Refusal)) throw error
    return answers(topics, () => knownAs(error.code, context.apiVersion >= fencedSince))
  }
}

/** Answers for a transaction some of whose partitions cannot be added, so that none are; else null. */
function wrongPartitions(topics: Topics, context: RequestContext, services: Services) {
  const { image } = services.metadata
  const codeOf = (topic: string, index: number) => {
    const isClient = context.apiVersion < batchedSince
    if (isClient && !mayAccess(services, context, 'WRITE', 'topic', topic)) {
      return errorCode('TOPIC_AUTHORIZATION_FAILED')
    }
    const exists = image.topics.get(topic)?.partitions[index] !== undefined
    return errorCode(exists ? 'NONE' : 'UNKNOWN_TOPIC_OR_PARTITION')
  }
  const all = topics.flatMap(({ name, partitions }) => partitions.map((one) => codeOf(name, one)))
  if (all.every((code) => code === 0)) return null
  return answers(
    topics,
    (topic, index) => codeOf(topic, index) || errorCode('OPERATION_NOT_ATTEMPTED'),
  )
}

function answers(topics: Topics, codeOf: (topic: string, index: number) => number) {
  // A partition that is named twice is answered once.
  const distinct = partitionSet(topics.map(({ name, partitions }) => ({ topic: name, partitions })))
  return topicsOf(distinct).map(({ topic: name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: codeOf(name, partitionIndex),
    })),
  }))
}

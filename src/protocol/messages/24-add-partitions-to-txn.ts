import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  type Request,
  type Response,
  string,
} from '../schema.ts'

const addPartitionsToTxnTopicFields = { name: string, partitions: array(int32) }

const addPartitionsToTxnPartitionResultFields = { partitionIndex: int32, partitionErrorCode: int16 }

const addPartitionsToTxnTopicResultFields = {
  name: string,
  resultsByPartition: array(addPartitionsToTxnPartitionResultFields),
}

/**
 * AddPartitionsToTxn. v4 batched, for brokers, with verify-only (KIP-890); v5
 * TRANSACTION_ABORTABLE.
 */
export const addPartitionsToTxn = api({
  name: 'AddPartitionsToTxn',
  key: 24,
  versions: [0, 5],
  flexible: 3,
  request: {
    transactions: array({
      transactionalId: string.since(4),
      producerId: int64.since(4),
      producerEpoch: int16.since(4),
      verifyOnly: bool.default(false).since(4),
      topics: array(addPartitionsToTxnTopicFields).since(4),
    }).since(4),
    v3AndBelowTransactionalId: string.until(3),
    v3AndBelowProducerId: int64.until(3),
    v3AndBelowProducerEpoch: int16.until(3),
    v3AndBelowTopics: array(addPartitionsToTxnTopicFields).until(3),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16.since(4),
    resultsByTransaction: array({
      transactionalId: string.since(4),
      topicResults: array(addPartitionsToTxnTopicResultFields).since(4),
    }).since(4),
    resultsByTopicV3AndBelow: array(addPartitionsToTxnTopicResultFields).until(3),
  },
})
export type AddPartitionsToTxnRequest = Request<typeof addPartitionsToTxn>
export type AddPartitionsToTxnResponse = Response<typeof addPartitionsToTxn>

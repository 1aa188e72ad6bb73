import { decodeData, encodeData } from '../../protocol/codec.ts'
import { Reader } from '../../protocol/reader.ts'
import {
  transactionLogKey,
  transactionLogValue,
} from '../../protocol/stored/transaction/00-transaction-log.ts'
import type { KeyValue } from '../coordinator-log.ts'
import { withVersion } from '../versioned.ts'
import { partitionSet, topicsOf } from './partition-set.ts'
import { stateIds, stateOfId } from './states.ts'
import { noProducerEpoch, type Transaction } from './transaction.ts'

/** A record of `__transaction_state`; the transaction is null in a tombstone. */
export interface TransactionRecord {
  readonly transactionalId: string
  readonly transaction: Transaction | null
}

const recordType = transactionLogKey.key!

/**
 * Returns the version of the value that a cluster at this level of `transaction.version` writes.
 */
function valueVersion(transactionVersion: number): number {
  return transactionVersion >= 1 ? 1 : 0
}

export function toKeyValue(record: TransactionRecord, transactionVersion: number): KeyValue {
  const { transactionalId, transaction } = record
  const key = withVersion(recordType, encodeData(transactionLogKey, 0, { transactionalId }))
  if (transaction === null) return { key, value: null }
  const { state, partitions } = transaction
  const topics = topicsOf(partitions)
  const version = valueVersion(transactionVersion)
  const value = encodeData(transactionLogValue, version, {
    producerId: transaction.producerId,
    previousProducerId: transaction.previousProducerId,
    nextProducerId: transaction.nextProducerId,
    producerEpoch: transaction.producerEpoch,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: stateIds[state],
    transactionPartitions:
      state === 'Empty'
        ? null
        : topics.map(({ topic, partitions: partitionIds }) => ({ topic, partitionIds })),
    transactionLastUpdateTimestampMs: transaction.lastUpdateMs,
    transactionStartTimestampMs: transaction.startMs,
    clientTransactionVersion: transaction.clientTransactionVersion,
  })
  return { key, value: withVersion(version, value) }
}

/**
 * Decodes a record; returns null for a record of an unknown type, written by a newer release.
 *
 * @throws Malformed when the bytes do not follow the layout.
 */
export function fromKeyValue({ key, value }: KeyValue): TransactionRecord | null {
  if (key.readInt16BE(0) !== recordType) return null
  const { transactionalId } = decodeData(transactionLogKey, 0, new Reader(key.subarray(2)))
  if (value === null) return { transactionalId, transaction: null }
  const version = value.readInt16BE(0)
  if (version > transactionLogValue.versions[1]) return null
  const read = decodeData(transactionLogValue, version, new Reader(value.subarray(2)))
  const state = stateOfId(read.transactionStatus)
  if (state === null) return null
  const topics = (read.transactionPartitions ?? []).map(({ topic, partitionIds }) => ({
    topic,
    partitions: partitionIds,
  }))
  const transaction: Transaction = {
    transactionalId,
    producerId: read.producerId,
    previousProducerId: read.previousProducerId,
    nextProducerId: read.nextProducerId,
    producerEpoch: read.producerEpoch,
    lastProducerEpoch: noProducerEpoch,
    timeoutMs: read.transactionTimeoutMs,
    state,
    partitions: partitionSet(topics),
    startMs: read.transactionStartTimestampMs,
    lastUpdateMs: read.transactionLastUpdateTimestampMs,
    clientTransactionVersion: read.clientTransactionVersion,
  }
  return { transactionalId, transaction }
}

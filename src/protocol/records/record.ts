import { ApiError } from '../errors.ts'
import {
  type Batch,
  batchHeaderBytes,
  type CodecName,
  codecs,
  noLeaderEpoch,
  noProducerEpoch,
  noProducerId,
  noSequence,
  noTimestamp,
  writeBatchHeader,
} from './batch.ts'
import { compress, decompress } from './compression.ts'
import { RecordCursor } from './record-cursor.ts'
import type { KafkaRecord, RecordToWrite } from './record-types.ts'
import { RecordWriter } from './record-writer.ts'

export type { KafkaRecord, RecordHeader, RecordToWrite } from './record-types.ts'

/** Reads all records of a batch in order, as written by `writeBatch` or any Kafka client. */
export async function readRecords(batch: Batch, bytesMax?: number): Promise<KafkaRecord[]> {
  const { baseOffset, baseTimestamp, recordCount, codec, payload } = batch
  const appendTime = batch.isLogAppendTime ? batch.maxTimestamp : null
  const cursor = new RecordCursor(await decompress(codec, payload, bytesMax))
  const records: KafkaRecord[] = []
  for (let i = 0; i < recordCount; i++) {
    cursor.next()
    records.push({
      offset: baseOffset + cursor.offsetDelta,
      timestampMs: appendTime ?? baseTimestamp + cursor.timestampDelta,
      key: cursor.key(),
      value: cursor.value(),
      headers: cursor.headers(),
    })
  }
  if (!cursor.atEnd) throw new ApiError('CORRUPT_MESSAGE', 'Bytes are left after the last record.')
  return records
}

export interface BatchToWrite {
  /** Defaults to 0: the log assigns the actual offset. */
  readonly baseOffset?: number
  readonly records: readonly RecordToWrite[]
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly leaderEpoch?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  readonly logAppendTimeMs?: number
}

/** Builds an uncompressed batch. Used for the records of coordinators and the controller. */
export function writeBatch(batch: BatchToWrite): Buffer {
  const writer = new RecordWriter(batchHeaderBytes)
  const summary = writeRecords(writer, batch.records)
  const bytes = writer.take()
  finish(bytes, batch, codecs.none, summary)
  return bytes
}

/**
 * Builds a batch compressed with `compression`.
 *
 * @param level of the codec; undefined for Kafka's default.
 */
export async function writeCompressedBatch(
  batch: BatchToWrite,
  compression: CodecName,
  level?: number,
): Promise<Buffer> {
  if (compression === 'none') return writeBatch(batch)
  const writer = new RecordWriter(0)
  const summary = writeRecords(writer, batch.records)
  const payload = await compress(codecs[compression], writer.take(), level)
  const bytes = Buffer.allocUnsafeSlow(batchHeaderBytes + payload.length)
  payload.copy(bytes, batchHeaderBytes)
  finish(bytes, batch, codecs[compression], summary)
  return bytes
}

interface Summary {
  baseTimestampMs: number
  maxTimestampMs: number
  lastOffsetDelta: number
}

function writeRecords(writer: RecordWriter, records: readonly RecordToWrite[]): Summary {
  const baseTimestampMs = records[0]?.timestampMs ?? noTimestamp
  const summary = { baseTimestampMs, maxTimestampMs: noTimestamp, lastOffsetDelta: -1 }
  for (const record of records) {
    summary.lastOffsetDelta = record.offsetDelta ?? summary.lastOffsetDelta + 1
    summary.maxTimestampMs = Math.max(summary.maxTimestampMs, record.timestampMs)
    writer.record(summary.lastOffsetDelta, record.timestampMs - baseTimestampMs, record)
  }
  return summary
}

function finish(bytes: Buffer, batch: BatchToWrite, codec: number, summary: Summary): void {
  writeBatchHeader(bytes, {
    baseOffset: batch.baseOffset ?? 0,
    leaderEpoch: batch.leaderEpoch ?? noLeaderEpoch,
    codec,
    logAppendTime: batch.logAppendTimeMs !== undefined,
    isTransactional: batch.isTransactional ?? false,
    isControl: batch.isControl ?? false,
    deleteHorizon: false,
    lastOffsetDelta: summary.lastOffsetDelta,
    baseTimestampMs: summary.baseTimestampMs,
    maxTimestampMs: batch.logAppendTimeMs ?? summary.maxTimestampMs,
    producerId: batch.producerId ?? noProducerId,
    producerEpoch: batch.producerEpoch ?? noProducerEpoch,
    baseSequence: batch.baseSequence ?? noSequence,
    recordCount: batch.records.length,
  })
}

import { Refusal } from '../errors.ts'
import {
  Batch,
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
import { compress, decompress, decompressedBytesMaxDefault } from './compression.ts'
import { RecordCursor } from './record-cursor.ts'
import { RecordWriter } from './record-writer.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** A record as a batch's reader sees it. Keys and values are views on the (decompressed) payload. */
export interface KafkaRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/**
 * The payload of a batch ready for a `RecordCursor`: the batch's own bytes when it is not compressed.
 *
 * @param bytesMax what the records may take when decompressed.
 * @throws what `decompress` throws.
 */
export function payloadOf(
  batch: Batch,
  bytesMax: number = decompressedBytesMaxDefault,
): Buffer | Promise<Buffer> {
  return batch.codec === codecs.none
    ? batch.payload
    : decompress(batch.codec, batch.payload, bytesMax)
}

/** Every record of a batch, in order. Reads what `writeBatch` and any Kafka client wrote. */
export async function readRecords(batch: Batch, bytesMax?: number): Promise<KafkaRecord[]> {
  const { baseOffset, baseTimestamp, recordCount } = batch
  const appendTime = batch.isLogAppendTime ? batch.maxTimestamp : null
  const cursor = new RecordCursor(await payloadOf(new Batch(batch.bytes, batch.start), bytesMax))
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
  if (!cursor.atEnd) throw new Refusal('CORRUPT_MESSAGE', 'Bytes are left after the last record.')
  return records
}

export interface RecordToWrite {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[]
  /** Milliseconds since the epoch. */
  readonly timestampMs: number
  /** Only where records are missing between others, as after compaction; else counted up. */
  readonly offsetDelta?: number
}

export interface BatchToWrite {
  /** Defaults to 0: the log assigns the real one. */
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

/** One batch, not compressed. What coordinators and the controller write, they write with this. */
export function writeBatch(batch: BatchToWrite): Buffer {
  const writer = new RecordWriter(batchHeaderBytes)
  const summary = writeRecords(writer, batch.records)
  const bytes = writer.take()
  finish(bytes, batch, codecs.none, summary)
  return bytes
}

/**
 * One batch, compressed with `compression`.
 *
 * @param level the codec's own; undefined takes Kafka's default.
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

import {
  type Batch,
  batchHeaderBytes,
  codecs,
  noTimestamp,
  writeBatchHeader,
} from '../protocol/records/batch.ts'
import { compress } from '../protocol/records/compression.ts'
import { payloadOf } from '../protocol/records/record.ts'
import { RecordCursor } from '../protocol/records/record-cursor.ts'
import { RecordWriter } from '../protocol/records/record-writer.ts'

export interface CleaningRules {
  /** Whether the record where the cursor stands is kept. */
  readonly keeps: (cursor: RecordCursor, offset: number) => boolean
  /** Whether the batch's header stays even when no record does: it holds a producer's last sequence. */
  readonly keepsEmpty: boolean
  /** Whether this marker is all that is left of its transaction. */
  readonly isEmptyMarker: boolean
  /** When tombstones and such markers that are met for the first time may go (KIP-534). */
  readonly deleteHorizonMs: number
}

/**
 * What the cleaner leaves of a batch: the batch itself where nothing changes, a smaller one, its
 * header alone, or null. Offsets stay as they are (`MemoryRecords.filterTo`).
 */
export async function cleanBatch(batch: Batch, rules: CleaningRules): Promise<Buffer | null> {
  const { baseOffset, baseTimestamp, recordCount } = batch
  const payload = await payloadOf(batch)
  const cursor = new RecordCursor(payload)
  const kept: number[] = []
  let hasTombstone = false
  for (let i = 0; i < recordCount; i++) {
    cursor.next()
    if (!rules.keeps(cursor, baseOffset + cursor.offsetDelta)) continue
    kept.push(i)
    if (cursor.valueLength < 0) hasTombstone = true
  }
  if (kept.length === 0) return rules.keepsEmpty ? emptyBatch(batch) : null
  const setsHorizon = (hasTombstone || rules.isEmptyMarker) && !batch.hasDeleteHorizon
  if (kept.length === recordCount && !setsHorizon) return batch.slice
  const horizon = setsHorizon
    ? rules.deleteHorizonMs
    : batch.hasDeleteHorizon
      ? baseTimestamp
      : null
  return rebuild(batch, payload, new Set(kept), horizon)
}

/** @param horizon stands in the place of the base timestamp; null leaves that a timestamp. */
async function rebuild(
  batch: Batch,
  payload: Buffer,
  kept: ReadonlySet<number>,
  horizon: number | null,
): Promise<Buffer> {
  const { codec, recordCount, isLogAppendTime } = batch
  const cursor = new RecordCursor(payload)
  const isPlain = codec === codecs.none
  const writer = new RecordWriter(isPlain ? batchHeaderBytes : 0)
  let base = horizon
  let maxTimestamp = noTimestamp
  // What the first timestamp meant before a horizon took its place: deltas count from there.
  const from = batch.baseTimestamp
  for (let i = 0; i < recordCount; i++) {
    cursor.next()
    if (!kept.has(i)) continue
    const timestamp = isLogAppendTime ? batch.maxTimestamp : from + cursor.timestampDelta
    base ??= timestamp
    maxTimestamp = Math.max(maxTimestamp, timestamp)
    writer.record(cursor.offsetDelta, timestamp - base, {
      key: cursor.key(),
      value: cursor.value(),
      headers: cursor.headers(),
      timestampMs: timestamp,
    })
  }
  let bytes = writer.take()
  if (!isPlain) {
    const compressed = await compress(codec, bytes)
    bytes = Buffer.concat([Buffer.alloc(batchHeaderBytes), compressed])
  }
  writeBatchHeader(bytes, {
    ...headerOf(batch),
    codec,
    deleteHorizon: horizon !== null,
    baseTimestampMs: base!,
    maxTimestampMs: isLogAppendTime ? batch.maxTimestamp : maxTimestamp,
    recordCount: kept.size,
  })
  return bytes
}

function emptyBatch(batch: Batch): Buffer {
  const bytes = Buffer.alloc(batchHeaderBytes)
  writeBatchHeader(bytes, {
    ...headerOf(batch),
    codec: codecs.none,
    deleteHorizon: false,
    baseTimestampMs: noTimestamp,
    maxTimestampMs: batch.maxTimestamp,
    recordCount: 0,
  })
  return bytes
}

function headerOf(batch: Batch) {
  return {
    baseOffset: batch.baseOffset,
    leaderEpoch: batch.leaderEpoch,
    logAppendTime: batch.isLogAppendTime,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    lastOffsetDelta: batch.lastOffsetDelta,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
  }
}

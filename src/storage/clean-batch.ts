import type { Turns } from '../base/turns.ts'
import {
  type Batch,
  batchHeaderBytes,
  codecs,
  noTimestamp,
  writeBatchHeader,
} from '../protocol/records/batch.ts'
import { eachRecord } from '../protocol/records/each-record.ts'
import { RecodedRecords } from '../protocol/records/recoded-records.ts'
import type { RecordCursor } from '../protocol/records/record-cursor.ts'
import { RecordWalk } from '../protocol/records/record-walk.ts'

export interface CleaningRules {
  /** Whether the record at the cursor is kept. Must give the same answer each time it is called. */
  readonly keeps: (cursor: RecordCursor, offset: number) => boolean
  /**
   * Whether the batch header is kept without records, because it has a producer's last sequence.
   */
  readonly keepsEmpty: boolean
  /** Whether this is a marker whose transaction has no other data left in the log. */
  readonly isEmptyMarker: boolean
  /** Maximum size in bytes of a record in a compressed batch (`max.decompressed.message.bytes`). */
  readonly recordBytesMax: number
  readonly turns: Turns
  /** Delete horizon (ms) for tombstones and empty markers that have none yet (KIP-534). */
  readonly deleteHorizonMs: number
}

/**
 * Removes the records of a batch that compaction drops. Returns the same batch if nothing changes,
 * a smaller batch, only its header, or null. Offsets do not change (Kafka's
 * `MemoryRecords.filterTo`).
 *
 * @throws (rejects) ApiError INVALID_RECORD and the errors of `openPieces`.
 */
export async function cleanBatch(batch: Batch, rules: CleaningRules): Promise<Buffer | null> {
  const { baseOffset, baseTimestamp, recordCount } = batch
  const { turns, recordBytesMax } = rules
  const walk = new RecordWalk(batch.codec, batch.payload, { recordBytesMax, holds: true, turns })
  let kept = 0
  let hasTombstone = false
  const see = (cursor: RecordCursor) => {
    if (!rules.keeps(cursor, baseOffset + cursor.offsetDelta)) return
    kept++
    if (cursor.valueLength < 0) hasTombstone = true
  }
  await eachRecord(walk, recordCount, see, turns)
  if (kept === 0) return rules.keepsEmpty ? emptyBatch(batch) : null
  const setsHorizon = (hasTombstone || rules.isEmptyMarker) && !batch.hasDeleteHorizon
  if (kept === recordCount && !setsHorizon) return batch.slice
  const horizon = setsHorizon
    ? rules.deleteHorizonMs
    : batch.hasDeleteHorizon
      ? baseTimestamp
      : null
  return rebuild(batch, kept, horizon, rules)
}

/** @param horizon the delete horizon to store instead of the base timestamp; null for none. */
async function rebuild(
  batch: Batch,
  kept: number,
  horizon: number | null,
  { keeps, recordBytesMax, turns }: CleaningRules,
): Promise<Buffer> {
  const { codec, isLogAppendTime, baseOffset } = batch
  const out = new RecodedRecords(codec, undefined)
  let base = horizon
  let maxTimestamp = noTimestamp
  // The base timestamp before a delete horizon replaces it: the stored deltas are relative to it.
  const from = batch.baseTimestamp
  const place = (cursor: RecordCursor) => {
    if (!keeps(cursor, baseOffset + cursor.offsetDelta)) return null
    const timestamp = isLogAppendTime ? batch.maxTimestamp : from + cursor.timestampDelta
    base ??= timestamp
    maxTimestamp = Math.max(maxTimestamp, timestamp)
    return { offsetDelta: cursor.offsetDelta, timestampDelta: timestamp - base }
  }
  await out.copy(batch, { recordBytesMax, turns, place })
  return out.finish((bytes) =>
    writeBatchHeader(bytes, {
      ...headerOf(batch),
      codec,
      deleteHorizon: horizon !== null,
      baseTimestampMs: base!,
      maxTimestampMs: isLogAppendTime ? batch.maxTimestamp : maxTimestamp,
      recordCount: kept,
    }),
  )
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

import type { Turns } from '../base/turns.ts'
import type { Batch } from '../protocol/records/batch.ts'
import { eachRecord } from '../protocol/records/each-record.ts'
import { RecordWalk } from '../protocol/records/record-walk.ts'
import type { Log } from './log.ts'
import type { Segment } from './segment.ts'

/** A record found by its timestamp. */
export interface TimestampedOffset {
  readonly offset: number
  readonly timestampMs: number
  readonly leaderEpoch: number
}

/**
 * Finds the first record at or above the log start offset with a timestamp of at least
 * `timestampMs`, also inside compressed batches. Returns null if there is none.
 */
export async function offsetForTimestamp(
  log: Log,
  timestampMs: number,
  turns: Turns,
): Promise<TimestampedOffset | null> {
  const { indexIntervalBytes } = log.config
  for (const segment of log.segments.from(log.logStartOffset)) {
    if ((await segment.newestTimestamp(indexIntervalBytes)) < timestampMs) continue
    const found = await findIn(segment, timestampMs, log.logStartOffset, log, turns)
    if (found !== null) return found
  }
  return null
}

/**
 * Finds the first record with the greatest timestamp (KIP-734). If no record has a timestamp, finds
 * one without; it may be below the log start offset while its segment exists. Returns null if there
 * is no record.
 */
export async function offsetOfMaxTimestamp(
  log: Log,
  turns: Turns,
): Promise<TimestampedOffset | null> {
  const { indexIntervalBytes } = log.config
  let newest: { segment: Segment; timestampMs: number } | null = null
  for (const segment of log.segments.from(log.logStartOffset)) {
    const timestampMs = await segment.newestTimestamp(indexIntervalBytes)
    if (newest === null || timestampMs > newest.timestampMs) newest = { segment, timestampMs }
  }
  return newest === null ? null : findIn(newest.segment, newest.timestampMs, 0, log, turns)
}

async function findIn(
  segment: Segment,
  timestampMs: number,
  fromOffset: number,
  log: Log,
  turns: Turns,
): Promise<TimestampedOffset | null> {
  const indexes = await segment.loadIndexes(log.config.indexIntervalBytes)
  // According to the time index all records before this offset are older.
  const before = indexes.time.offsetBefore(timestampMs - 1)
  const { from } = indexes.offset.rangeOf(Math.max(before, fromOffset))
  for await (const { batch } of segment.walk(from)) {
    if (batch.maxTimestamp < timestampMs || batch.lastOffset < fromOffset) continue
    const found = await firstRecord(batch, timestampMs, fromOffset, log, turns)
    if (found !== null) return { ...found, leaderEpoch: batch.leaderEpoch }
  }
  return null
}

async function firstRecord(
  batch: Batch,
  timestampMs: number,
  fromOffset: number,
  log: Log,
  turns: Turns,
) {
  const { baseOffset, baseTimestamp, recordCount } = batch
  if (batch.isLogAppendTime) {
    return { offset: Math.max(baseOffset, fromOffset), timestampMs: batch.maxTimestamp }
  }
  const recordBytesMax = log.config.maxDecompressedMessageBytes
  const walk = new RecordWalk(batch.codec, batch.payload, { recordBytesMax, holds: false, turns })
  const found: { offset: number; timestampMs: number }[] = []
  const see = (cursor: RecordWalk['cursor']) => {
    const offset = baseOffset + cursor.offsetDelta
    const recordMs = baseTimestamp + cursor.timestampDelta
    if (recordMs < timestampMs || offset < fromOffset) return true
    found.push({ offset, timestampMs: recordMs })
    return false
  }
  await eachRecord(walk, recordCount, see, turns)
  return found[0] ?? null
}

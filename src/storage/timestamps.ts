import type { Batch } from '../protocol/records/batch.ts'
import { payloadOf } from '../protocol/records/record.ts'
import { RecordCursor } from '../protocol/records/record-cursor.ts'
import type { Log } from './log.ts'
import type { Segment } from './segment.ts'

/** A record found by its time. */
export interface TimestampedOffset {
  readonly offset: number
  readonly timestampMs: number
  readonly leaderEpoch: number
}

/**
 * The first record, from the log start offset on, that is not older than `timestampMs`; looks inside
 * compressed batches too. Null if there is none.
 */
export async function offsetForTimestamp(
  log: Log,
  timestampMs: number,
): Promise<TimestampedOffset | null> {
  const { indexIntervalBytes } = log.config
  for (const segment of log.segments.from(log.logStartOffset)) {
    if ((await segment.newestTimestamp(indexIntervalBytes)) < timestampMs) continue
    const found = await findIn(segment, timestampMs, log)
    if (found !== null) return found
  }
  return null
}

/**
 * The record with the greatest timestamp, the first of them if there are several (KIP-734). Null if
 * the log holds no record with a timestamp.
 */
export async function offsetOfMaxTimestamp(log: Log): Promise<TimestampedOffset | null> {
  const { indexIntervalBytes } = log.config
  let newest: { segment: Segment; timestampMs: number } | null = null
  for (const segment of log.segments.from(log.logStartOffset)) {
    const timestampMs = await segment.newestTimestamp(indexIntervalBytes)
    if (timestampMs > (newest?.timestampMs ?? -1)) newest = { segment, timestampMs }
  }
  return newest === null ? null : findIn(newest.segment, newest.timestampMs, log)
}

async function findIn(
  segment: Segment,
  timestampMs: number,
  log: Log,
): Promise<TimestampedOffset | null> {
  const indexes = await segment.loadIndexes(log.config.indexIntervalBytes)
  // Everything before this is older: its entry says so.
  const before = indexes.time.offsetBefore(timestampMs - 1)
  const { from } = indexes.offset.rangeOf(Math.max(before, log.logStartOffset))
  for await (const { batch } of segment.walk(from)) {
    if (batch.maxTimestamp < timestampMs || batch.lastOffset < log.logStartOffset) continue
    const found = await firstRecord(batch, timestampMs, log.logStartOffset)
    if (found !== null) return { ...found, leaderEpoch: batch.leaderEpoch }
  }
  return null
}

async function firstRecord(batch: Batch, timestampMs: number, logStartOffset: number) {
  const { baseOffset, baseTimestamp, recordCount } = batch
  if (batch.isLogAppendTime) {
    return { offset: Math.max(baseOffset, logStartOffset), timestampMs: batch.maxTimestamp }
  }
  const cursor = new RecordCursor(await payloadOf(batch))
  for (let i = 0; i < recordCount; i++) {
    cursor.next()
    const offset = baseOffset + cursor.offsetDelta
    const recordMs = baseTimestamp + cursor.timestampDelta
    if (recordMs >= timestampMs && offset >= logStartOffset)
      return { offset, timestampMs: recordMs }
  }
  return null
}

import type { Log } from './log.ts'
import type { Segment } from './segment.ts'

/**
 * Removes the segments that are below the log start offset, older than `retention.ms` or above
 * `retention.bytes`: oldest first, never above the high watermark. If the active segment must be
 * removed too, a new one is started (Kafka's `UnifiedLog.deleteOldSegments`).
 *
 * @returns the number of removed segments.
 */
export async function deleteOldSegments(
  log: Log,
  highWatermark: number,
  nowMs: number,
): Promise<number> {
  const { cleanupPolicy } = log.config
  const reasons = [belowStart(log)]
  if (cleanupPolicy.includes('delete')) reasons.push(tooLarge(log), tooOld(log, nowMs))
  let count = 0
  for (const isDue of reasons) {
    const due = await leading(log, highWatermark, isDue)
    if (due.length === 0) continue
    if (due.length === log.segments.all.length) log.roll()
    count += due.length
    const removed = log.removeSegments(due)
    log.advanceLogStartOffset(log.segments.first.baseOffset)
    await removed
  }
  return count
}

type IsDue = (segment: Segment, end: number | null) => boolean | Promise<boolean>

/** Returns the consecutive oldest segments that are due, all below the high watermark. */
async function leading(log: Log, highWatermark: number, isDue: IsDue): Promise<Segment[]> {
  const due: Segment[] = []
  for (const segment of log.segments.all) {
    const end = log.segments.endOf(segment)
    const isEmptyActive = end === null && segment.sizeBytes === 0
    if (isEmptyActive || (end ?? log.logEndOffset) > highWatermark) break
    if (!(await isDue(segment, end))) break
    due.push(segment)
  }
  return due
}

function belowStart(log: Log): IsDue {
  return (_, end) => end !== null && end <= log.logStartOffset
}

function tooLarge(log: Log): IsDue {
  const { retentionBytes } = log.config
  let excess = retentionBytes < 0 ? -1 : log.segments.sizeBytes - retentionBytes
  return (segment) => {
    excess -= segment.sizeBytes
    return excess >= 0
  }
}

/** Decides by the newest record's timestamp, or the file's modification time if none has one. */
function tooOld(log: Log, nowMs: number): IsDue {
  const { retentionMs, indexIntervalBytes } = log.config
  return async (segment) => {
    if (retentionMs < 0) return false
    const newestMs = await segment.newestTimestamp(indexIntervalBytes)
    return nowMs - (newestMs < 0 ? segment.modifiedMs : newestMs) > retentionMs
  }
}

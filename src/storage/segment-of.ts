import type { LogOptions } from './log-contract.ts'
import { Segment } from './segment.ts'

/** What is there of a segment already. */
interface Found {
  readonly size: number
  readonly modifiedMs: number
}

/**
 * A segment of this log: a new one, or one whose file was found. Each has dice of its own for
 * `segment.jitter.ms`, thrown anew whenever it is opened (Kafka: `LogConfig.randomSegmentJitter`).
 */
export function segmentOf(
  o: LogOptions,
  baseOffset: number,
  found: Found | null = null,
  extension = '',
): Segment {
  const { clock, dir, disk, random } = o
  const { segmentJitterMs, segmentMs } = o.config()
  const jitterMs = Math.min(segmentJitterMs, segmentMs)
  const nowMs = clock.nowMs()
  return new Segment({
    disk,
    dir,
    baseOffset,
    sizeBytes: found?.size ?? 0,
    nowMs,
    modifiedMs: found?.modifiedMs ?? nowMs,
    jitterMs: jitterMs > 0 ? random.int(jitterMs) : 0,
    extension,
  })
}

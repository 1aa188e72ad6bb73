import type { LogOptions } from './log-contract.ts'
import { type Damage, Segment } from './segment.ts'

/** Attributes of an existing segment file. */
interface Found {
  readonly size: number
  readonly modifiedMs: number
}

/**
 * Creates the object for a new or an existing segment of a log. The jitter for `segment.jitter.ms`
 * is random per segment and chosen anew on each open (Kafka's `LogConfig.randomSegmentJitter`).
 */
export function segmentOf(
  options: LogOptions,
  baseOffset: number,
  found: Found | null = null,
  extension = '',
): Segment {
  const { clock, dir, disk, random } = options
  const { segmentJitterMs, segmentMs } = options.config()
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
    onDamage: (damage) => tell(options, damage),
  })
}

/** Logs the damage and leaves the files unchanged: another program may be able to recover more. */
function tell({ logger, name: partition }: LogOptions, damage: Damage): void {
  const { file, position, bytes } = damage
  logger.error('a segment is damaged: what stands from there on to its end cannot be read', {
    ...{ partition, file, position, bytes },
  })
}

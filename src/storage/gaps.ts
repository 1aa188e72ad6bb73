import type { DirectoryEntry } from './disk.ts'
import { offsetOfName, segmentPath, suffixes } from './file-names.ts'
import type { LogOptions } from './log-contract.ts'
import type { Segment } from './segment.ts'

/** In a compacted log records may be missing between segments without any loss. */
const isCompacted = (options: LogOptions) => options.config().cleanupPolicy.includes('compact')

/**
 * Logs an error, once per segment, if records are missing between a segment and the next. Readers
 * continue with the next segment, as in Apache Kafka, which logs nothing.
 *
 * @param from the offset after the segment's last batch.
 * @param to the base offset of the next segment.
 */
export function tellOfGap(options: LogOptions, segment: Segment, from: number, to: number): void {
  if (segment.isGapTold || from >= to || isCompacted(options)) return
  segment.isGapTold = true
  options.logger.error('records are missing between two segments', {
    ...{ partition: options.name, behind: segment.log.path, from, to },
  })
}

/** Checks for a gap when a reader goes on from one segment to the next. */
export async function lookForGap(options: LogOptions, segment: Segment, to: number): Promise<void> {
  // Damage was logged where it was found.
  if (segment.isGapTold || segment.damagedAt !== null || isCompacted(options)) return
  tellOfGap(options, segment, await segment.findEnd(options.config().indexIntervalBytes), to)
}

/**
 * Logs an error if records are missing at the start or the end of a log, or if a segment is empty.
 * Called when the log is opened.
 *
 * @param expectedStart the log start offset according to the checkpoints; null if they may be
 * outdated.
 */
export function tellOfLoss(
  options: LogOptions,
  segments: readonly Segment[],
  { logEndOffset, expectedStart }: { logEndOffset: number; expectedStart: number | null },
): void {
  const { logger, name: partition, recoveryPoint } = options
  if (recoveryPoint > logEndOffset) {
    const fields = { partition, logEndOffset, syncedUpTo: recoveryPoint }
    logger.error('a log ends before what was synced of it: records are lost', fields)
  }
  if (isCompacted(options)) return
  const { baseOffset } = segments[0]!
  if (expectedStart !== null && baseOffset > expectedStart) {
    const fields = { partition, from: expectedStart, to: baseOffset }
    logger.error('the first segment of a log is missing: its records are lost', fields)
  }
  for (const segment of segments.slice(0, -1)) {
    if (segment.sizeBytes > 0) continue
    segment.isGapTold = true
    logger.error('a segment is empty although others follow: its records are lost', {
      ...{ partition, file: segment.log.path },
    })
  }
}

/**
 * Logs an error if an index file exists without its segment: a segment file was deleted from the
 * middle of the log. After a crash while the cleaner replaced segments the same state is possible
 * without loss.
 *
 * @param entries the content of the directory.
 */
export function tellOfOrphans(
  options: LogOptions,
  segments: readonly Segment[],
  entries: readonly DirectoryEntry[],
): void {
  if (!options.cleanShutdown && isCompacted(options)) return
  const starts = new Set(segments.map(({ baseOffset }) => baseOffset))
  for (const { name } of entries) {
    const offset = offsetOfName(name, suffixes.offsetIndex)
    if (offset === null || starts.has(offset)) continue
    const next = segments.findIndex(({ baseOffset }) => baseOffset > offset)
    const before = segments[next - 1]
    if (before === undefined) continue
    before.isGapTold = true
    const file = segmentPath(options.dir, offset, suffixes.log)
    const fields = { partition: options.name, file, from: offset, to: segments[next]!.baseOffset }
    options.logger.error('the file of a segment is missing: its records are lost', fields)
  }
}

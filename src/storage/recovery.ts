import { batchHeaderBytes, batchOverheadBytes } from '../protocol/records/batch.ts'
import { DamagedFile } from './damaged-file.ts'
import type { DirectoryEntry } from './disk.ts'
import { LeaderEpochs } from './epochs.ts'
import { leaderEpochFile, offsetOfName, segmentPath, suffixes } from './file-names.ts'
import { tellOfGap, tellOfLoss, tellOfOrphans } from './gaps.ts'
import type { LogOptions } from './log-contract.ts'
import { Producers } from './producers.ts'
import type { Segment } from './segment.ts'
import { SegmentList } from './segment-list.ts'
import { segmentOf } from './segment-of.ts'
import { setPartAside, setSegmentAside } from './set-aside.ts'

/** The content of a partition's directory after recovery from a crash. */
export interface RecoveredLog {
  readonly segments: SegmentList
  readonly producers: Producers
  readonly epochs: LeaderEpochs
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** Everything below this offset is synced. */
  readonly recoveryPoint: number
  /** Offset of the newest producer snapshot; -1 if there is none. */
  readonly snapshotOffset: number
}

/**
 * Opens a partition's directory (Kafka's `LogLoader`). After a clean shutdown only the end of the
 * last segment is scanned. Otherwise every segment from the recovery point on is read: checksums
 * are checked, indexes rebuilt, and the log is truncated before the first damaged batch. Kafka
 * deletes what follows, because it was never acknowledged as durable; here it is set aside.
 *
 * @throws DamagedFile if Apache Kafka would refuse to start on this damage after a clean shutdown.
 */
export async function recoverLog(options: LogOptions): Promise<RecoveredLog> {
  // Listed once: with ten thousand partitions these reads determine the start time of the broker.
  const found = await options.disk.list(options.dir)
  if (found === null) await options.disk.makeDirectory(options.dir)
  const entries = await tidyDirectory(options, await finishSwaps(options, found ?? []))
  const segments = findSegments(options, entries)
  const { indexIntervalBytes } = options.config()
  const recoveryPoint = options.cleanShutdown ? Number.POSITIVE_INFINITY : options.recoveryPoint
  const savedEpochs = await readEpochs(options)
  const epochs = savedEpochs ?? new LeaderEpochs()
  const kept = await keepIntact(options, segments, recoveryPoint, epochs)
  const start = Math.max(options.logStartOffset, kept[0]?.baseOffset ?? 0)
  if (kept.length === 0) {
    kept.push(segmentOf(options, start))
    await kept[0]!.createFiles()
  }
  const last = kept.at(-1)!
  let logEndOffset = last.sizeBytes === 0 ? last.baseOffset : await last.findEnd(indexIntervalBytes)
  if (last.damagedAt !== null) {
    if (options.cleanShutdown) await refuseWhereKafkaDoes(last, last.damagedAt)
    // Truncated or damaged despite a clean shutdown: later appends would be unreadable.
    await recoverLast(options, kept, epochs)
    logEndOffset = last.sizeBytes === 0 ? last.baseOffset : await last.findEnd(indexIntervalBytes)
  }
  if (logEndOffset < start) {
    // The checkpoint's log start offset is above the log end: these records were deleted, too.
    for (const segment of kept.splice(0)) {
      await setSegmentAside(
        options,
        segment,
        `the log ends at ${logEndOffset} but starts at ${start}`,
      )
    }
    kept.push(segmentOf(options, start))
    await kept[0]!.createFiles()
    logEndOffset = start
  }
  // After a crash the files with the log start offset may be older than the last retention run.
  const epochsStart = savedEpochs?.all[0]?.startOffset ?? Number.POSITIVE_INFINITY
  const saysStart = options.cleanShutdown && epochsStart < Number.POSITIVE_INFINITY
  const expectedStart = saysStart ? Math.max(options.logStartOffset, epochsStart) : null
  tellOfLoss(options, kept, { logEndOffset, expectedStart })
  tellOfOrphans(options, kept, found ?? [])
  const list = new SegmentList(kept)
  if (savedEpochs === null) await rebuildEpochs(list, epochs)
  epochs.truncateEnd(logEndOffset)
  epochs.truncateStart(start)
  const producers = new Producers(options.name)
  const snapshots = options.cleanShutdown ? snapshotsIn(entries) : await snapshotOffsets(options)
  const stays = await removeStraySnapshots(options, list, logEndOffset, snapshots)
  const snapshotOffset = await loadProducers(options, list, producers, logEndOffset, stays)
  return {
    segments: list,
    producers,
    epochs,
    logStartOffset: start,
    logEndOffset,
    recoveryPoint: Math.min(options.recoveryPoint, logEndOffset),
    snapshotOffset,
  }
}

/**
 * Completes the replacement of segments by `.swap` segments: removes the old ones and the suffix.
 * (Old segments of which nothing was left may remain: newer records supersede theirs.)
 *
 * @returns the content of the directory afterwards.
 */
async function finishSwaps(
  options: LogOptions,
  entries: readonly DirectoryEntry[],
): Promise<readonly DirectoryEntry[]> {
  let isChanged = false
  const swapped = suffixes.log + suffixes.swap
  for (const entry of entries) {
    const baseOffset = offsetOfName(entry.name, swapped)
    if (baseOffset === null) continue
    isChanged = true
    const cleaned = segmentOf(options, baseOffset, entry, suffixes.swap)
    const end =
      entry.size === 0 ? baseOffset : await cleaned.findEnd(options.config().indexIntervalBytes)
    for (const other of entries) {
      const base = offsetOfName(other.name, suffixes.log)
      if (base === null || base < baseOffset || base >= Math.max(end, baseOffset + 1)) continue
      await segmentOf(options, base, other).remove(base === baseOffset)
    }
    await cleaned.extend('')
    await cleaned.log.close()
    await options.disk.syncDirectory(options.dir)
  }
  return isChanged ? ((await options.disk.list(options.dir)) ?? []) : entries
}

/** Removes incomplete files left by an interrupted operation. @returns the remaining entries. */
async function tidyDirectory(
  options: LogOptions,
  entries: readonly DirectoryEntry[],
): Promise<DirectoryEntry[]> {
  const names = new Set(entries.map((entry) => entry.name))
  const stays: DirectoryEntry[] = []
  for (const entry of entries) {
    const { name } = entry
    const index = indexSuffixes.find((suffix) => offsetOfName(name, suffix) !== null)
    const isOrphan = index !== undefined && !names.has(name.slice(0, -index.length) + suffixes.log)
    const isLeftover = leftoverSuffixes.some((suffix) => name.endsWith(suffix))
    if (isOrphan || isLeftover) await options.disk.remove(`${options.dir}/${name}`)
    else stays.push(entry)
  }
  return stays
}

const indexSuffixes = [suffixes.offsetIndex, suffixes.timeIndex, suffixes.txnIndex]
const leftoverSuffixes = [suffixes.deleted, suffixes.cleaned, suffixes.swap, '.tmp']

function findSegments(options: LogOptions, entries: readonly DirectoryEntry[]): Segment[] {
  const names = new Set(entries.map((entry) => entry.name))
  const segments: Segment[] = []
  for (const entry of entries) {
    const baseOffset = offsetOfName(entry.name, suffixes.log)
    if (baseOffset === null) continue
    const txnIndex = entry.name.slice(0, -suffixes.log.length) + suffixes.txnIndex
    const segment = segmentOf(options, baseOffset, entry)
    segment.mayHoldAborted = names.has(txnIndex)
    segments.push(segment)
  }
  return segments.sort((a, b) => a.baseOffset - b.baseOffset)
}

/** Recovers the segments from the recovery point on; truncates at damage and drops what follows. */
async function keepIntact(
  options: LogOptions,
  segments: readonly Segment[],
  recoveryPoint: number,
  epochs: LeaderEpochs,
): Promise<Segment[]> {
  const isDone = (i: number) => (segments[i + 1]?.baseOffset ?? Infinity) <= recoveryPoint
  let next = segments.findIndex((_, i) => !isDone(i))
  if (next < 0 || recoveryPoint === Infinity) return [...segments]
  const kept = segments.slice(0, next + 1)
  const producers = new Producers(options.name)
  await loadProducers(options, new SegmentList(kept), producers, kept.at(-1)!.baseOffset)
  while (await recoverSegment(options, kept.at(-1)!, producers, epochs, segments[next + 1])) {
    if (++next === segments.length) return kept
    await kept.at(-1)!.seal()
    kept.push(segments[next]!)
  }
  for (const dropped of segments.slice(next + 1)) {
    await setSegmentAside(options, dropped, 'it follows on a damaged one')
  }
  return kept
}

/**
 * After a clean shutdown, Apache Kafka does not start on an impossible batch length, but it does on
 * a truncated batch (`FileLogInputStream.nextBatch`). Both brokers have removed the clean shutdown
 * marker by then, so the next start recovers the log.
 *
 * @throws DamagedFile
 */
async function refuseWhereKafkaDoes({ log, sizeBytes }: Segment, position: number): Promise<void> {
  const there = sizeBytes - position
  if (there <= headerToMagicBytes) return
  const length = (await log.read(position, headerToMagicBytes)).readInt32BE(8)
  const size = batchOverheadBytes + length
  if (size >= batchHeaderBytes || (length >= recordBytesMin && size > there)) return
  const why = `a batch of length ${length} stands at position ${position}, although the log was left in order`
  throw new DamagedFile(log.path, `${why}; the next start cuts the log there`)
}

/**
 * Bytes of a batch header up to and including the magic byte, and of the smallest record of the
 * oldest format.
 */
const headerToMagicBytes = 17
const recordBytesMin = 14

/** Recovers only the active segment. */
async function recoverLast(options: LogOptions, kept: readonly Segment[], epochs: LeaderEpochs) {
  const last = kept.at(-1)!
  const producers = new Producers(options.name)
  await loadProducers(options, new SegmentList(kept), producers, last.baseOffset)
  await recoverSegment(options, last, producers, epochs, undefined)
}

/**
 * Rebuilds the indexes of one segment; returns false if it had to be truncated. A gap before the
 * next segment does not end the log, as in Apache Kafka.
 */
async function recoverSegment(
  options: LogOptions,
  segment: Segment,
  producers: Producers,
  epochs: LeaderEpochs,
  following: Segment | undefined,
): Promise<boolean> {
  const { indexIntervalBytes } = options.config()
  segment.resetIndexes()
  segment.mayHoldAborted = false
  let end = 0
  let nextOffset = segment.baseOffset
  // An incomplete batch is cut off below, where it is logged.
  for await (const { batch, position } of segment.walk(0, segment.writtenBytes, () => {})) {
    if (batch.magic !== 2 || !batch.isIntact() || batch.baseOffset < nextOffset) break
    segment.note(batch, position, indexIntervalBytes)
    if (batch.leaderEpoch > epochs.latest) epochs.assign(batch.leaderEpoch, batch.baseOffset)
    const aborted = batch.hasProducerId ? producers.abortedBy(producers.apply(batch)) : null
    if (aborted !== null) segment.noteAborted(aborted)
    end = position + batch.sizeBytes
    nextOffset = batch.nextOffset
  }
  if (end === segment.sizeBytes) {
    if (following !== undefined) tellOfGap(options, segment, nextOffset, following.baseOffset)
    return true
  }
  const keptAs = await setPartAside(options, segment, end)
  options.logger.warn('cut a segment before what is no intact batch', {
    file: segment.log.path,
    position: end,
    offset: nextOffset,
    bytesDropped: segment.sizeBytes - end,
    keptAs,
  })
  await segment.cutAt(end, nextOffset, indexIntervalBytes)
  return false
}

async function readEpochs(options: LogOptions): Promise<LeaderEpochs | null> {
  const text = (await options.disk.readFile(`${options.dir}/${leaderEpochFile}`))?.toString('utf8')
  return text === undefined ? null : LeaderEpochs.parse(text)
}

/** The epochs file can be rebuilt, because every batch has its leader epoch. */
async function rebuildEpochs(segments: SegmentList, epochs: LeaderEpochs): Promise<void> {
  epochs.clear()
  for (const segment of segments.all) {
    for await (const { batch } of segment.walk()) epochs.assign(batch.leaderEpoch, batch.baseOffset)
  }
}

/**
 * Removes producer snapshots, except those at segment starts and the newest of the others.
 *
 * @returns the remaining offsets.
 */
async function removeStraySnapshots(
  options: LogOptions,
  segments: SegmentList,
  logEndOffset: number,
  snapshots: readonly number[],
): Promise<number[]> {
  const starts = new Set(segments.all.map((segment) => segment.baseOffset))
  const [newest, ...others] = snapshots.filter((offset) => !starts.has(offset))
  const isBeyond = newest !== undefined && newest > logEndOffset
  const strays = isBeyond ? [newest, ...others] : others
  for (const offset of strays) {
    await options.disk.remove(segmentPath(options.dir, offset, suffixes.snapshot))
  }
  return snapshots.filter((offset) => !strays.includes(offset))
}

/** Lists the offsets of the producer snapshots, newest first. */
async function snapshotOffsets(options: LogOptions): Promise<number[]> {
  return snapshotsIn((await options.disk.list(options.dir)) ?? [])
}

function snapshotsIn(entries: readonly DirectoryEntry[]): number[] {
  const offsets = entries.map(({ name }) => offsetOfName(name, suffixes.snapshot))
  return offsets.filter((offset) => offset !== null).sort((a, b) => b - a)
}

/**
 * Restores the producer state for a log end offset of `upTo`: loads the newest snapshot at or below
 * it, then replays the batches from there.
 *
 * @param snapshots offsets of the existing snapshots, newest first, if known.
 * @returns the offset of the newest snapshot; -1 if there is none.
 */
export async function loadProducers(
  options: LogOptions,
  segments: SegmentList,
  producers: Producers,
  upTo: number,
  snapshots?: readonly number[],
): Promise<number> {
  producers.clear()
  const offsets = (snapshots ?? (await snapshotOffsets(options))).filter((offset) => offset <= upTo)
  let from = segments.first.baseOffset
  for (const offset of offsets) {
    const path = segmentPath(options.dir, offset, suffixes.snapshot)
    const bytes = await options.disk.readFile(path)
    if (bytes === null) continue
    if (producers.load(bytes)) {
      from = offset
      break
    }
    options.logger.warn('removed a damaged producer snapshot; an older one is used', { file: path })
    await options.disk.remove(path)
  }
  if (from >= upTo) return offsets[0] ?? -1
  const { indexIntervalBytes } = options.config()
  for (const segment of segments.from(from)) {
    if (segment.baseOffset >= upTo || segment.sizeBytes === 0) continue
    const { offset } = await segment.loadIndexes(indexIntervalBytes)
    for await (const { batch } of segment.walk(offset.rangeOf(from).from)) {
      if (batch.baseOffset >= upTo) break
      if (batch.baseOffset >= from && batch.hasProducerId) producers.apply(batch)
    }
  }
  return offsets[0] ?? -1
}

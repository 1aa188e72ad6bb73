import type { DirectoryEntry } from './disk.ts'
import { LeaderEpochs } from './epochs.ts'
import { leaderEpochFile, offsetOfName, segmentPath, suffixes } from './file-names.ts'
import type { LogOptions } from './log-contract.ts'
import { Producers } from './producers.ts'
import type { Segment } from './segment.ts'
import { SegmentList } from './segment-list.ts'
import { segmentOf } from './segment-of.ts'

/** What was found in a partition's directory, made good where a crash had left it torn. */
export interface RecoveredLog {
  readonly segments: SegmentList
  readonly producers: Producers
  readonly epochs: LeaderEpochs
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** Everything below is known to be synced. */
  readonly recoveryPoint: number
  /** Of the newest producer snapshot; -1 if there is none. */
  readonly snapshotOffset: number
}

/**
 * Opens a partition's directory (Kafka's `LogLoader`). After a clean stop nothing is scanned but the
 * end of the last segment. Else every segment from the recovery point on is read through: its
 * batches' checksums are checked, its indexes rebuilt, and the log is cut before the first batch that
 * is damaged; what comes after it is dropped, for nobody was told that it is durable.
 */
export async function recoverLog(o: LogOptions): Promise<RecoveredLog> {
  // Looked at once: a broker of ten thousand partitions starts no sooner than their directories are read.
  const found = await o.disk.list(o.dir)
  if (found === null) await o.disk.makeDirectory(o.dir)
  const entries = await tidyDirectory(o, await finishSwaps(o, found ?? []))
  const segments = findSegments(o, entries)
  const { indexIntervalBytes } = o.config()
  const recoveryPoint = o.cleanShutdown ? Number.POSITIVE_INFINITY : o.recoveryPoint
  const savedEpochs = await readEpochs(o)
  const epochs = savedEpochs ?? new LeaderEpochs()
  const kept = await keepIntact(o, segments, recoveryPoint, epochs)
  const start = Math.max(o.logStartOffset, kept[0]?.baseOffset ?? 0)
  if (kept.length === 0) {
    kept.push(segmentOf(o, start))
    await kept[0]!.createFiles()
  }
  const last = kept.at(-1)!
  let logEndOffset = last.sizeBytes === 0 ? last.baseOffset : await last.findEnd(indexIntervalBytes)
  if (logEndOffset < start) {
    // The checkpoint says that more was deleted than there is: what is left was deleted too.
    for (const segment of kept.splice(0)) await segment.remove()
    kept.push(segmentOf(o, start))
    await kept[0]!.createFiles()
    logEndOffset = start
  }
  const list = new SegmentList(kept)
  if (savedEpochs === null) await rebuildEpochs(list, epochs)
  epochs.truncateEnd(logEndOffset)
  epochs.truncateStart(start)
  const producers = new Producers(o.name)
  const snapshots = o.cleanShutdown ? snapshotsIn(entries) : await snapshotOffsets(o)
  const stays = await removeStraySnapshots(o, list, logEndOffset, snapshots)
  const snapshotOffset = await loadProducers(o, list, producers, logEndOffset, stays)
  return {
    segments: list,
    producers,
    epochs,
    logStartOffset: start,
    logEndOffset,
    recoveryPoint: Math.min(o.recoveryPoint, logEndOffset),
    snapshotOffset,
  }
}

/**
 * What the cleaner had written whole takes its place: the segments that it was made from go, the
 * extension goes. (Segments of which nothing was left may stay: all they hold is superseded.)
 * @returns what stands in the directory then.
 */
async function finishSwaps(
  o: LogOptions,
  entries: readonly DirectoryEntry[],
): Promise<readonly DirectoryEntry[]> {
  let isChanged = false
  const swapped = suffixes.log + suffixes.swap
  for (const entry of entries) {
    const baseOffset = offsetOfName(entry.name, swapped)
    if (baseOffset === null) continue
    isChanged = true
    const cleaned = segmentOf(o, baseOffset, entry, suffixes.swap)
    const end = entry.size === 0 ? baseOffset : await cleaned.findEnd(o.config().indexIntervalBytes)
    for (const other of entries) {
      const base = offsetOfName(other.name, suffixes.log)
      if (base === null || base < baseOffset || base >= Math.max(end, baseOffset + 1)) continue
      await segmentOf(o, base, other).remove(base === baseOffset)
    }
    await cleaned.extend('')
    await o.disk.syncDirectory(o.dir)
  }
  return isChanged ? ((await o.disk.list(o.dir)) ?? []) : entries
}

/** Removes what a stop in the middle of something left behind. @returns what remains. */
async function tidyDirectory(
  o: LogOptions,
  entries: readonly DirectoryEntry[],
): Promise<DirectoryEntry[]> {
  const names = new Set(entries.map((entry) => entry.name))
  const stays: DirectoryEntry[] = []
  for (const entry of entries) {
    const { name } = entry
    const index = indexSuffixes.find((suffix) => offsetOfName(name, suffix) !== null)
    const isOrphan = index !== undefined && !names.has(name.slice(0, -index.length) + suffixes.log)
    const isLeftover = leftoverSuffixes.some((suffix) => name.endsWith(suffix))
    if (isOrphan || isLeftover) await o.disk.remove(`${o.dir}/${name}`)
    else stays.push(entry)
  }
  return stays
}

const indexSuffixes = [suffixes.offsetIndex, suffixes.timeIndex, suffixes.txnIndex]
const leftoverSuffixes = [suffixes.deleted, suffixes.cleaned, suffixes.swap, '.tmp']

function findSegments(o: LogOptions, entries: readonly DirectoryEntry[]): Segment[] {
  const names = new Set(entries.map((entry) => entry.name))
  const segments: Segment[] = []
  for (const entry of entries) {
    const baseOffset = offsetOfName(entry.name, suffixes.log)
    if (baseOffset === null) continue
    const txnIndex = entry.name.slice(0, -suffixes.log.length) + suffixes.txnIndex
    const segment = segmentOf(o, baseOffset, entry)
    segment.mayHoldAborted = names.has(txnIndex)
    segments.push(segment)
  }
  return segments.sort((a, b) => a.baseOffset - b.baseOffset)
}

/** Reads through the segments from the recovery point on; cuts, and drops what follows, at damage. */
async function keepIntact(
  o: LogOptions,
  segments: readonly Segment[],
  recoveryPoint: number,
  epochs: LeaderEpochs,
): Promise<Segment[]> {
  const isDone = (i: number) => (segments[i + 1]?.baseOffset ?? Infinity) <= recoveryPoint
  let next = segments.findIndex((_, i) => !isDone(i))
  if (next < 0 || recoveryPoint === Infinity) return [...segments]
  const kept = segments.slice(0, next + 1)
  const producers = new Producers(o.name)
  await loadProducers(o, new SegmentList(kept), producers, kept.at(-1)!.baseOffset)
  while (await recoverSegment(o, kept.at(-1)!, producers, epochs, segments[next + 1])) {
    if (++next === segments.length) return kept
    await kept.at(-1)!.seal()
    kept.push(segments[next]!)
  }
  for (const dropped of segments.slice(next + 1)) {
    o.logger.warn('dropped a segment that follows on a damaged one', {
      file: dropped.log.path,
      bytes: dropped.sizeBytes,
    })
    await dropped.remove()
  }
  return kept
}

/**
 * Rebuilds the indexes of one segment; false if what comes after it cannot be right. Records may be
 * missing between two segments only where the cleaner works: else they were lost with the machine.
 */
async function recoverSegment(
  o: LogOptions,
  segment: Segment,
  producers: Producers,
  epochs: LeaderEpochs,
  following: Segment | undefined,
): Promise<boolean> {
  const { indexIntervalBytes, cleanupPolicy } = o.config()
  segment.resetIndexes()
  segment.mayHoldAborted = false
  let end = 0
  let nextOffset = segment.baseOffset
  for await (const { batch, position } of segment.walk()) {
    if (batch.magic !== 2 || !batch.isIntact() || batch.baseOffset < nextOffset) break
    segment.note(batch, position, indexIntervalBytes)
    if (batch.leaderEpoch > epochs.latest) epochs.assign(batch.leaderEpoch, batch.baseOffset)
    const aborted = batch.hasProducerId ? producers.abortedBy(producers.apply(batch)) : null
    if (aborted !== null) segment.noteAborted(aborted)
    end = position + batch.sizeBytes
    nextOffset = batch.nextOffset
  }
  if (end === segment.sizeBytes) {
    return cleanupPolicy.includes('compact') || (following?.baseOffset ?? nextOffset) === nextOffset
  }
  o.logger.warn('cut a segment before what is no intact batch', {
    file: segment.log.path,
    position: end,
    offset: nextOffset,
    bytesDropped: segment.sizeBytes - end,
  })
  await segment.cutAt(end, nextOffset, indexIntervalBytes)
  return false
}

async function readEpochs(o: LogOptions): Promise<LeaderEpochs | null> {
  const text = (await o.disk.readFile(`${o.dir}/${leaderEpochFile}`))?.toString('utf8')
  return text === undefined ? null : LeaderEpochs.parse(text)
}

/** Every batch carries its epoch: the file that lists them can be lost. */
async function rebuildEpochs(segments: SegmentList, epochs: LeaderEpochs): Promise<void> {
  epochs.clear()
  for (const segment of segments.all) {
    for await (const { batch } of segment.walk()) epochs.assign(batch.leaderEpoch, batch.baseOffset)
  }
}

/** Keeps the snapshots at the starts of segments, and of the others the newest. @returns those that stay. */
async function removeStraySnapshots(
  o: LogOptions,
  segments: SegmentList,
  logEndOffset: number,
  snapshots: readonly number[],
): Promise<number[]> {
  const starts = new Set(segments.all.map((segment) => segment.baseOffset))
  const [newest, ...others] = snapshots.filter((offset) => !starts.has(offset))
  const isBeyond = newest !== undefined && newest > logEndOffset
  const strays = isBeyond ? [newest, ...others] : others
  for (const offset of strays) {
    await o.disk.remove(segmentPath(o.dir, offset, suffixes.snapshot))
  }
  return snapshots.filter((offset) => !strays.includes(offset))
}

/** The offsets of the producer snapshots, newest first. */
async function snapshotOffsets(o: LogOptions): Promise<number[]> {
  return snapshotsIn((await o.disk.list(o.dir)) ?? [])
}

function snapshotsIn(entries: readonly DirectoryEntry[]): number[] {
  const offsets = entries.map(({ name }) => offsetOfName(name, suffixes.snapshot))
  return offsets.filter((offset) => offset !== null).sort((a, b) => b - a)
}

/**
 * Brings the producers to where they were when the log ended at `upTo`: the newest snapshot that is
 * not beyond it, then the batches from there on.
 *
 * @param snapshots the offsets of those that are there, newest first, where they are known.
 * @returns the offset of the newest snapshot; -1 if there is none.
 */
export async function loadProducers(
  o: LogOptions,
  segments: SegmentList,
  producers: Producers,
  upTo: number,
  snapshots?: readonly number[],
): Promise<number> {
  producers.clear()
  const offsets = (snapshots ?? (await snapshotOffsets(o))).filter((offset) => offset <= upTo)
  let from = segments.first.baseOffset
  for (const offset of offsets) {
    const path = segmentPath(o.dir, offset, suffixes.snapshot)
    const bytes = await o.disk.readFile(path)
    if (bytes === null) continue
    if (producers.load(bytes)) {
      from = offset
      break
    }
    o.logger.warn('removed a damaged producer snapshot; an older one is used', { file: path })
    await o.disk.remove(path)
  }
  if (from >= upTo) return offsets[0] ?? -1
  const { indexIntervalBytes } = o.config()
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

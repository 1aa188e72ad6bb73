import type { Clock } from '../base/clock.ts'
import type { LeaderEpochs } from './epochs.ts'
import { leaderEpochFile, offsetOfName, segmentPath, suffixes } from './file-names.ts'
import type { LogOptions } from './log-contract.ts'
import type { Producers } from './producers.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'
import { segmentOf } from './segment-of.ts'

/**
 * What a log keeps on disk beside the appends: closed segments, indexes, snapshots, epochs. Done in
 * the background, one after the other; the first failure is reported and ends it.
 */
export class LogFiles {
  private readonly o: LogOptions
  private readonly segments: SegmentList
  private readonly producers: Producers
  private readonly epochs: LeaderEpochs
  private readonly onFailure: (error: Error) => void
  private last: Promise<void> = Promise.resolve()
  private flushed: number
  private newestSnapshot: number
  private isStopped = false
  private flushedAtMs: number
  /** Whether the epochs on disk may be lost with the machine. */
  private hasNewEpochs = false
  /** A flush that an append waits for does not wait behind `run`: two must not write the file at once. */
  private epochsWritten: Promise<void> = Promise.resolve()

  constructor(
    o: LogOptions,
    state: {
      readonly segments: SegmentList
      readonly producers: Producers
      readonly epochs: LeaderEpochs
      readonly recoveryPoint: number
      readonly snapshotOffset: number
    },
    onFailure: (error: Error) => void,
  ) {
    this.o = o
    this.segments = state.segments
    this.producers = state.producers
    this.epochs = state.epochs
    this.flushed = state.recoveryPoint
    this.newestSnapshot = state.snapshotOffset
    this.flushedAtMs = o.clock.nowMs()
    this.onFailure = onFailure
  }

  /** Everything below is synced: Kafka's recovery point. */
  get flushedOffset(): number {
    return this.flushed
  }

  /** When that was last true of everything, on the wall clock. */
  get lastFlushMs(): number {
    return this.flushedAtMs
  }

  /** From now on nothing new is begun: the directory may soon be another topic's of the same name. */
  stop(): void {
    this.isStopped = true
  }

  /** Runs behind what was begun before. Rejects if it, or anything before it, failed. */
  run(work: () => Promise<void>): Promise<void> {
    if (this.isStopped) return Promise.resolve()
    const done = this.last.then(work)
    this.last = done
    done.catch((error: unknown) => {
      this.onFailure(error instanceof Error ? error : new Error(String(error)))
    })
    return done
  }

  /** Resolves when everything that was begun is done. */
  settled(): Promise<void> {
    return this.last
  }

  /** A new segment is written to: what the old one still needs is done behind the appends. */
  rolled(old: Segment, active: Segment, lastWrite: Promise<void>): void {
    const snapshot = this.producers.toSnapshot()
    void this.run(async () => {
      await lastWrite
      await active.createFiles()
      await old.seal()
      await this.writeSnapshot(active.baseOffset, snapshot)
      // Retention may have taken it out of the list meanwhile: what is left of it must still be whole.
      await old.log.sync()
      await this.syncUpTo(active.baseOffset)
    })
  }

  /** Renames the files of segments that are out of use, and removes them later. */
  discard(segments: readonly Segment[]): Promise<void> {
    const { clock, config, disk } = this.o
    return this.run(async () => {
      const doomed: string[] = []
      // The segments that stay must be found again first, or the log would end before these began.
      await disk.syncDirectory(this.o.dir)
      for (const segment of segments) doomed.push(...(await segment.markDeleted()))
      this.removeLater(doomed, clock, config().fileDeleteDelayMs)
    })
  }

  /** An empty segment that is not in the log yet: what the cleaner writes. */
  newCleanedSegment(like: readonly Segment[]): Segment {
    const { modifiedMs } = like.at(-1)!
    return segmentOf(this.o, like[0]!.baseOffset, { size: 0, modifiedMs }, suffixes.cleaned)
  }

  /**
   * Puts a cleaned segment in the place of those that it was made from. Crash-safe: `.cleaned` is
   * thrown away at the next open; `.swap` is whole and durable, and takes its place then.
   *
   * @returns false if the log has changed meanwhile; nothing is done then.
   */
  async replace(old: readonly Segment[], cleaned: Segment): Promise<boolean> {
    const { clock, dir, disk } = this.o
    const { fileDeleteDelayMs } = this.o.config()
    await cleaned.seal()
    await cleaned.log.sync()
    let isDone = false
    await this.run(async () => {
      await cleaned.extend(suffixes.swap)
      await disk.syncDirectory(dir)
      isDone = old.every((segment) => this.segments.all.includes(segment))
      if (!isDone) return cleaned.remove()
      this.segments.replace(old, cleaned)
      const doomed: string[] = []
      for (const segment of old) {
        doomed.push(...(await segment.markDeleted(segment.baseOffset === cleaned.baseOffset)))
      }
      await cleaned.extend('')
      await disk.syncDirectory(dir)
      cleaned.isNameSynced = true
      this.removeLater(doomed, clock, fileDeleteDelayMs)
    })
    return isDone
  }

  private removeLater(paths: readonly string[], clock: Clock, delayMs: number): void {
    clock.after(delayMs, () => {
      for (const path of paths) {
        this.o.disk.remove(path).catch((error: Error) => {
          // Of a log that was given up, nobody asks: what is left goes when it is next opened.
          if (!this.isStopped) this.onFailure(error)
        })
      }
    })
  }

  /** Removes the files of segments at once: their names may be used again. */
  remove(segments: readonly Segment[]): Promise<void> {
    return this.run(async () => {
      for (const segment of segments) await segment.remove()
    })
  }

  /** The epochs have changed. Not synced yet: batches carry their epochs, the file can be rebuilt. */
  epochsChanged(): void {
    this.hasNewEpochs = true
    void this.run(() => this.writeEpochs(false))
  }

  /** Syncs what was written below `offset`, and what is needed to find it again. */
  async syncUpTo(offset: number): Promise<void> {
    if (offset <= this.flushed) return
    const due = this.segments.from(this.flushed).filter((each) => each.baseOffset < offset)
    for (const segment of due) await segment.log.sync()
    if (this.hasNewEpochs) await this.writeEpochs(true)
    if (due.some((segment) => !segment.isNameSynced)) {
      await this.o.disk.syncDirectory(this.o.dir)
      for (const segment of due) segment.isNameSynced = true
    }
    this.flushed = Math.max(this.flushed, offset)
    this.flushedAtMs = this.o.clock.nowMs()
  }

  /** After this the next open has nothing to scan. */
  async seal(logEndOffset: number): Promise<void> {
    const isEmpty = logEndOffset === 0
    if (this.newestSnapshot < logEndOffset && !isEmpty) {
      await this.writeSnapshot(logEndOffset, this.producers.toSnapshot())
    }
    for (const segment of this.segments.all) await segment.seal()
    await this.syncUpTo(logEndOffset)
    // Who wrote nothing has no epochs to lose: the next start has a newer one.
    if (this.hasNewEpochs && !isEmpty) await this.writeEpochs(true)
  }

  /** The log ends at `offset` now: what says otherwise is taken back. */
  async truncated(offset: number): Promise<void> {
    this.flushed = Math.min(this.flushed, offset)
    await this.writeEpochs(true)
    for (const { name } of (await this.o.disk.list(this.o.dir)) ?? []) {
      const at = offsetOfName(name, suffixes.snapshot)
      if (at !== null && at > offset) await this.o.disk.remove(`${this.o.dir}/${name}`)
    }
    this.newestSnapshot = Math.min(this.newestSnapshot, offset)
  }

  private async writeSnapshot(offset: number, snapshot: Buffer): Promise<void> {
    const path = segmentPath(this.o.dir, offset, suffixes.snapshot)
    await this.o.disk.writeFileAtomically(path, snapshot)
    this.newestSnapshot = Math.max(this.newestSnapshot, offset)
  }

  private writeEpochs(durable: boolean): Promise<void> {
    const written = this.epochsWritten.then(() => this.replaceEpochs(durable))
    this.epochsWritten = written.catch(() => {})
    return written
  }

  private async replaceEpochs(durable: boolean): Promise<void> {
    const path = `${this.o.dir}/${leaderEpochFile}`
    const text = this.epochs.toText()
    await this.o.disk.writeFileAtomically(path, Buffer.from(text), durable)
    if (durable && text === this.epochs.toText()) this.hasNewEpochs = false
  }
}

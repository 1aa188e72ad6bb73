import type { Timer } from '../base/clock.ts'
import { asError } from '../base/error-text.ts'
import type { LeaderEpochs } from './epochs.ts'
import { leaderEpochFile, offsetOfName, segmentPath, suffixes } from './file-names.ts'
import type { LogOptions } from './log-contract.ts'
import type { Producers } from './producers.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'
import { segmentOf } from './segment-of.ts'

interface Doomed {
  readonly segments: readonly Segment[]
  readonly timer: Timer
}

/**
 * Maintains the files of a log except appends: closed segments, indexes, producer snapshots, leader
 * epochs. The work runs in the background in order; the first error is reported and stops it.
 */
export class LogFiles {
  private readonly options: LogOptions
  private readonly segments: SegmentList
  private readonly producers: Producers
  private readonly epochs: LeaderEpochs
  private readonly onFailure: (error: Error) => void
  private last: Promise<void> = Promise.resolve()
  private flushed: number
  private newestSnapshot: number
  private isStopped = false
  /** Removed segments whose files still exist for current readers. */
  private readonly doomed = new Set<Doomed>()
  private flushedAtMs: number
  /** Whether the epochs on disk are outdated or not synced. */
  private hasNewEpochs = false
  /**
   * Serializes writes of the epochs: a flush for an append does not wait for `run`, and the file
   * must not be written twice at once.
   */
  private epochsWritten: Promise<void> = Promise.resolve()

  constructor(
    options: LogOptions,
    state: {
      readonly segments: SegmentList
      readonly producers: Producers
      readonly epochs: LeaderEpochs
      readonly recoveryPoint: number
      readonly snapshotOffset: number
    },
    onFailure: (error: Error) => void,
  ) {
    this.options = options
    this.segments = state.segments
    this.producers = state.producers
    this.epochs = state.epochs
    this.flushed = state.recoveryPoint
    this.newestSnapshot = state.snapshotOffset
    this.flushedAtMs = options.clock.nowMs()
    this.onFailure = onFailure
  }

  /** Everything below this offset is synced (Kafka's recovery point). */
  get flushedOffset(): number {
    return this.flushed
  }

  /** Wall-clock time (ms) of the last sync of all records. */
  get lastFlushMs(): number {
    return this.flushedAtMs
  }

  /** Starts no further work: the directory may soon belong to another topic of the same name. */
  stop(): void {
    this.isStopped = true
  }

  /** Runs the work after all earlier work. Rejects if it or earlier work failed. */
  run(work: () => Promise<void>): Promise<void> {
    if (this.isStopped) return Promise.resolve()
    const done = this.last.then(work)
    this.last = done
    done.catch((error: unknown) => {
      this.onFailure(asError(error))
    })
    return done
  }

  /** Resolves when all work started so far is done. */
  settled(): Promise<void> {
    return this.last
  }

  /** Completes the files of the old segment after a roll, in the background. */
  rolled(old: Segment, active: Segment, lastWrite: Promise<void>): void {
    const snapshot = this.producers.toSnapshot()
    void this.run(async () => {
      await lastWrite
      await active.createFiles()
      await old.seal()
      await this.writeSnapshot(active.baseOffset, snapshot)
      // Retention may have removed the old segment meanwhile, so `syncUpTo` would skip it; its file
      // must still be complete.
      await old.log.sync()
      await this.syncUpTo(active.baseOffset)
    })
  }

  /** Renames the files of removed segments and deletes them later. */
  discard(segments: readonly Segment[]): Promise<void> {
    return this.run(async () => {
      const doomed: string[] = []
      // The remaining segments must be durable first; otherwise the log could end before these.
      await this.options.disk.syncDirectory(this.options.dir)
      for (const segment of segments) doomed.push(...(await segment.markDeleted()))
      this.removeLater(segments, doomed)
    })
  }

  /** Creates an empty segment for the cleaner, outside the log. */
  newCleanedSegment(like: readonly Segment[]): Segment {
    const { modifiedMs } = like.at(-1)!
    return segmentOf(this.options, like[0]!.baseOffset, { size: 0, modifiedMs }, suffixes.cleaned)
  }

  /**
   * Replaces segments by their cleaned segment. Crash-safe: at the next open `.cleaned` files are
   * deleted, while a `.swap` file is complete and durable and replaces the segments then.
   *
   * @returns false, without any change, if the log has changed meanwhile.
   */
  async replace(old: readonly Segment[], cleaned: Segment): Promise<boolean> {
    const { dir, disk } = this.options
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
      this.removeLater(old, doomed)
    })
    return isDone
  }

  /**
   * Deletes files after `file.delete.delay.ms`. Readers with a hold continue; the disk space is
   * then freed later.
   */
  private removeLater(segments: readonly Segment[], paths: readonly string[]): void {
    const doomed = {
      segments,
      timer: this.options.clock.after(this.options.config().fileDeleteDelayMs, ring),
    }
    this.doomed.add(doomed)
    const remove = async () => {
      for (const { log } of segments) await log.close()
      for (const path of paths) await this.options.disk.remove(path)
    }
    const { doomed: all, onFailure } = this
    function ring(): void {
      all.delete(doomed)
      remove().catch((error: Error) => onFailure(error))
    }
  }

  /** Closes all files. Those waiting for deletion are deleted at the next open of the log. */
  async close(): Promise<void> {
    const doomed = [...this.doomed]
    this.doomed.clear()
    for (const { timer } of doomed) timer.clear()
    const all = [...doomed.flatMap(({ segments }) => segments), ...this.segments.all]
    for (const { log } of all) await log.close().catch(() => {})
  }

  /** Removes the files of segments immediately, because their names may be reused. */
  remove(segments: readonly Segment[]): Promise<void> {
    return this.run(async () => {
      for (const segment of segments) await segment.remove()
    })
  }

  /** Writes changed leader epochs without sync: the file can be rebuilt from the batches. */
  epochsChanged(): void {
    this.hasNewEpochs = true
    void this.run(() => this.writeEpochs(false))
  }

  /** Syncs everything below `offset`, including the directory entries of the segments. */
  async syncUpTo(offset: number): Promise<void> {
    if (offset <= this.flushed) return
    const due = this.segments.from(this.flushed).filter((each) => each.baseOffset < offset)
    for (const segment of due) await segment.log.sync()
    if (this.hasNewEpochs) await this.writeEpochs(true)
    if (due.some((segment) => !segment.isNameSynced)) {
      await this.options.disk.syncDirectory(this.options.dir)
      for (const segment of due) segment.isNameSynced = true
    }
    this.flushed = Math.max(this.flushed, offset)
    this.flushedAtMs = this.options.clock.nowMs()
  }

  /** Completes all files so that the next open has nothing to scan. */
  async seal(logEndOffset: number): Promise<void> {
    const isEmpty = logEndOffset === 0
    if (this.newestSnapshot < logEndOffset && !isEmpty) {
      await this.writeSnapshot(logEndOffset, this.producers.toSnapshot())
    }
    for (const segment of this.segments.all) await segment.seal()
    await this.syncUpTo(logEndOffset)
    // Epochs of an empty log need no sync: the next start gets a newer epoch.
    if (this.hasNewEpochs && !isEmpty) await this.writeEpochs(true)
  }

  /** Adjusts epochs, snapshots and recovery point after a truncation to `offset`. */
  async truncated(offset: number): Promise<void> {
    this.flushed = Math.min(this.flushed, offset)
    await this.writeEpochs(true)
    for (const { name } of (await this.options.disk.list(this.options.dir)) ?? []) {
      const at = offsetOfName(name, suffixes.snapshot)
      if (at !== null && at > offset) await this.options.disk.remove(`${this.options.dir}/${name}`)
    }
    this.newestSnapshot = Math.min(this.newestSnapshot, offset)
  }

  private async writeSnapshot(offset: number, snapshot: Buffer): Promise<void> {
    const path = segmentPath(this.options.dir, offset, suffixes.snapshot)
    await this.options.disk.writeFileAtomically(path, snapshot)
    this.newestSnapshot = Math.max(this.newestSnapshot, offset)
  }

  private writeEpochs(durable: boolean): Promise<void> {
    const written = this.epochsWritten.then(() => this.replaceEpochs(durable))
    this.epochsWritten = written.catch(() => {})
    return written
  }

  private async replaceEpochs(durable: boolean): Promise<void> {
    const path = `${this.options.dir}/${leaderEpochFile}`
    const text = this.epochs.toText()
    await this.options.disk.writeFileAtomically(path, Buffer.from(text), durable)
    if (durable && text === this.epochs.toText()) this.hasNewEpochs = false
  }
}

import { ApiError } from '../protocol/errors.ts'
import { Batch } from '../protocol/records/batch.ts'
import { nothingFrom, type ReadLimits, type ReadResult } from './batch-read.ts'
import { DiskError } from './disk.ts'
import type { EpochEnd, LeaderEpochs } from './epochs.ts'
import { readLater } from './file-region.ts'
import { lookForGap } from './gaps.ts'
import { HighWatermark } from './high-watermark.ts'
import type { LogConfig } from './log-config.ts'
import type { AppendContext, Appended, LogOptions } from './log-contract.ts'
import { LogFiles } from './log-files.ts'
import type { Producers } from './producers.ts'
import { ReadFailures } from './read-failures.ts'
import { loadProducers, type RecoveredLog, recoverLog } from './recovery.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'
import { segmentOf } from './segment-of.ts'
import { TailCache } from './tail-cache.ts'
import type { AbortedTransaction } from './txn-index.ts'
import { checkFits, type Validated } from './validate.ts'
import { type Write, WriteQueue } from './write-queue.ts'

/**
 * The records of one partition, in consecutive segments. `append` assigns offsets and changes state
 * synchronously; the bytes are written at once, or later in order if the disk is slow. A failed
 * write takes the log offline: every later call is refused with KAFKA_STORAGE_ERROR.
 */
export class Log {
  readonly name: string
  readonly dir: string
  readonly producers: Producers
  readonly epochs: LeaderEpochs
  readonly segments: SegmentList
  private readonly options: LogOptions
  private readonly tail: TailCache
  private readonly queue: WriteQueue
  readonly files: LogFiles
  readonly readFailures: ReadFailures
  readonly highWatermark: HighWatermark
  private nextOffset: number
  private written: number
  private startOffset: number
  private offline: Error | null = null
  isClosed = false

  /** Opens the partition in `options.dir`; `recovery.ts` handles an unclean shutdown. */
  static async open(options: LogOptions): Promise<Log> {
    return new Log(options, await recoverLog(options))
  }

  private constructor(options: LogOptions, found: RecoveredLog) {
    this.options = options
    this.name = options.name
    this.dir = options.dir
    this.segments = found.segments
    this.producers = found.producers
    this.epochs = found.epochs
    this.nextOffset = found.logEndOffset
    this.written = found.logEndOffset
    this.highWatermark = new HighWatermark(this, found.logEndOffset)
    this.startOffset = found.logStartOffset
    const failed = (error: Error) => this.goOffline(error)
    this.readFailures = new ReadFailures(options.name, options.logger)
    this.tail = new TailCache(options.tailCacheBudget)
    this.files = new LogFiles(options, found, failed)
    this.queue = new WriteQueue({
      beforeReport: (last) => this.flushIfDemanded(last),
      written: (write) => this.noteWritten(write),
      reported: () => this.highWatermark.moveTo(this.written),
      failed,
    })
  }

  /** The first offset that can be read. */
  get logStartOffset(): number {
    return this.startOffset
  }

  /** The offset of the next record; records below may not be written to the file yet. */
  get logEndOffset(): number {
    return this.nextOffset
  }

  /** Everything below is written to the file system and survives a crash of the process. */
  get writtenOffset(): number {
    return this.written
  }

  /** Everything below is synced and survives a power failure (Kafka's recovery point). */
  get flushedOffset(): number {
    return this.files.flushedOffset
  }

  get config(): LogConfig {
    return this.options.config()
  }

  get isOffline(): boolean {
    return this.offline !== null
  }

  /** The newest leader epoch of the log; -1 if there is none. */
  get latestEpoch(): number {
    return this.epochs.latest
  }

  /** The end for `read_committed`: every transaction below is decided (KIP-98). */
  lastStableOffset(highWatermark: number): number {
    return Math.min(highWatermark, this.producers.firstUndecidedOffset(highWatermark))
  }

  /**
   * Appends the batches of a validated produce request or of a coordinator. Offsets and leader
   * epoch are written into `bytes`, which are not copied: the caller must not change them until
   * they are written. State changes before the return, so appends take effect in call order.
   * @throws ApiError KAFKA_STORAGE_ERROR when offline; RECORD_LIST_TOO_LARGE; errors of
   * `Producers.check`. Nothing has changed then.
   */
  append(validated: Validated, options: AppendContext): Appended {
    this.checkOnline()
    const { bytes, logAppendTimeMs } = validated
    const batch = new Batch(bytes)
    const baseOffset = this.nextOffset
    const duplicate = batch.hasProducerId ? this.producers.check(batch, baseOffset, options) : null
    if (duplicate !== null) {
      return {
        baseOffset: duplicate.baseOffset,
        lastOffset: duplicate.lastOffset,
        // As in Kafka, a duplicate returns its batch's newest timestamp for any timestamp type.
        logAppendTimeMs: duplicate.timestampMs,
        logStartOffset: this.startOffset,
        isDuplicate: true,
        written: this.queue.lastPushed,
      }
    }
    checkFits(bytes.length, this.config, this.name)
    batch.baseOffset = baseOffset
    batch.leaderEpoch = options.leaderEpoch
    const written = this.add(batch)
    return {
      baseOffset,
      lastOffset: this.nextOffset - 1,
      logAppendTimeMs,
      logStartOffset: this.startOffset,
      isDuplicate: false,
      written,
    }
  }

  /**
   * Reads complete batches from the one with `offset` on: synchronously from the tail cache,
   * otherwise from the file.
   * @throws ApiError OFFSET_OUT_OF_RANGE (synchronously) below the log start or above the log end
   * offset.
   */
  read(offset: number, limits: ReadLimits): ReadResult | Promise<ReadResult> {
    this.checkOnline()
    if (offset < this.startOffset || offset > this.nextOffset) {
      throw new ApiError(
        'OFFSET_OUT_OF_RANGE',
        `Received request for offset ${offset} for partition ${this.name}, but we only have log segments in the range ${this.startOffset} to ${this.nextOffset}.`,
      )
    }
    if (offset >= Math.min(limits.upTo, this.nextOffset)) return this.tail.nothingAt(offset)
    // Applies to the partitions of a fetch that come after its size limit is reached.
    if (limits.maxBytes <= 0 && !limits.minOneBatch) return nothingFrom(offset)
    return this.tail.read(offset, limits) ?? this.readFile(offset, limits)
  }

  /** Returns the aborted transactions whose records a reader of [from, upTo) must skip. */
  abortedTransactions(from: number, upTo: number): Promise<AbortedTransaction[]> {
    return this.segments.abortedTransactions(from, upTo, this.config.indexIntervalBytes)
  }

  /** Returns where the newest epoch not above `leaderEpoch` ended (KIP-320). */
  epochEndOffset(leaderEpoch: number): EpochEnd {
    return this.epochs.endOf(leaderEpoch, this.nextOffset)
  }

  /** Records that a leader of this epoch starts at `offset`, before its first batch. */
  assignEpochStart(epoch: number, offset: number): void {
    if (this.epochs.assign(epoch, offset)) this.files.epochsChanged()
  }

  /** Starts a new segment unless the active one is empty. */
  roll(): void {
    this.checkOnline()
    if (this.segments.active.sizeBytes > 0) this.startSegment(this.nextOffset)
  }

  /** Syncs everything appended so far. */
  async flush(): Promise<void> {
    const upTo = this.nextOffset
    await this.queue.lastPushed
    await this.files.run(() => this.files.syncUpTo(upTo))
  }

  /** Wall-clock time (ms) of the last sync of all records. */
  get lastFlushMs(): number {
    return this.files.lastFlushMs
  }

  /**
   * Raises the log start offset; records below are unreadable and removed with their segment.
   * @param offset must not be above the high watermark; not checked here.
   */
  advanceLogStartOffset(offset: number): void {
    this.startOffset = Math.max(this.startOffset, offset)
  }

  /**
   * Removes older epochs once the checkpoint has this log start offset. If done earlier, after a
   * crash the log would start before its epochs.
   */
  logStartOffsetSaved(offset: number): void {
    if (this.epochs.truncateStart(offset)) this.files.epochsChanged()
  }

  /**
   * Removes segments; their files are deleted after `file.delete.delay.ms`. Not for the active one.
   */
  removeSegments(segments: readonly Segment[]): Promise<void> {
    for (const segment of segments) this.segments.remove(segment)
    return this.files.discard(segments)
  }

  /** Removes everything from `offset` on; for a follower that diverged from its leader. */
  async truncateTo(offset: number): Promise<void> {
    if (offset >= this.nextOffset) return
    if (offset <= this.segments.first.baseOffset) return this.truncateFully(offset)
    await this.settled()
    const kept = this.segments.holding(offset)
    await this.removeSegments(this.segments.after(kept))
    const end = await kept.truncateTo(offset, this.config.indexIntervalBytes)
    await this.restartAt(end)
  }

  /** Removes all records and restarts the log at `offset`. */
  async truncateFully(offset: number): Promise<void> {
    await this.settled()
    const old = [...this.segments.all]
    for (const segment of old) this.segments.remove(segment)
    await this.files.remove(old)
    this.segments.push(segmentOf(this.options, offset))
    await this.segments.active.createFiles()
    this.startOffset = offset
    this.epochs.clear()
    await this.restartAt(offset)
  }

  /** Syncs and closes the files: the next open scans nothing. An offline log is only closed. */
  async close(): Promise<void> {
    if (this.isClosed) return
    if (this.offline === null) {
      await this.settled()
      this.isClosed = true
      await this.files.run(() => this.files.seal(this.nextOffset))
    }
    await this.abandon()
  }

  /** Stops all work without a sync, because the directory is lost or will be removed. */
  async abandon(): Promise<void> {
    this.isClosed = true
    this.files.stop()
    await Promise.allSettled([this.queue.drained(), this.files.settled()])
    this.tail.clear()
    await this.files.close()
  }

  /**
   * Adds a batch with offsets and epoch to segment, epochs, producers, write queue and tail cache.
   */
  private add(batch: Batch): Promise<void> | null {
    const { config } = this
    const { bytes, baseOffset, lastOffset, leaderEpoch } = batch
    const nowMs = this.options.clock.nowMs()
    if (this.segments.active.mustRoll(batch, bytes.length, lastOffset, config, nowMs)) {
      this.startSegment(baseOffset)
    }
    const segment = this.segments.active
    const position = segment.sizeBytes
    if (leaderEpoch > this.epochs.latest) this.assignEpochStart(leaderEpoch, baseOffset)
    this.nextOffset = lastOffset + 1
    segment.note(batch, position, config.indexIntervalBytes)
    segment.sizeBytes += bytes.length
    if (batch.hasProducerId) {
      const aborted = this.producers.abortedBy(this.producers.apply(batch))
      if (aborted !== null) segment.noteAborted(aborted)
    }
    const written = this.queue.push({ segment, position, bytes, endOffset: this.nextOffset })
    this.tail.push(baseOffset, this.nextOffset, bytes, written === null)
    return written
  }

  private noteWritten({ segment, position, bytes, endOffset }: Write): void {
    this.written = endOffset
    segment.writtenBytes = position + bytes.length
    segment.modifiedMs = this.options.clock.nowMs()
    this.tail.written()
  }

  private async readFile(offset: number, limits: ReadLimits): Promise<ReadResult> {
    try {
      const options = {
        writtenOffset: this.written,
        indexIntervalBytes: this.config.indexIntervalBytes,
      }
      if (limits.mayBeLater === true) {
        const slice = await this.segments.slice(offset, limits, options)
        if (slice !== null) return readLater(slice)
      }
      const found = await this.segments.read(offset, limits, options, (segment, to) =>
        lookForGap(this.options, segment, to),
      )
      return found ?? this.tail.nothingAt(offset)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      if (offset < this.startOffset) throw new ApiError('OFFSET_OUT_OF_RANGE', error.message)
      throw this.readFailures.refusalOf(error)
    }
  }

  private startSegment(baseOffset: number): void {
    const old = this.segments.active
    this.segments.push(segmentOf(this.options, baseOffset))
    this.files.rolled(old, this.segments.active, this.queue.lastPushed)
  }

  /** Resolves when all appends and background work started so far are done. */
  private async settled(): Promise<void> {
    await this.queue.drained()
    await this.files.settled()
    this.checkOnline()
  }

  /** Syncs if more than `flush.messages` records are not synced yet. */
  private flushIfDemanded(last: Write): Promise<void> | null {
    if (last.endOffset - this.flushedOffset < this.config.flushMessages) return null
    return this.files.syncUpTo(last.endOffset)
  }

  private async restartAt(offset: number): Promise<void> {
    this.tail.clear()
    this.nextOffset = offset
    this.written = offset
    this.highWatermark.moveTo(offset)
    this.epochs.truncateEnd(offset)
    await this.files.truncated(offset)
    await loadProducers(this.options, this.segments, this.producers, offset)
  }

  private checkOnline(): void {
    if (this.offline === null && !this.isClosed) return
    throw new ApiError('KAFKA_STORAGE_ERROR', `The log of ${this.name} is offline.`)
  }

  /** Takes the log offline without logging: its log directory has failed. */
  fail(error: Error): void {
    this.offline ??= error
    this.queue.fail(error)
  }

  private goOffline(error: Error): void {
    if (this.offline !== null) return
    this.offline = error
    this.queue.fail(error)
    this.options.logger.error(
      'the log is offline: nothing is written to it until the broker restarts',
      {
        partition: this.name,
        why: error.message,
      },
    )
    this.options.onOffline?.(error)
  }
}

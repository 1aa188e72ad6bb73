import { Refusal } from '../protocol/errors.ts'
import { Batch, batchesIn } from '../protocol/records/batch.ts'
import { nothingFrom, type ReadLimits, type ReadResult } from './cut.ts'
import { DiskError } from './disk.ts'
import type { EpochEnd, LeaderEpochs } from './epochs.ts'
import { HotTail } from './hot-tail.ts'
import type { LogConfig } from './log-config.ts'
import type { AppendContext, Appended, LogOptions } from './log-contract.ts'
import { LogFiles } from './log-files.ts'
import type { Producers } from './producers.ts'
import { ReadFailures } from './read-failures.ts'
import { loadProducers, type RecoveredLog, recoverLog } from './recovery.ts'
import type { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'
import { segmentOf } from './segment-of.ts'
import { readLater } from './slice.ts'
import { offsetForTimestamp, offsetOfMaxTimestamp, type TimestampedOffset } from './timestamps.ts'
import type { AbortedTransaction } from './txn-index.ts'
import { checkFits, type Validated } from './validate.ts'
import { type Write, WriteQueue } from './write-queue.ts'

/**
 * The records of one partition: segments in a row. Offsets are assigned and state is changed when
 * `append` is called; the bytes go to the file at once, or follow in order where the disk makes them wait. If
 * a write fails the log is offline: every later call is refused with KAFKA_STORAGE_ERROR.
 */
export class Log {
  readonly name: string
  readonly dir: string
  readonly producers: Producers
  readonly epochs: LeaderEpochs
  readonly segments: SegmentList
  private readonly o: LogOptions
  private readonly tail: HotTail
  private readonly queue: WriteQueue
  readonly files: LogFiles
  readonly readFailures: ReadFailures
  private nextOffset: number
  private written: number
  private startOffset: number
  private offline: Error | null = null
  isClosed = false
  /** Told when `writtenOffset` has moved; must not throw. */
  onWritten = (): void => {}

  /** Opens the partition in `o.dir`: see `recovery.ts` for what happens after an unclean stop. */
  static async open(o: LogOptions): Promise<Log> {
    return new Log(o, await recoverLog(o))
  }

  private constructor(o: LogOptions, found: RecoveredLog) {
    this.o = o
    this.name = o.name
    this.dir = o.dir
    this.segments = found.segments
    this.producers = found.producers
    this.epochs = found.epochs
    this.nextOffset = found.logEndOffset
    this.written = found.logEndOffset
    this.startOffset = found.logStartOffset
    const failed = (error: Error) => this.goOffline(error)
    this.readFailures = new ReadFailures(o.name, o.logger)
    this.tail = new HotTail(o.tailMemory)
    this.files = new LogFiles(o, found, failed)
    this.queue = new WriteQueue({
      beforeReport: (last) => this.flushIfDemanded(last),
      written: (write) => this.noteWritten(write),
      reported: () => this.onWritten(),
      failed,
    })
  }

  /** The first offset that may be read. */
  get logStartOffset(): number {
    return this.startOffset
  }

  /** The offset that the next record gets; records below may still be on their way to the file. */
  get logEndOffset(): number {
    return this.nextOffset
  }

  /** Everything below is handed to the file system: it survives the end of the process. */
  get writtenOffset(): number {
    return this.written
  }

  /** Everything below is synced: it survives the end of the machine. Kafka's recovery point. */
  get flushedOffset(): number {
    return this.files.flushedOffset
  }

  get config(): LogConfig {
    return this.o.config()
  }

  get isOffline(): boolean {
    return this.offline !== null
  }

  /** The newest leader epoch that wrote here; -1 before any did. */
  get latestEpoch(): number {
    return this.epochs.latest
  }

  /** Up to here every transaction is decided: what a read_committed reader may see (KIP-98). */
  lastStableOffset(highWatermark: number): number {
    return Math.min(highWatermark, this.producers.firstUndecidedOffset(highWatermark))
  }

  /**
   * Appends the batches of a validated produce request, or of a coordinator. Offsets and leader
   * epoch are patched in place, and the bytes are not copied: the caller must not touch them until
   * they are written. All state changes before this returns, so appends take effect in that order.
   *
   * @throws Refusal KAFKA_STORAGE_ERROR when offline; RECORD_LIST_TOO_LARGE; what `Producers.check`
   *   throws. Nothing is changed then.
   */
  append(validated: Validated, o: AppendContext): Appended {
    this.checkOnline()
    const { bytes, logAppendTimeMs } = validated
    const batch = new Batch(bytes)
    const baseOffset = this.nextOffset
    const duplicate = batch.hasProducerId ? this.producers.check(batch, baseOffset, o) : null
    if (duplicate !== null) {
      return {
        baseOffset: duplicate.baseOffset,
        lastOffset: duplicate.lastOffset,
        // Kafka gives a repeated batch's newest timestamp, whatever the timestamps' type.
        logAppendTimeMs: duplicate.timestampMs,
        logStartOffset: this.startOffset,
        isDuplicate: true,
        written: this.queue.lastPushed,
      }
    }
    checkFits(bytes.length, this.config, this.name)
    batch.baseOffset = baseOffset
    batch.leaderEpoch = o.leaderEpoch
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
   * Appends batches that a leader has given offsets and epochs. Keeps the bytes.
   *
   * @throws Refusal KAFKA_STORAGE_ERROR when offline; CORRUPT_MESSAGE when a batch is damaged or does
   *   not follow on the log's end.
   */
  appendAsFollower(bytes: Buffer): Pick<Appended, 'lastOffset' | 'written'> {
    this.checkOnline()
    let written: Promise<void> | null = this.queue.lastPushed
    for (const batch of batchesIn(bytes)) {
      if (!batch.isIntact() || batch.baseOffset < this.nextOffset) {
        throw new Refusal(
          'CORRUPT_MESSAGE',
          `The batch at offset ${batch.baseOffset} does not follow on ${this.name} at ${this.nextOffset}.`,
        )
      }
      written = this.add(new Batch(batch.slice))
    }
    return { lastOffset: this.nextOffset - 1, written }
  }

  /**
   * Reads whole batches from the one that holds `offset` on; at once from what was appended lately,
   * else from the file.
   *
   * @throws Refusal OFFSET_OUT_OF_RANGE (at once) below the log start offset and beyond the end.
   */
  read(offset: number, limits: ReadLimits): ReadResult | Promise<ReadResult> {
    this.checkOnline()
    if (offset < this.startOffset || offset > this.nextOffset) {
      throw new Refusal(
        'OFFSET_OUT_OF_RANGE',
        `Received request for offset ${offset} for partition ${this.name}, but we only have log segments in the range ${this.startOffset} to ${this.nextOffset}.`,
      )
    }
    if (offset >= Math.min(limits.upTo, this.nextOffset)) return this.tail.nothingAt(offset)
    // So it is for all partitions of a fetch after those that filled it.
    if (limits.maxBytes <= 0 && !limits.minOneBatch) return nothingFrom(offset)
    return this.tail.read(offset, limits) ?? this.readFile(offset, limits)
  }

  /** The aborted transactions that a reader of [from, upTo) must skip the records of. */
  abortedTransactions(from: number, upTo: number): Promise<AbortedTransaction[]> {
    return this.segments.abortedTransactions(from, upTo, this.config.indexIntervalBytes)
  }

  /** The first record that is not older than `timestampMs`; null if there is none. */
  offsetForTimestamp(timestampMs: number): Promise<TimestampedOffset | null> {
    return offsetForTimestamp(this, timestampMs)
  }

  /** The record with the greatest timestamp; null if no record has one. */
  offsetOfMaxTimestamp(): Promise<TimestampedOffset | null> {
    return offsetOfMaxTimestamp(this)
  }

  /** Where the newest epoch not above `leaderEpoch` ended (KIP-320). */
  epochEndOffset(leaderEpoch: number): EpochEnd {
    return this.epochs.endOf(leaderEpoch, this.nextOffset)
  }

  /** Says that a leader of this epoch starts to write at `offset`, before its first batch does. */
  assignEpochStart(epoch: number, offset: number): void {
    if (this.epochs.assign(epoch, offset)) this.files.epochsChanged()
  }

  /** Starts a new segment, if the active one holds anything. */
  roll(): void {
    this.checkOnline()
    if (this.segments.active.sizeBytes > 0) this.startSegment(this.nextOffset)
  }

  /** Makes everything that is appended so far durable. */
  async flush(): Promise<void> {
    const upTo = this.nextOffset
    await this.queue.lastPushed
    await this.files.run(() => this.files.syncUpTo(upTo))
  }

  /** When everything was last known to be synced, on the wall clock. */
  get lastFlushMs(): number {
    return this.files.lastFlushMs
  }

  /**
   * Raises the log start offset: what stands below is no longer read, and removed with its segment.
   *
   * @param offset not above the high watermark: the caller knows that.
   */
  advanceLogStartOffset(offset: number): void {
    this.startOffset = Math.max(this.startOffset, offset)
  }

  /**
   * The checkpoint says where the log starts: the epochs before are forgotten. Not sooner, or after a
   * crash the log would start before its epochs do.
   */
  logStartOffsetSaved(offset: number): void {
    if (this.epochs.truncateStart(offset)) this.files.epochsChanged()
  }

  /** Takes segments out, and their files away after `file.delete.delay.ms`. Never the active one. */
  removeSegments(segments: readonly Segment[]): Promise<void> {
    for (const segment of segments) this.segments.remove(segment)
    return this.files.discard(segments)
  }

  /** Cuts off everything from `offset` on: a follower does, whose leader knows better. */
  async truncateTo(offset: number): Promise<void> {
    if (offset >= this.nextOffset) return
    if (offset <= this.segments.first.baseOffset) return this.truncateFully(offset)
    await this.settled()
    const kept = this.segments.holding(offset)
    await this.removeSegments(this.segments.after(kept))
    const end = await kept.truncateTo(offset, this.config.indexIntervalBytes)
    await this.restartAt(end)
  }

  /** Throws everything away and starts anew at `offset`. */
  async truncateFully(offset: number): Promise<void> {
    await this.settled()
    const old = [...this.segments.all]
    for (const segment of old) this.segments.remove(segment)
    await this.files.remove(old)
    this.segments.push(segmentOf(this.o, offset))
    await this.segments.active.createFiles()
    this.startOffset = offset
    this.epochs.clear()
    await this.restartAt(offset)
  }

  /**
   * Writes and syncs what is in memory only, and gives up the files: nothing is scanned at the next
   * open. A log that is offline is given up as it stands.
   */
  async close(): Promise<void> {
    if (this.isClosed) return
    if (this.offline === null) {
      await this.settled()
      this.isClosed = true
      await this.files.run(() => this.files.seal(this.nextOffset))
    }
    await this.abandon()
  }

  /** Stops all work, for the directory is about to be removed or is lost. */
  async abandon(): Promise<void> {
    this.isClosed = true
    this.files.stop()
    await Promise.allSettled([this.queue.drained(), this.files.settled()])
    this.tail.clear()
    for (const segment of this.segments.all) await segment.log.close().catch(() => {})
  }

  /** Assigned offsets and epoch stand in the batch: takes it in, everywhere. */
  private add(batch: Batch): Promise<void> | null {
    const { config } = this
    const { bytes, baseOffset, lastOffset, leaderEpoch } = batch
    const nowMs = this.o.clock.nowMs()
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
    segment.modifiedMs = this.o.clock.nowMs()
    this.tail.written()
  }

  private async readFile(offset: number, limits: ReadLimits): Promise<ReadResult> {
    try {
      const { indexIntervalBytes } = this.config
      if (limits.mayBeLater === true) {
        const o = { writtenOffset: this.written, indexIntervalBytes }
        const slice = await this.segments.slice(offset, limits, o)
        if (slice !== null) return readLater(slice)
      }
      const found = await this.segments.read(offset, limits, indexIntervalBytes)
      return found ?? this.tail.nothingAt(offset)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      if (offset < this.startOffset) throw new Refusal('OFFSET_OUT_OF_RANGE', error.message)
      throw this.readFailures.refusalOf(error)
    }
  }

  private startSegment(baseOffset: number): void {
    const old = this.segments.active
    this.segments.push(segmentOf(this.o, baseOffset))
    this.files.rolled(old, this.segments.active, this.queue.lastPushed)
  }

  /** Until now everything that was appended or begun is done. */
  private async settled(): Promise<void> {
    await this.queue.drained()
    await this.files.settled()
    this.checkOnline()
  }

  /** `flush.messages`: no more records than that may be lost with the machine. */
  private flushIfDemanded(last: Write): Promise<void> | null {
    if (last.endOffset - this.flushedOffset < this.config.flushMessages) return null
    return this.files.syncUpTo(last.endOffset)
  }

  private async restartAt(offset: number): Promise<void> {
    this.tail.clear()
    this.nextOffset = offset
    this.written = offset
    this.epochs.truncateEnd(offset)
    await this.files.truncated(offset)
    await loadProducers(this.o, this.segments, this.producers, offset)
  }

  private checkOnline(): void {
    if (this.offline === null && !this.isClosed) return
    throw new Refusal('KAFKA_STORAGE_ERROR', `The log of ${this.name} is offline.`)
  }

  /** The directory that it lies in has failed: offline, without a word of its own. */
  fail(error: Error): void {
    this.offline ??= error
    this.queue.fail(error)
  }

  private goOffline(error: Error): void {
    if (this.offline !== null) return
    this.offline = error
    this.queue.fail(error)
    this.o.logger.error('the log is offline: nothing is written to it until the broker restarts', {
      partition: this.name,
      why: error.message,
    })
    this.o.onOffline?.(error)
  }
}

import { Batch, batchHeaderBytes, noTimestamp } from '../protocol/records/batch.ts'
import type { ReadLimits, ReadResult } from './batch-read.ts'
import { readBatches } from './batch-read.ts'
import { walkBatches } from './batch-walk.ts'
import type { Disk, File } from './disk.ts'
import { segmentPath, suffixes } from './file-names.ts'
import type { LogConfig } from './log-config.ts'
import { OffsetIndex } from './offset-index.ts'
import { TimeIndex } from './time-index.ts'
import { type AbortedTransaction, TxnIndex } from './txn-index.ts'

export interface Indexes {
  readonly offset: OffsetIndex
  readonly time: TimeIndex
  readonly txn: TxnIndex
}

/** A position in a file from which on there are no valid batches. */
export interface Damage {
  readonly file: string
  readonly position: number
  /** Number of bytes from `position` to the end of the file. */
  readonly bytes: number
}

/** One log file of a partition with its indexes. */
export class Segment {
  readonly baseOffset: number
  readonly log: File
  /** In bytes, including appends that are not yet written to the file. */
  sizeBytes: number
  /** In bytes, as far as written to the file. */
  writtenBytes: number
  /** Timestamp of the newest record and last offset of its batch; -1 if not known yet. */
  maxTimestampMs = noTimestamp
  offsetOfMaxTimestamp = -1
  /** Greatest timestamp of the first batch, from which `segment.ms` counts; -1 if not known yet. */
  firstTimestampMs = noTimestamp
  readonly createdMs: number
  /** Time of the last change of the file. */
  modifiedMs: number
  /** Reduces `segment.ms` for this segment, so that segments do not all roll at the same time. */
  readonly jitterMs: number
  /** Whether the file's directory entry is synced. */
  isNameSynced = false
  /** Whether there may be a transaction index; false if none is needed. */
  mayHoldAborted: boolean
  /** Position in bytes of the first known damage; null if none. */
  damagedAt: number | null = null
  /** Whether a gap between this segment and the next has been logged. */
  isGapTold = false
  private readonly disk: Disk
  private readonly dir: string
  private readonly onDamage: (damage: Damage) => void
  /** Appended to the file names: empty, or the suffix of a segment that the cleaner is writing. */
  private extension: string
  private bytesSinceIndexEntry = 0
  /** Null while the indexes are only on disk. */
  private indexes: Indexes | null = null
  private loading: Promise<Indexes> | null = null
  /** Whether the indexes have changed since the index files were written. */
  private isUnsealed = false

  constructor(options: {
    disk: Disk
    dir: string
    baseOffset: number
    sizeBytes: number
    nowMs: number
    modifiedMs?: number
    jitterMs?: number
    mayHoldAborted?: boolean
    extension?: string
    /** Called once with the position at which complete batches end before the file does. */
    onDamage?: (damage: Damage) => void
  }) {
    this.disk = options.disk
    this.onDamage = options.onDamage ?? (() => {})
    this.dir = options.dir
    this.baseOffset = options.baseOffset
    this.sizeBytes = options.sizeBytes
    this.writtenBytes = options.sizeBytes
    this.createdMs = options.nowMs
    this.modifiedMs = options.modifiedMs ?? options.nowMs
    this.jitterMs = options.jitterMs ?? 0
    this.mayHoldAborted = options.mayHoldAborted ?? false
    this.extension = options.extension ?? ''
    this.log = options.disk.file(this.path(suffixes.log))
    if (options.sizeBytes === 0) this.resetIndexes()
    this.isUnsealed = false
  }

  path(suffix: string): string {
    return segmentPath(this.dir, this.baseOffset, suffix) + this.extension
  }

  /** Memory of the indexes in bytes; 0 while they are only on disk. */
  get indexBytes(): number {
    if (this.indexes === null) return 0
    return this.indexes.offset.memoryBytes + this.indexes.time.memoryBytes
  }

  /** Clears the indexes before they are rebuilt. */
  resetIndexes(): Indexes {
    this.indexes = {
      offset: OffsetIndex.empty(this.baseOffset),
      time: TimeIndex.empty(this.baseOffset),
      txn: new TxnIndex(),
    }
    this.isUnsealed = true
    this.bytesSinceIndexEntry = 0
    this.maxTimestampMs = noTimestamp
    this.offsetOfMaxTimestamp = -1
    this.firstTimestampMs = noTimestamp
    return this.indexes
  }

  /** Returns the indexes, read from disk if necessary; rebuilds them if the files are damaged. */
  async loadIndexes(indexIntervalBytes: number): Promise<Indexes> {
    if (this.indexes !== null) return this.indexes
    this.loading ??= this.readIndexes(indexIntervalBytes).finally(() => {
      this.loading = null
    })
    return this.loading
  }

  /** Frees the memory of the indexes; only for a closed segment. */
  dropIndexes(): void {
    if (!this.isUnsealed) this.indexes = null
  }

  /** Adds a batch at `position` to the indexes. */
  note(batch: Batch, position: number, indexIntervalBytes: number): void {
    const indexes = this.indexes!
    const { maxTimestamp, lastOffset, sizeBytes } = batch
    if (this.firstTimestampMs < 0) this.firstTimestampMs = maxTimestamp
    if (maxTimestamp > this.maxTimestampMs) {
      this.maxTimestampMs = maxTimestamp
      this.offsetOfMaxTimestamp = lastOffset
    }
    if (this.bytesSinceIndexEntry > indexIntervalBytes) {
      indexes.offset.append(lastOffset, position)
      indexes.time.append(this.maxTimestampMs, this.offsetOfMaxTimestamp)
      this.bytesSinceIndexEntry = 0
    }
    this.bytesSinceIndexEntry += sizeBytes
    this.isUnsealed = true
  }

  /** Adds a batch to the indexes that is written at the end, and increases `sizeBytes`. */
  noteNext(bytes: Buffer, indexIntervalBytes: number): void {
    this.note(new Batch(bytes), this.sizeBytes, indexIntervalBytes)
    this.sizeBytes += bytes.length
  }

  /** Adds a transaction whose abort marker is in this segment to the transaction index. */
  noteAborted(transaction: AbortedTransaction): void {
    this.indexes!.txn.append(transaction)
    this.mayHoldAborted = true
  }

  /**
   * Returns whether a batch of `bytes` that ends at `lastOffset` needs a new segment. Size, indexes
   * and first timestamp are known again after an open; the cleaner's `groupSegments` keeps in step.
   */
  mustRoll(batch: Batch, bytes: number, lastOffset: number, config: LogConfig, nowMs: number) {
    const rollMs = segmentMsMax(config) - this.jitterMs
    const { offset, time } = this.indexes!
    const waitedMs =
      this.firstTimestampMs >= 0
        ? batch.maxTimestamp - this.firstTimestampMs
        : nowMs - this.createdMs
    return (
      this.sizeBytes > config.segmentBytes - bytes ||
      (this.sizeBytes > 0 && waitedMs > rollMs) ||
      offset.length >= Math.floor(config.segmentIndexBytes / 8) ||
      time.length >= Math.floor(config.segmentIndexBytes / 12) - 1 ||
      lastOffset - this.baseOffset > 0x7fffffff
    )
  }

  /**
   * Reads from the batch with `offset` on. Returns null if all batches of the segment are older.
   *
   * @param endOffset base offset of the next segment, or the log end offset.
   * @throws ApiError CORRUPT_MESSAGE if the bytes to read are not a record batch.
   */
  async read(
    offset: number,
    limits: ReadLimits,
    indexIntervalBytes: number,
    endOffset = Number.POSITIVE_INFINITY,
  ): Promise<ReadResult | null> {
    const indexes = this.indexes ?? (await this.loadIndexes(indexIntervalBytes))
    const { from, by } = indexes.offset.rangeOf(offset)
    return readBatches(this.log, offset, limits, {
      from,
      lookBytes: by === null ? 2 * indexIntervalBytes : by - from,
      stepBytes: indexIntervalBytes,
      end: this.writtenBytes,
      range: { from: this.baseOffset, to: endOffset },
      damaged: (position) => this.damaged(position),
    })
  }

  /**
   * Iterates over the complete batches from position `from` on: see `walkBatches`.
   *
   * @param damaged called if they end before `to`; by default the damage is logged.
   */
  walk(
    from = 0,
    to = this.writtenBytes,
    damaged: (position: number) => void = (position) => this.damaged(position),
  ): ReturnType<typeof walkBatches> {
    return walkBatches(this.log, from, to, damaged)
  }

  /**
   * Determines the newest timestamp, which the indexes may lack.
   *
   * @returns the offset after the last batch.
   */
  async findEnd(indexIntervalBytes: number): Promise<number> {
    const { offset, time } = await this.loadIndexes(indexIntervalBytes)
    this.maxTimestampMs = time.lastTimestamp
    this.offsetOfMaxTimestamp = time.length === 0 ? -1 : time.lastOffset
    let nextOffset = this.baseOffset
    if (this.writtenBytes >= batchHeaderBytes) {
      this.firstTimestampMs = new Batch(await this.log.read(0, batchHeaderBytes)).maxTimestamp
    }
    for await (const { batch } of this.walk(offset.lastPosition)) {
      nextOffset = batch.nextOffset
      if (batch.maxTimestamp <= this.maxTimestampMs) continue
      this.maxTimestampMs = batch.maxTimestamp
      this.offsetOfMaxTimestamp = batch.lastOffset
    }
    return nextOffset
  }

  /** Returns the newest record's timestamp; -1 if no record has one. */
  async newestTimestamp(indexIntervalBytes: number): Promise<number> {
    if (this.maxTimestampMs < 0 && this.sizeBytes > 0) await this.findEnd(indexIntervalBytes)
    return this.maxTimestampMs
  }

  /** Adds the last time index entry and writes the index files: on a roll and a clean shutdown. */
  async seal(): Promise<void> {
    if (!this.isUnsealed) return
    const { offset, time, txn } = this.indexes!
    time.append(this.maxTimestampMs, this.offsetOfMaxTimestamp)
    await this.replace(suffixes.offsetIndex, offset.toBytes())
    await this.replace(suffixes.timeIndex, time.toBytes())
    if (txn.length > 0) await this.replace(suffixes.txnIndex, txn.toBytes())
    else await this.disk.remove(this.path(suffixes.txnIndex))
    this.isUnsealed = false
  }

  /**
   * Truncates the segment before the batch with `offset`.
   *
   * @returns the offset after the last remaining batch.
   */
  async truncateTo(offset: number, indexIntervalBytes: number): Promise<number> {
    const indexes = await this.loadIndexes(indexIntervalBytes)
    let end = this.writtenBytes
    for await (const { batch, position } of this.walk(indexes.offset.rangeOf(offset).from)) {
      if (batch.lastOffset < offset) continue
      end = position
      break
    }
    return this.cutAt(end, offset, indexIntervalBytes)
  }

  /** Truncates the file at `position`, where the batches at or above `offset` begin. */
  async cutAt(position: number, offset: number, indexIntervalBytes: number): Promise<number> {
    await this.log.truncate(position)
    this.sizeBytes = position
    this.writtenBytes = position
    if (position === 0) this.resetIndexes()
    const { offset: offsets, time, txn } = this.indexes!
    offsets.truncateTo(offset)
    time.truncateTo(offset)
    txn.truncateTo(offset)
    this.isUnsealed = true
    return this.findEnd(indexIntervalBytes)
  }

  /** Creates the empty files that a program reading the directory expects. */
  async createFiles(): Promise<void> {
    await this.disk.create(this.path(suffixes.log))
    await this.disk.create(this.path(suffixes.offsetIndex))
    await this.disk.create(this.path(suffixes.timeIndex))
  }

  /**
   * Renames the files so that no program takes them for files of the log.
   *
   * @param keepsSnapshot true if another segment has the same base offset.
   * @returns the new paths.
   */
  async markDeleted(keepsSnapshot = false): Promise<string[]> {
    const renamed: string[] = []
    for (const path of this.paths) {
      if (keepsSnapshot && path.endsWith(suffixes.snapshot)) continue
      renamed.push(path + suffixes.deleted)
      await this.move(path, path + suffixes.deleted)
    }
    return renamed
  }

  /** Renames the files to another suffix, one after another, for a cleaned segment. */
  async extend(extension: string): Promise<void> {
    const from = this.paths
    this.extension = extension
    // The log file is renamed last: the other files can be rebuilt from it.
    for (const [i, to] of [...this.paths.entries()].reverse()) await this.move(from[i]!, to)
  }

  private async move(from: string, to: string): Promise<void> {
    if (from === this.log.path) await this.log.rename(to)
    else if ((await this.disk.readFile(from)) !== null) await this.disk.rename(from, to)
  }

  /** Renames the log file permanently and removes the files that can be rebuilt from it. */
  async setAside(path: string): Promise<void> {
    await this.log.rename(path)
    await this.log.close()
    for (const other of this.paths.slice(1)) await this.disk.remove(other)
  }

  /** Removes the files; keeps the snapshot if another segment has the same base offset. */
  async remove(keepsSnapshot = false): Promise<void> {
    await this.log.close()
    for (const path of this.paths) {
      if (!(keepsSnapshot && path.endsWith(suffixes.snapshot))) await this.disk.remove(path)
    }
  }

  /** Paths of all files that the segment may have. */
  private get paths(): string[] {
    return fileSuffixes.map((suffix) => this.path(suffix))
  }

  private async readIndexes(indexIntervalBytes: number): Promise<Indexes> {
    const [offsets, times, txns] = await Promise.all([
      this.disk.readFile(this.path(suffixes.offsetIndex)),
      this.disk.readFile(this.path(suffixes.timeIndex)),
      this.disk.readFile(this.path(suffixes.txnIndex)),
    ])
    const offset = offsets && OffsetIndex.parse(this.baseOffset, offsets, this.sizeBytes)
    const time = times && TimeIndex.parse(this.baseOffset, times)
    const txn = txns === null ? new TxnIndex() : TxnIndex.parse(txns)
    // A segment with records has a time index entry; an empty file was lost in a power failure.
    if (offset && time && txn && time.length > 0) {
      this.indexes = { offset, time, txn }
    } else {
      this.resetIndexes()
      if (txn) for (const each of txn.all) this.indexes!.txn.append(each)
      for await (const { batch, position } of this.walk()) {
        this.note(batch, position, indexIntervalBytes)
      }
    }
    return this.indexes!
  }

  private async replace(suffix: string, bytes: Buffer): Promise<void> {
    await this.disk.writeFileAtomically(this.path(suffix), bytes)
  }

  /** Reports damage once per segment, because readers retry. */
  private damaged(position: number): void {
    if (this.damagedAt !== null) return
    this.damagedAt = position
    this.onDamage({ file: this.log.path, position, bytes: this.writtenBytes - position })
  }
}

/** Includes the snapshot of the producers at the segment's base offset. */
const fileSuffixes = [
  suffixes.log,
  suffixes.offsetIndex,
  suffixes.timeIndex,
  suffixes.txnIndex,
  suffixes.snapshot,
]

/**
 * Returns `segment.ms`; for a compacted topic at most `max.compaction.lag.ms`, because only closed
 * segments are compacted.
 */
function segmentMsMax({ cleanupPolicy, segmentMs, maxCompactionLagMs }: LogConfig): number {
  return cleanupPolicy.includes('compact') ? Math.min(segmentMs, maxCompactionLagMs) : segmentMs
}

import { Batch, batchHeaderBytes, batchSizeAt, noTimestamp } from '../protocol/records/batch.ts'
import { cutBatches, type ReadLimits, type ReadResult } from './cut.ts'
import { type Disk, DiskError, type File } from './disk.ts'
import { segmentPath, suffixes } from './file-names.ts'
import { type LogConfig, segmentMsMax } from './log-config.ts'
import { OffsetIndex } from './offset-index.ts'
import { TimeIndex } from './time-index.ts'
import { type AbortedTransaction, TxnIndex } from './txn-index.ts'

/** How much a walk over a segment reads at a time, unless a batch is larger. */
const walkBytes = 1024 * 1024

export interface Indexes {
  readonly offset: OffsetIndex
  readonly time: TimeIndex
  readonly txn: TxnIndex
}

/** A run of batches in one file, with what finds them again. */
export class Segment {
  readonly baseOffset: number
  readonly log: File
  /** Bytes, with those that are still on their way to the file. */
  sizeBytes: number
  /** Bytes that the file has. */
  writtenBytes: number
  /** Of the newest record so far and where its batch ends; -1 while that is not known. */
  maxTimestampMs = noTimestamp
  offsetOfMaxTimestamp = -1
  /** When the first batch says that it was made: `segment.ms` counts from there. -1 if not known. */
  firstTimestampMs = noTimestamp
  readonly createdMs: number
  /** When the file last changed. */
  modifiedMs: number
  /** What this segment's `segment.ms` is shortened by, so that not all roll at once. */
  readonly jitterMs: number
  /** Whether the file is sure to be found in its directory after a loss of power. */
  isNameSynced = false
  /** False if there is no transaction index, nor need for one. */
  mayHoldAborted: boolean
  private readonly disk: Disk
  private readonly dir: string
  /** What follows on the usual names: nothing, or that the cleaner is not done with the files. */
  private extension: string
  private bytesSinceIndexEntry = 0
  /** Null while they are only on disk. */
  private indexes: Indexes | null = null
  private loading: Promise<Indexes> | null = null
  /** Whether the index files lack what the indexes hold. */
  private isUnsealed = false

  constructor(o: {
    disk: Disk
    dir: string
    baseOffset: number
    sizeBytes: number
    nowMs: number
    modifiedMs?: number
    jitterMs?: number
    mayHoldAborted?: boolean
    extension?: string
  }) {
    this.disk = o.disk
    this.dir = o.dir
    this.baseOffset = o.baseOffset
    this.sizeBytes = o.sizeBytes
    this.writtenBytes = o.sizeBytes
    this.createdMs = o.nowMs
    this.modifiedMs = o.modifiedMs ?? o.nowMs
    this.jitterMs = o.jitterMs ?? 0
    this.mayHoldAborted = o.mayHoldAborted ?? false
    this.extension = o.extension ?? ''
    this.log = o.disk.file(this.path(suffixes.log))
    if (o.sizeBytes === 0) this.resetIndexes()
    this.isUnsealed = false
  }

  path(suffix: string): string {
    return segmentPath(this.dir, this.baseOffset, suffix) + this.extension
  }

  /** What the indexes take in memory; 0 while they are only on disk. */
  get indexBytes(): number {
    if (this.indexes === null) return 0
    return this.indexes.offset.memoryBytes + this.indexes.time.memoryBytes
  }

  /** Starts the indexes anew, before a walk fills them again. */
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

  /** The indexes, from disk if need be; rebuilt from the segment where the files are damaged. */
  async loadIndexes(indexIntervalBytes: number): Promise<Indexes> {
    if (this.indexes !== null) return this.indexes
    this.loading ??= this.readIndexes(indexIntervalBytes).finally(() => {
      this.loading = null
    })
    return this.loading
  }

  /** Gives the memory of the indexes back; only for a segment that is not written to any more. */
  dropIndexes(): void {
    if (!this.isUnsealed) this.indexes = null
  }

  /** Notes a batch that stands at `position` in the indexes. */
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

  /** Notes a batch that is written at the end, as far as `sizeBytes` says where that is. */
  noteNext(bytes: Buffer, indexIntervalBytes: number): void {
    this.note(new Batch(bytes), this.sizeBytes, indexIntervalBytes)
    this.sizeBytes += bytes.length
  }

  /** Notes a transaction whose abort marker stands in this segment. */
  noteAborted(transaction: AbortedTransaction): void {
    this.indexes!.txn.append(transaction)
    this.mayHoldAborted = true
  }

  /** Whether a batch of `bytes` that ends at `lastOffset` must go to a new segment. */
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

  /** Reads from the batch of `offset` on. Null if every batch of the segment is older. */
  async read(
    offset: number,
    limits: ReadLimits,
    indexIntervalBytes: number,
  ): Promise<ReadResult | null> {
    const indexes = this.indexes ?? (await this.loadIndexes(indexIntervalBytes))
    const { from, by } = indexes.offset.rangeOf(offset)
    const end = this.writtenBytes
    let at = from
    let wanted = (by ?? from + 2 * indexIntervalBytes) - from + limits.maxBytes
    while (at < end) {
      const bytes = await this.log.read(at, Math.min(end - at, wanted))
      const cut = cutBatches(bytes, offset, limits)
      if (cut.isHere && cut.needed === 0) {
        const chunk = bytes.subarray(cut.start, cut.end)
        const chunks = chunk.length === 0 ? [] : [chunk]
        return { chunks, bytes: chunk.length, nextOffset: cut.nextOffset }
      }
      // Further than the bytes reach: go on behind them, or from the batch that is not whole in them.
      if (cut.start === 0 && bytes.length >= cut.needed) throw this.cutShort(at)
      at += cut.start
      wanted = Math.max(cut.needed, limits.maxBytes, indexIntervalBytes)
    }
    return null
  }

  /**
   * Walks over the batches that stand whole from `from` on, headers unchecked. A batch is a view on a
   * buffer that the walk has read: to keep it, keep its bytes.
   */
  async *walk(
    from = 0,
    to = this.writtenBytes,
  ): AsyncGenerator<{ batch: Batch; position: number }> {
    let at = from
    let wanted = walkBytes
    while (at < to) {
      const bytes = await this.log.read(at, Math.min(to - at, wanted))
      let start = 0
      let size = batchSizeAt(bytes, 0)
      while (start + size <= bytes.length) {
        yield { batch: new Batch(bytes, start), position: at + start }
        start += size
        size = batchSizeAt(bytes, start)
      }
      if (start === 0 && (Number.isNaN(size) || at + size > to)) return
      at += start
      wanted = Math.max(walkBytes, Number.isNaN(size) ? 0 : size)
    }
  }

  /**
   * What is not in the indexes but must be known to go on writing: the newest timestamp and, as the
   * answer, the offset after the last batch.
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

  /** The newest record's timestamp; -1 if no record has one. */
  async newestTimestamp(indexIntervalBytes: number): Promise<number> {
    if (this.maxTimestampMs < 0 && this.sizeBytes > 0) await this.findEnd(indexIntervalBytes)
    return this.maxTimestampMs
  }

  /** Adds the last time entry and writes the index files: at a roll and at a clean close. */
  async seal(): Promise<void> {
    if (!this.isUnsealed) return
    this.log.giveRoomBack?.()
    const { offset, time, txn } = this.indexes!
    time.append(this.maxTimestampMs, this.offsetOfMaxTimestamp)
    await this.replace(suffixes.offsetIndex, offset.toBytes())
    await this.replace(suffixes.timeIndex, time.toBytes())
    if (txn.length > 0) await this.replace(suffixes.txnIndex, txn.toBytes())
    else await this.disk.remove(this.path(suffixes.txnIndex))
    this.isUnsealed = false
  }

  /**
   * Cuts the segment before the batch of `offset`.
   *
   * @returns the offset after the last batch that is left.
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

  /** Cuts the file at `position`; the batches from there on are those of `offset` and above. */
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

  /** Creates the files that a reader of the directory expects, empty. */
  async createFiles(): Promise<void> {
    await this.disk.create(this.path(suffixes.log))
    await this.disk.create(this.path(suffixes.offsetIndex))
    await this.disk.create(this.path(suffixes.timeIndex))
  }

  /**
   * Renames the files so that no reader of the directory takes them for the log's.
   *
   * @param keepsSnapshot where another segment begins at the same offset.
   * @returns their names.
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

  /** Gives the files another extension: what the cleaner wrote takes its place step by step. */
  async extend(extension: string): Promise<void> {
    const from = this.paths
    this.extension = extension
    // The log last: what else there is can be made again from it.
    for (const [i, to] of [...this.paths.entries()].reverse()) await this.move(from[i]!, to)
  }

  private async move(from: string, to: string): Promise<void> {
    if (from === this.log.path) await this.log.rename(to)
    else if ((await this.disk.readFile(from)) !== null) await this.disk.rename(from, to)
  }

  /** Removes the files at once; the snapshot not where another segment begins at the same offset. */
  async remove(keepsSnapshot = false): Promise<void> {
    await this.log.close()
    for (const path of this.paths) {
      if (!(keepsSnapshot && path.endsWith(suffixes.snapshot))) await this.disk.remove(path)
    }
  }

  /** Every file that the segment may have. */
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
    // A segment with records has a time entry: an empty file was lost with the machine.
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

  private cutShort(position: number): DiskError {
    return new DiskError('read', this.log.path, `the file ends within the batch at ${position}`)
  }
}

/** The snapshot of the producers as they were when the segment was begun goes with it. */
const fileSuffixes = [
  suffixes.log,
  suffixes.offsetIndex,
  suffixes.timeIndex,
  suffixes.txnIndex,
  suffixes.snapshot,
]

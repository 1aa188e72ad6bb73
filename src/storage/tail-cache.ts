import { cutBatches, nothingFrom, type ReadLimits, type ReadResult } from './batch-read.ts'

interface TailEntry {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly bytes: Buffer
}

/** Number of batches that are cached after a read at the log end. */
const wantedBatches = 256

/**
 * The newest batches of one log: by reference until they are written, then as copies if a consumer
 * reads at the log end, so that such readers need no disk reads. The memory of an appended batch
 * returns to its owner once it is written.
 */
export class TailCache {
  private entries: TailEntry[] = []
  /** Index of the first entry that is not dropped. */
  private first = 0
  /** Index of the first entry that is not yet written to the file system. */
  private unwritten = 0
  /** Number of entries that `memory` has still to drop but that are dropped already. */
  private gone = 0
  private wanted = 0
  private readonly memory: TailCacheBudget

  constructor(memory: TailCacheBudget) {
    this.memory = memory
  }

  /**
   * @param isWritten whether it is written to the file system, like all before it; otherwise
   * `written` is called later.
   */
  push(baseOffset: number, nextOffset: number, bytes: Buffer, isWritten: boolean): void {
    // Not added if it would be dropped at once and no earlier entry must be dropped with it.
    if (isWritten && this.wanted === 0 && this.first === this.entries.length) return
    this.entries.push({ baseOffset, nextOffset, bytes })
    if (isWritten) this.written()
  }

  /** Returns an empty result at the log end and enables caching of the next batches. */
  nothingAt(offset: number): ReadResult {
    this.wanted = wantedBatches
    return nothingFrom(offset)
  }

  /** Marks the oldest unwritten entry as written to the file system. */
  written(): void {
    const entry = this.entries[this.unwritten]
    if (entry === undefined) return
    if (this.wanted > 0) {
      this.wanted--
      const bytes = Buffer.from(entry.bytes)
      this.entries[this.unwritten++] = { ...entry, bytes }
      this.memory.add(this, bytes.length)
      return
    }
    // The cached batches must be contiguous: dropping this one drops all before it.
    this.gone += this.unwritten - this.first
    this.dropUntil(this.unwritten + 1)
  }

  /** Drops the oldest entry. */
  dropOldest(): void {
    if (this.gone > 0) this.gone--
    else if (this.first < this.unwritten) this.dropUntil(this.first + 1)
  }

  clear(): void {
    this.gone += this.unwritten - this.first
    this.entries = []
    this.first = 0
    this.unwritten = 0
  }

  /** Reads from the cache; returns null if the batch with `offset` is not cached. */
  read(offset: number, limits: ReadLimits): ReadResult | null {
    const oldest = this.entries[this.first]
    if (oldest === undefined || offset < oldest.baseOffset) return null
    const chunks: Uint8Array[] = []
    let bytes = 0
    let nextOffset = offset
    for (let i = this.find(offset); i < this.entries.length; i++) {
      const entry = this.entries[i]!
      if (entry.baseOffset >= limits.upTo) break
      const left = {
        maxBytes: limits.maxBytes - bytes,
        upTo: limits.upTo,
        minOneBatch: limits.minOneBatch && bytes === 0,
      }
      const cut = cutBatches(entry.bytes, nextOffset, left)
      if (cut.end === cut.start) break
      const bytesOf = entry.bytes.subarray(cut.start, cut.end)
      // Unwritten batches are copied: their memory belongs to a request and will be reused.
      chunks.push(i < this.unwritten ? bytesOf : Buffer.from(bytesOf))
      bytes += cut.end - cut.start
      nextOffset = cut.nextOffset
      if (nextOffset < entry.nextOffset) break
    }
    this.wanted = wantedBatches
    return { chunks, bytes, nextOffset }
  }

  private dropUntil(end: number): void {
    for (let i = this.first; i < end; i++) this.entries[i] = dropped
    this.first = end
    this.unwritten = Math.max(this.unwritten, end)
    if (this.first < 64 || this.first * 2 < this.entries.length) return
    this.entries = this.entries.slice(this.first)
    this.unwritten -= this.first
    this.first = 0
  }

  /** Returns the index of the first entry that ends after `offset`. */
  private find(offset: number): number {
    let low = this.first
    let high = this.entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.entries[middle]!.nextOffset <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Replaces a dropped entry, so that its bytes can be freed. */
const dropped: TailEntry = { baseOffset: -1, nextOffset: -1, bytes: Buffer.alloc(0) }

/** The memory limit shared by the tail caches of all logs; the oldest bytes are dropped first. */
export class TailCacheBudget {
  readonly bytesMax: number
  private bytes = 0
  private tails: (TailCache | null)[] = []
  private sizes: number[] = []
  private first = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  add(tail: TailCache, bytes: number): void {
    this.tails.push(tail)
    this.sizes.push(bytes)
    this.bytes += bytes
    while (this.bytes > this.bytesMax) this.drop()
  }

  private drop(): void {
    this.tails[this.first]!.dropOldest()
    this.tails[this.first] = null
    this.bytes -= this.sizes[this.first]!
    this.first++
    if (this.first < 1024 || this.first * 2 < this.tails.length) return
    this.tails = this.tails.slice(this.first)
    this.sizes = this.sizes.slice(this.first)
    this.first = 0
  }
}

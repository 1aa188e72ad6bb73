import { cutBatches, nothingFrom, type ReadLimits, type ReadResult } from './cut.ts'

interface TailEntry {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly bytes: Buffer
}

/** For how many batches after a read at the tail the next ones are kept. */
const wantedBatches = 256

/**
 * The newest batches of one log: by reference while they are being written; then, if somebody reads
 * at the tail, as copies, so that those readers do not touch the disk. The memory of what was
 * appended is its owner's again once it is written.
 */
export class HotTail {
  private entries: TailEntry[] = []
  /** Entries before this one were dropped already. */
  private first = 0
  /** The first entry that is not yet on the file system. */
  private unwritten = 0
  /** Entries that `memory` will drop, but that are gone already. */
  private gone = 0
  private wanted = 0
  private readonly memory: TailMemory

  constructor(memory: TailMemory) {
    this.memory = memory
  }

  /** @param isWritten whether it is on the file system, as all before it are; else `written` will tell. */
  push(baseOffset: number, nextOffset: number, bytes: Buffer, isWritten: boolean): void {
    // One that would be dropped at once is not taken in, if none before it must be dropped along.
    if (isWritten && this.wanted === 0 && this.first === this.entries.length) return
    this.entries.push({ baseOffset, nextOffset, bytes })
    if (isWritten) this.written()
  }

  /** Answers who has read all that there is: what comes next will be wanted. */
  nothingAt(offset: number): ReadResult {
    this.wanted = wantedBatches
    return nothingFrom(offset)
  }

  /** Says that the oldest entry not yet so marked is on the file system. */
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
    // Batches follow on each other here: with this one all before it go.
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

  /** Null if the batch of `offset` is not, or no longer, here. */
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
      chunks.push(entry.bytes.subarray(cut.start, cut.end))
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

  /** The number of the first entry that ends after `offset`. */
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

/** Stands in the place of a dropped entry, so that its bytes can be freed. */
const dropped: TailEntry = { baseOffset: -1, nextOffset: -1, bytes: Buffer.alloc(0) }

/** The memory that all logs of a broker share for their tails; the oldest bytes go first. */
export class TailMemory {
  readonly bytesMax: number
  private bytes = 0
  private tails: (HotTail | null)[] = []
  private sizes: number[] = []
  private first = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  add(tail: HotTail, bytes: number): void {
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

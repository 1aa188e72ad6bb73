import type { ReadLimits, ReadResult } from './cut.ts'
import type { Segment } from './segment.ts'
import { type Slice, sliceOf } from './slice.ts'
import type { AbortedTransaction } from './txn-index.ts'

/** The segments of a log, by base offset; never empty. The last one is written to. */
export class SegmentList {
  private list: Segment[]

  /** @param segments in order; at least one. */
  constructor(segments: readonly Segment[]) {
    this.list = [...segments]
  }

  get all(): readonly Segment[] {
    return this.list
  }

  get first(): Segment {
    return this.list[0]!
  }

  get active(): Segment {
    return this.list[this.list.length - 1]!
  }

  get sizeBytes(): number {
    let sum = 0
    for (const segment of this.list) sum += segment.sizeBytes
    return sum
  }

  push(segment: Segment): void {
    this.list.push(segment)
  }

  remove(segment: Segment): void {
    this.list = this.list.filter((each) => each !== segment)
  }

  /** Puts one in the place of others that stand in a row. */
  replace(old: readonly Segment[], by: Segment): void {
    const at = this.list.indexOf(old[0]!)
    this.list = this.list.toSpliced(at, old.length, by)
  }

  /** The segment that `offset` would be in: the last that does not start above it, else the first. */
  holding(offset: number): Segment {
    return this.list[this.indexOf(offset)]!
  }

  /** That segment and all after it. A copy: the list may change meanwhile. */
  from(offset: number): Segment[] {
    return this.list.slice(this.indexOf(offset))
  }

  after(segment: Segment): Segment[] {
    return this.list.slice(this.list.indexOf(segment) + 1)
  }

  /** Where the segment after this one starts; null for the last. */
  endOf(segment: Segment): number | null {
    return this.list[this.list.indexOf(segment) + 1]?.baseOffset ?? null
  }

  /** Whole batches from the one that holds `offset` on; null if there is none. */
  async read(
    offset: number,
    limits: ReadLimits,
    indexIntervalBytes: number,
  ): Promise<ReadResult | null> {
    for (const segment of this.from(offset)) {
      const found = await segment.read(offset, limits, indexIntervalBytes)
      if (found !== null) return found
    }
    return null
  }

  /** As `read`, but where the bytes stand; null where they are better read at once. */
  async slice(
    offset: number,
    limits: ReadLimits,
    o: { readonly writtenOffset: number; readonly indexIntervalBytes: number },
  ): Promise<Slice | null> {
    const { indexIntervalBytes } = o
    const at = this.indexOf(offset)
    const segment = this.list[at]
    if (segment === undefined) return null
    const nextOffset = this.list[at + 1]?.baseOffset ?? o.writtenOffset
    return sliceOf(segment, offset, limits, { nextOffset, indexIntervalBytes })
  }

  /** The aborted transactions that a reader of [from, upTo) must skip the records of. */
  async abortedTransactions(
    from: number,
    upTo: number,
    indexIntervalBytes: number,
  ): Promise<AbortedTransaction[]> {
    const found: AbortedTransaction[] = []
    for (const segment of this.from(from)) {
      if (!segment.mayHoldAborted) continue
      const { txn } = await segment.loadIndexes(indexIntervalBytes)
      if (txn.collect(from, upTo, found)) break
    }
    return found
  }

  private indexOf(offset: number): number {
    let low = 0
    let high = this.list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.list[middle]!.baseOffset <= offset) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }
}

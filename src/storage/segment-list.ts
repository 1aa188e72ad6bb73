import type { ReadLimits, ReadResult } from './batch-read.ts'
import { type FileRegion, sliceOf } from './file-region.ts'
import type { Segment } from './segment.ts'
import type { AbortedTransaction } from './txn-index.ts'

/**
 * The segments of a log, sorted by base offset; never empty. The last one is the active segment.
 */
export class SegmentList {
  private list: Segment[]

  /** @param segments sorted by base offset; at least one. */
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

  /** Replaces consecutive segments by one. */
  replace(old: readonly Segment[], by: Segment): void {
    const at = this.list.indexOf(old[0]!)
    this.list = this.list.toSpliced(at, old.length, by)
  }

  /** Returns the segment for `offset`: the last with a base offset not above it, else the first. */
  holding(offset: number): Segment {
    return this.list[this.indexOf(offset)]!
  }

  /** Returns whether a segment begins after `from` and below `end`. */
  isRolledBetween(from: number, end: number): boolean {
    return this.holding(end - 1).baseOffset > from
  }

  /** Returns the segment for `offset` and all later ones. A copy, because the list may change. */
  from(offset: number): Segment[] {
    return this.list.slice(this.indexOf(offset))
  }

  after(segment: Segment): Segment[] {
    return this.list.slice(this.list.indexOf(segment) + 1)
  }

  /** Returns the base offset of the next segment; null for the last one. */
  endOf(segment: Segment): number | null {
    return this.list[this.list.indexOf(segment) + 1]?.baseOffset ?? null
  }

  /**
   * Reads complete batches from the one with `offset` on; null if there is none.
   *
   * @param passed called when a reader continues with the next segment, which starts above
   * `offset`.
   * @throws ApiError CORRUPT_MESSAGE, see `Segment.read`.
   */
  async read(
    offset: number,
    limits: ReadLimits,
    options: { readonly writtenOffset: number; readonly indexIntervalBytes: number },
    passed: (segment: Segment, to: number) => Promise<void> = async () => {},
  ): Promise<ReadResult | null> {
    for (const segment of this.from(offset)) {
      const end = this.endOf(segment)
      const found = await segment.read(
        offset,
        limits,
        options.indexIntervalBytes,
        end ?? options.writtenOffset,
      )
      if (found !== null) return found
      if (end !== null && offset < end) await passed(segment, end)
    }
    return null
  }

  /** Like `read`, but returns a file region; null if the bytes are better read at once. */
  async slice(
    offset: number,
    limits: ReadLimits,
    options: { readonly writtenOffset: number; readonly indexIntervalBytes: number },
  ): Promise<FileRegion | null> {
    const { indexIntervalBytes } = options
    const at = this.indexOf(offset)
    const segment = this.list[at]
    if (segment === undefined) return null
    const nextOffset = this.list[at + 1]?.baseOffset ?? options.writtenOffset
    return sliceOf(segment, offset, limits, { nextOffset, indexIntervalBytes })
  }

  /** Returns the aborted transactions whose records a reader of [from, upTo) must skip. */
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

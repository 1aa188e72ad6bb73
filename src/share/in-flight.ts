import type { Delivery } from './delivery.ts'

/** A range of offsets, both ends included. */
export interface OffsetRange {
  readonly firstOffset: number
  readonly lastOffset: number
}

/** Consecutive records that a member acquired, with the number of their attempt. */
export interface AcquiredRange extends OffsetRange {
  readonly attempts: number
}

export const countOf = ({ firstOffset, lastOffset }: OffsetRange) => lastOffset - firstOffset + 1

/**
 * Consecutive records that were acquired together (Kafka's `InFlightBatch`): as long as they share
 * everything there is one delivery for all, then one for each.
 */
export class InFlightBatch implements OffsetRange {
  readonly firstOffset: number
  readonly lastOffset: number
  private shared: Delivery | null
  private own: Delivery[] | null = null

  constructor(firstOffset: number, lastOffset: number, shared: Delivery) {
    this.firstOffset = firstOffset
    this.lastOffset = lastOffset
    this.shared = shared
  }

  /** The delivery of all records; null once each has its own. */
  get whole(): Delivery | null {
    return this.shared
  }

  /** Gives each record a delivery of its own, if it has none. */
  split(): void {
    const { shared } = this
    if (shared === null) return
    this.own = Array.from({ length: countOf(this) }, () => shared.copy())
    this.shared = null
  }

  /** The delivery of an offset; of one behind the batch only if that is whole. */
  at(offset: number): Delivery | undefined {
    return this.shared ?? this.own![offset - this.firstOffset]
  }

  /**
   * Iterates over the deliveries of a range of a split batch, with their offsets; a batch that is
   * whole has one, with its first offset.
   */
  *each(from = this.firstOffset, to = this.lastOffset): Generator<[number, Delivery]> {
    if (this.shared !== null) return yield [this.firstOffset, this.shared]
    const end = Math.min(to, this.lastOffset)
    for (let offset = Math.max(from, this.firstOffset); offset <= end; offset++) {
      yield [offset, this.own![offset - this.firstOffset]!]
    }
  }

  isWithin(first: number, last: number): boolean {
    return this.firstOffset >= first && this.lastOffset <= last
  }
}

/** The batches in flight of a share partition, which do not overlap, in the order of offsets. */
export class InFlight {
  private batches: InFlightBatch[] = []

  get isEmpty(): boolean {
    return this.batches.length === 0
  }

  get all(): readonly InFlightBatch[] {
    return this.batches
  }

  get first(): InFlightBatch | undefined {
    return this.batches[0]
  }

  get last(): InFlightBatch | undefined {
    return this.batches.at(-1)
  }

  /** Adds a batch; one with the same first offset is replaced. */
  put(batch: InFlightBatch): void {
    const index = this.indexFrom(batch.firstOffset)
    const isSame = this.batches[index]?.firstOffset === batch.firstOffset
    this.batches.splice(index, isSame ? 1 : 0, batch)
  }

  /** The last batch that starts at or before an offset. */
  floor(offset: number): InFlightBatch | undefined {
    return this.batches[this.indexFrom(offset + 1) - 1]
  }

  /** The batches that start within a range, both ends included. */
  starting(from: number, to: number): InFlightBatch[] {
    return this.batches.slice(this.indexFrom(from), this.indexFrom(to + 1))
  }

  /** The batch after one that starts at an offset. */
  after(firstOffset: number): InFlightBatch | undefined {
    return this.batches[this.indexFrom(firstOffset + 1)]
  }

  /** Removes the batches that start before an offset. */
  dropBefore(offset: number): void {
    this.batches = this.batches.slice(this.indexFrom(offset))
  }

  clear(): void {
    this.batches = []
  }

  /** The index of the first batch that starts at or after an offset. */
  private indexFrom(offset: number): number {
    let [low, high] = [0, this.batches.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.batches[middle]!.firstOffset < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

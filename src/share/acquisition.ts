import { type AbortedTransaction, abortedBatches, type ReadBatch, without } from './aborted.ts'
import { Delivery } from './delivery.ts'
import { type AcquiredRange, countOf, InFlightBatch, type OffsetRange } from './in-flight.ts'
import type { SharePartition } from './share-partition.ts'

export interface AcquireRequest {
  readonly memberId: string
  /** The offset from which the batches were read. */
  readonly fetchOffset: number
  readonly batches: readonly ReadBatch[]
  /** `ShareAcquireMode`: whole batches around the limit, or exactly as many records as it says. */
  readonly isLimitStrict: boolean
  /** Records to acquire at most; 0 or less acquires none. */
  readonly recordsMax: number
  /** Number of records after which an acquired range ends at the next batch. */
  readonly rangeRecords: number
  /** Of the records that were read, for readers of committed records only; else empty. */
  readonly abortedTransactions: readonly AbortedTransaction[]
  readonly nowMs: number
}

/** With at most this number of attempts, records that fail are not slowed down. */
const unslowedAttempts = 2

/** Acquires records for a member (`SharePartition.acquire`). */
export function acquire(
  partition: SharePartition,
  request: AcquireRequest,
): readonly AcquiredRange[] {
  const last = request.batches.at(-1)
  if (request.recordsMax <= 0 || last === undefined) return []
  if (last.lastOffset < partition.startOffset) return []
  const acquisition = new Acquisition(partition, request, last.lastOffset)
  return acquisition.run()
}

class Acquisition {
  private readonly partition: SharePartition
  private readonly request: AcquireRequest
  private readonly ranges: AcquiredRange[] = []
  /** Records that may still be acquired. */
  private left: number
  private readonly lastOffset: number
  private readonly lockedUntilMs: number

  constructor(partition: SharePartition, request: AcquireRequest, lastReadOffset: number) {
    this.partition = partition
    this.request = request
    const { recordsMax, fetchOffset, nowMs } = request
    const { endOffset, recordsInFlight, rules } = partition
    this.lockedUntilMs = nowMs + rules.lockMs
    this.left = Math.min(recordsMax, rules.recordsMax - recordsInFlight)
    this.lastOffset = lastReadOffset
    // At the limit of records in flight, those that came back can still be acquired.
    if (this.left <= 0 && fetchOffset <= endOffset) {
      this.left = Math.min(recordsMax, endOffset - fetchOffset + 1)
      this.lastOffset = Math.min(lastReadOffset, endOffset)
    }
  }

  run(): readonly AcquiredRange[] {
    const { partition, request, lastOffset } = this
    if (this.left <= 0) return []
    const { inFlight } = partition
    const readFrom = request.batches[0]!.baseOffset
    this.archiveCompacted(readFrom)
    const from = this.firstOffset(readFrom)
    // At the limit, and what came back has been compacted away.
    if (from > lastOffset) return []
    const known = inFlight.starting(Math.min(readFrom, from), lastOffset)
    if (known.length === 0) {
      this.acquireNew(from, lastOffset)
      return this.committed()
    }
    this.acquireKnown(known, readFrom, from)
    const behind = known.at(-1)!.lastOffset + 1
    if (this.left > 0 && behind <= lastOffset) this.acquireNew(behind, lastOffset)
    const end = this.ranges.at(-1)
    if (end === undefined) return []
    partition.closeGapsBefore(end.lastOffset + 1)
    return this.committed()
  }

  /** Records that were not read, although they are available, have been compacted away. */
  private archiveCompacted(readFrom: number): void {
    const { partition, request } = this
    const { fetchOffset } = request
    const { inFlight } = partition
    if (inFlight.isEmpty || fetchOffset >= readFrom) return
    const floor = inFlight.floor(fetchOffset)
    const from =
      floor !== undefined && floor.lastOffset >= fetchOffset ? floor.firstOffset : fetchOffset
    const known = inFlight.starting(from, readFrom - 1)
    if (partition.archive(known, fetchOffset, readFrom, 'available', true)) {
      partition.mayHaveReturned = true
    }
  }

  private firstOffset(readFrom: number): number {
    const floor = this.partition.inFlight.floor(readFrom)
    if (floor === undefined) return Math.max(readFrom, this.partition.startOffset)
    return floor.lastOffset >= readFrom ? floor.firstOffset : readFrom
  }

  /** Acquires what is available of batches in flight, and the gaps between them. */
  private acquireKnown(known: readonly InFlightBatch[], readFrom: number, from: number): void {
    const { partition, request, lastOffset } = this
    let gapFrom = from
    for (const batch of known) {
      if (this.left <= 0) return
      if (partition.openGaps !== null) {
        if (gapFrom < batch.firstOffset) this.acquireNew(gapFrom, batch.firstOffset - 1)
        gapFrom = batch.lastOffset + 1
        if (this.left <= 0) return
      }
      const isSlowed = this.isSlowed(batch, readFrom)
      // A record that has failed often is delivered apart from others, which may not be at fault.
      if (isSlowed && this.ranges.length > 0) return this.stop()
      const isTooLong = request.isLimitStrict && countOf(batch) > this.left
      const { whole } = batch
      const isExact = batch.isWithin(readFrom, lastOffset) && !isTooLong && !isSlowed
      if (whole !== null && isExact) this.acquireWhole(batch, whole)
      else {
        if (whole !== null && !whole.isFree) continue
        batch.split()
        const count = this.acquireParts(batch, readFrom)
        if (isSlowed && count > 0) return this.stop()
      }
    }
  }

  private stop(): void {
    this.left = 0
  }

  private acquireWhole(batch: InFlightBatch, whole: Delivery): void {
    const { memberId } = this.request
    if (!whole.acquire(memberId, this.lockedUntilMs)) return
    const { firstOffset, lastOffset } = batch
    this.ranges.push({ firstOffset, lastOffset, attempts: whole.attempts })
    this.left -= countOf(batch)
  }

  /** Acquires records of a split batch one by one. @returns how many. */
  private acquireParts(batch: InFlightBatch, readFrom: number): number {
    const { memberId, isLimitStrict } = this.request
    const { attemptsMax } = this.partition.rules
    const limit = this.left
    const slowFrom = slowFromAttempts(attemptsMax)
    const found: AcquiredRange[] = []
    let slowedMax = -1
    for (const [offset, delivery] of batch.each(readFrom, this.lastOffset)) {
      if (!delivery.isFree) continue
      const { attempts } = delivery
      const isLastAttempt = attemptsMax > unslowedAttempts && attempts === attemptsMax - 1
      if (isLastAttempt && found.length > 0) break
      if (attempts >= slowFrom && slowedMax < 0) {
        slowedMax = Math.max(1, countOf(batch) >> (attempts - slowFrom + 1))
      }
      if (!delivery.acquire(memberId, this.lockedUntilMs)) continue
      found.push({ firstOffset: offset, lastOffset: offset, attempts: delivery.attempts })
      if (isLastAttempt || found.length === slowedMax) break
      if (isLimitStrict && found.length === limit) break
    }
    this.ranges.push(...joined(found))
    this.left -= found.length
    return found.length
  }

  /** Whether a batch has available records that have failed so often that few are delivered. */
  private isSlowed(batch: InFlightBatch, readFrom: number): boolean {
    const from = slowFromAttempts(this.partition.rules.attemptsMax)
    for (const [, delivery] of batch.each(readFrom, this.lastOffset)) {
      if (delivery.isFree && delivery.attempts >= from) return true
    }
    return false
  }

  /** Acquires a range of which nothing is in flight. */
  private acquireNew(from: number, to: number): void {
    const { partition, request, left } = this
    const { inFlight } = partition
    const first = inFlight.isEmpty ? Math.max(from, partition.endOffset) : from
    let last = to
    if (left < last - first + 1) {
      last = endOfBatchWith(request.batches, first + left - 1)
      if (partition.openGaps !== null) last = Math.min(last, to)
    }
    const acquired = this.addBatches(first, last)
    if (inFlight.first!.firstOffset === first) partition.startOffset = first
    partition.endOffset = Math.max(partition.endOffset, last)
    const end = request.isLimitStrict ? acquired[0]!.lastOffset : last
    partition.closeGapsBefore(end + 1)
    this.ranges.push(...acquired)
    this.left -= end - first + 1
  }

  private addBatches(first: number, last: number): AcquiredRange[] {
    const { partition, left, lockedUntilMs } = this
    const { memberId, isLimitStrict } = this.request
    const bounds = isLimitStrict
      ? [{ firstOffset: first, lastOffset: last }]
      : this.cut(first, last)
    const batches = bounds.map(({ firstOffset, lastOffset }) => {
      const delivery = new Delivery('acquired', 1, memberId, lockedUntilMs)
      return new InFlightBatch(firstOffset, lastOffset, delivery)
    })
    for (const batch of batches) partition.inFlight.put(batch)
    const [only] = batches
    if (isLimitStrict && countOf(only!) > left) {
      // The rest of the last batch is in flight as well, and available at once.
      only!.split()
      for (const [, delivery] of only!.each(first + left)) delivery.giveBack()
      partition.mayHaveReturned = true
      return [{ firstOffset: first, lastOffset: first + left - 1, attempts: 1 }]
    }
    return bounds.map((range) => ({ ...range, attempts: 1 }))
  }

  /** Cuts a range at ends of batches into pieces of at least `rangeRecords`. */
  private cut(first: number, last: number): OffsetRange[] {
    const { batches, rangeRecords } = this.request
    const pieces: OffsetRange[] = []
    let from = first
    if (last - first + 1 > rangeRecords) {
      for (const { baseOffset } of batches) {
        if (baseOffset > last) break
        if (baseOffset - from < rangeRecords) continue
        pieces.push({ firstOffset: from, lastOffset: baseOffset - 1 })
        from = baseOffset
      }
    }
    pieces.push({ firstOffset: from, lastOffset: last })
    return pieces
  }

  /** Archives records of aborted transactions, which a reader of committed ones does not get. */
  private committed(): readonly AcquiredRange[] {
    const { partition, request } = this
    if (request.abortedTransactions.length === 0) return this.ranges
    const aborted = abortedBatches(request.batches, request.abortedTransactions)
    const { inFlight } = partition
    for (const { baseOffset, lastOffset } of aborted) {
      const floor = inFlight.floor(baseOffset)
      const known = inFlight.starting(floor?.firstOffset ?? baseOffset, lastOffset)
      partition.archive(known, baseOffset, lastOffset + 1, 'acquired', true)
    }
    return without(this.ranges, aborted)
  }
}

/** The number of failed attempts from which on fewer and fewer records are delivered at once. */
const slowFromAttempts = (attemptsMax: number) =>
  Math.max(unslowedAttempts, Math.ceil(attemptsMax / 2))

/** The last offset of the batch that holds an offset; the offset itself if none does. */
function endOfBatchWith(batches: readonly ReadBatch[], offset: number): number {
  const batch = batches.findLast(({ baseOffset }) => baseOffset <= offset)
  return batch !== undefined && offset <= batch.lastOffset ? batch.lastOffset : offset
}

/** Joins neighbours of the same number of attempts. */
function joined(ranges: readonly AcquiredRange[]): AcquiredRange[] {
  const result: AcquiredRange[] = []
  for (const range of ranges) {
    const last = result.at(-1)
    const isNext = last?.lastOffset === range.firstOffset - 1 && last.attempts === range.attempts
    if (isNext) result[result.length - 1] = { ...last, lastOffset: range.lastOffset }
    else result.push(range)
  }
  return result
}

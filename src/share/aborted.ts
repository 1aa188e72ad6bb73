import type { AcquiredRange, OffsetRange } from './in-flight.ts'

/** A batch of records that was read, as far as its acquisition needs it. */
export interface ReadBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  /** -1 without a producer id. */
  readonly producerId: number
  readonly isTransactional: boolean
  /** Whether it is the marker of an aborted transaction. */
  readonly isAbortMarker: boolean
}

/** An entry of the index of aborted transactions. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** Returns the batches that belong to aborted transactions, without their markers. */
export function abortedBatches(
  batches: readonly ReadBatch[],
  aborted: readonly AbortedTransaction[],
): ReadBatch[] {
  const due = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const producers = new Set<number>()
  const found: ReadBatch[] = []
  for (const batch of batches) {
    const { producerId, lastOffset } = batch
    if (producerId < 0) continue
    while (due.length > 0 && due[0]!.firstOffset <= lastOffset)
      producers.add(due.shift()!.producerId)
    if (batch.isAbortMarker) producers.delete(producerId)
    else if (batch.isTransactional && producers.has(producerId)) found.push(batch)
  }
  return found
}

/** Cuts the offsets of batches, which are in order, out of acquired ranges. */
export function without(
  ranges: readonly AcquiredRange[],
  batches: readonly Pick<ReadBatch, 'baseOffset' | 'lastOffset'>[],
): AcquiredRange[] {
  const cuts = batches.map(({ baseOffset, lastOffset }) => ({
    firstOffset: baseOffset,
    lastOffset,
  }))
  return ranges.flatMap((range) => {
    const left: AcquiredRange[] = []
    let rest: AcquiredRange | null = range
    for (const cut of cuts) {
      if (rest === null) break
      if (!overlaps(rest, cut)) continue
      const { firstOffset, lastOffset, attempts }: AcquiredRange = rest
      if (firstOffset < cut.firstOffset) {
        left.push({ firstOffset, lastOffset: cut.firstOffset - 1, attempts })
      }
      rest =
        lastOffset > cut.lastOffset
          ? { firstOffset: cut.lastOffset + 1, lastOffset, attempts }
          : null
    }
    return rest === null ? left : [...left, rest]
  })
}

const overlaps = (a: OffsetRange, b: OffsetRange) =>
  a.firstOffset <= b.lastOffset && a.lastOffset >= b.firstOffset

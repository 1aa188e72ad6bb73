import { ApiError } from '../../protocol/errors.ts'

/** Offsets of one delivery state, both ends included. Kafka: `PersisterStateBatch`. */
export interface StateBatch {
  readonly firstOffset: number
  readonly lastOffset: number
  /** 0 available, 2 acknowledged, 4 archived (KIP-932). */
  readonly deliveryState: number
  readonly deliveryCount: number
}

/** A start offset that is not known yet. */
export const noStartOffset = -1

/** Exceeds every delivery state, so that the delivery count decides first. */
const statesMax = 256

/**
 * Combines batches into ascending ones that neither overlap nor continue each other: each offset
 * gets the highest delivery count, then the highest delivery state, of the batches that hold it.
 * Offsets before `startOffset` are dropped, unless it is -1. Kafka: `PersisterStateBatchCombiner`.
 */
export function combineBatches(
  known: readonly StateBatch[],
  added: readonly StateBatch[],
  startOffset: number,
): StateBatch[] {
  const all = from([...known, ...added], startOffset)
  if (all.length < 2) return all
  const edges = all
    .flatMap((batch) => [
      { offset: batch.firstOffset, batch, by: 1 },
      { offset: batch.lastOffset + 1, batch, by: -1 },
    ])
    .sort((a, b) => a.offset - b.offset)
  /** Batches that hold the current offset: one of each priority, and how many. */
  const open = new Map<number, { readonly batch: StateBatch; count: number }>()
  const combined: StateBatch[] = []
  edges.forEach(({ offset, batch, by }, i) => {
    const priority = priorityOf(batch)
    const same = open.get(priority)
    if (same === undefined) open.set(priority, { batch, count: by })
    else if (same.count + by === 0) open.delete(priority)
    else same.count += by
    const next = edges[i + 1]?.offset ?? offset
    if (next === offset || open.size === 0) return
    const { batch: winner } = open.get(Math.max(...open.keys()))!
    extend(combined, { ...winner, firstOffset: offset, lastOffset: next - 1 })
  })
  return combined
}

/** Java's largest long: there is no offset after it. */
const offsetMax = 2 ** 63

/**
 * Checks what is to be combined. Kafka keeps a batch that ends before it begins, or with the last
 * offset of all, as long as it is the only one.
 *
 * @throws ApiError UNKNOWN_SERVER_ERROR
 */
export function checkBatches(...of: Parameters<typeof combineBatches>): void {
  const [known, added, startOffset] = of
  const isOdd = ({ firstOffset, lastOffset }: StateBatch) =>
    firstOffset > lastOffset || lastOffset >= offsetMax
  if (!known.some(isOdd) && !added.some(isOdd)) return
  const all = from([...known, ...added], startOffset)
  if (all.length < 2 || !all.some(isOdd)) return
  throw new ApiError('UNKNOWN_SERVER_ERROR', 'A batch has no end.')
}

function from(batches: readonly StateBatch[], startOffset: number): StateBatch[] {
  if (startOffset === noStartOffset) return [...batches]
  return batches.flatMap((batch) => {
    if (batch.lastOffset < startOffset) return []
    return batch.firstOffset < startOffset ? [{ ...batch, firstOffset: startOffset }] : [batch]
  })
}

function priorityOf({ deliveryCount, deliveryState }: StateBatch): number {
  return deliveryCount * statesMax + deliveryState
}

/** Adds a batch, or lengthens the last one if that is of the same state and adjacent. */
function extend(combined: StateBatch[], batch: StateBatch): void {
  const last = combined.at(-1)
  const continues =
    last !== undefined &&
    last.lastOffset + 1 === batch.firstOffset &&
    priorityOf(last) === priorityOf(batch)
  if (!continues) combined.push(batch)
  else combined[combined.length - 1] = { ...last, lastOffset: batch.lastOffset }
}

import type { LaterBytes } from '../base/pieces.ts'
import { Batch, batchHeaderBytes } from '../protocol/records/batch.ts'
import { cutBatches, type ReadLimits, type ReadResult } from './cut.ts'
import type { Segment } from './segment.ts'

/** Less than this is read at once: it costs little, and the index tells too roughly where to stop. */
export const sliceBytesMin = 128 * 1024
/** How much is read at a time while the first batch is looked for. */
const lookBytes = 1024
/** Meanwhile no batch is taken. */
const nothing: ReadLimits = { maxBytes: 0, upTo: Number.POSITIVE_INFINITY, minOneBatch: false }

/** Whole batches of one segment, not read yet; none where the first is more than may be had. */
export interface Slice {
  readonly segment: Segment
  readonly position: number
  readonly bytes: number
  /** No batch of the slice reaches beyond; the next one may start earlier. */
  readonly endsBelow: number
}

/**
 * Where the batches from the one of `offset` on stand, as far as the limits allow and the index knows.
 * Null where that is too little, or cannot be told without reading the batches.
 *
 * @param nextOffset the offset after the last batch that the segment's file has.
 */
export async function sliceOf(
  segment: Segment,
  offset: number,
  limits: ReadLimits,
  o: { readonly nextOffset: number; readonly indexIntervalBytes: number },
): Promise<Slice | null> {
  // Who must have one batch, however large, gets it at once.
  if (limits.minOneBatch && limits.maxBytes < sliceBytesMin) return null
  // As it is now, with `nextOffset`: what is written while this looks is not for who came before it.
  const end = segment.writtenBytes
  const index = (await segment.loadIndexes(o.indexIntervalBytes)).offset
  const { from, by, isBehind } = index.rangeOf(offset)
  // So it is at the end of a log. What may be more than is wanted is looked at first.
  const rest = end - from
  if (rest < sliceBytesMin && (limits.minOneBatch || rest <= limits.maxBytes)) return null
  // Large batches have an entry each: who reads on from one of them finds the next by its entry.
  const next = isBehind && by !== null ? await firstOf(segment, by, end, offset) : null
  const isNext = next !== null && next.baseOffset <= offset
  const first = isNext ? next : await firstOf(segment, from, end, offset)
  if (first === null || first.baseOffset >= limits.upTo) return null
  const { position, sizeBytes } = first
  if (sizeBytes > limits.maxBytes) {
    return limits.minOneBatch ? null : { segment, position, bytes: 0, endsBelow: offset }
  }
  const isAllSeen = o.nextOffset <= limits.upTo
  const stop = Math.min(end, position + limits.maxBytes)
  const last =
    stop === end && isAllSeen
      ? { position: end, offset: o.nextOffset }
      : index.lastWithin(stop, limits.upTo)
  if (last === null || last.position - position < sliceBytesMin) return null
  return { segment, position, bytes: last.position - position, endsBelow: last.offset }
}

/** A read that fails then ends its reader's connection, for the answer has begun; the log goes on. */
export function readLater({ segment, position, bytes, endsBelow }: Slice): ReadResult {
  if (bytes === 0) return { chunks: [], bytes, nextOffset: endsBelow }
  const { log } = segment
  const later: LaterBytes = {
    byteLength: bytes,
    read: (from, length) => log.read(position + from, length),
    send: log.send && ((to, from, length) => log.send!(to, position + from, length)),
  }
  return { chunks: [], later, bytes, nextOffset: endsBelow }
}

/** The first batch that ends at `offset` or later, looked for between two batches' starts; null if none. */
async function firstOf(
  segment: Segment,
  from: number,
  end: number,
  offset: number,
): Promise<{ position: number; baseOffset: number; sizeBytes: number } | null> {
  let at = from
  while (at + batchHeaderBytes <= end) {
    const reading = segment.log.read(at, Math.min(end - at, lookBytes))
    const bytes = reading instanceof Promise ? await reading : reading
    const { start, isHere } = cutBatches(bytes, offset, nothing)
    if (!isHere && start === 0) return null
    at += start
    if (!isHere) continue
    const { baseOffset, sizeBytes } = new Batch(bytes, start)
    return { position: at, baseOffset, sizeBytes }
  }
  return null
}

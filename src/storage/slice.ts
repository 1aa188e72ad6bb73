import { Batch, batchHeaderBytes } from '../protocol/records/batch.ts'
import { cutBatches, type ReadLimits, type ReadResult } from './cut.ts'
import type { OffsetIndex } from './offset-index.ts'
import type { Segment } from './segment.ts'

/** Less than this is read at once: it costs little, and the index tells too roughly where to stop. */
export const sliceBytesMin = 128 * 1024
/** How much is read at a time while the first batch is looked for. */
const lookBytes = 1024

/** Whole batches of one segment, not read yet. */
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
  if (limits.maxBytes < sliceBytesMin) return null
  const index = (await segment.loadIndexes(o.indexIntervalBytes)).offset
  const position = await startOf(segment, index, offset, limits)
  if (position === null) return null
  const isAllSeen = o.nextOffset <= limits.upTo
  const end = segment.writtenBytes
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
  const read = (from: number, length: number) => segment.log.read(position + from, length)
  return { chunks: [], later: { byteLength: bytes, read }, bytes, nextOffset: endsBelow }
}

/** Where the batch of `offset` starts; null if it is not there, or must not be handed out as a part. */
async function startOf(
  segment: Segment,
  index: OffsetIndex,
  offset: number,
  limits: ReadLimits,
): Promise<number | null> {
  const end = segment.writtenBytes
  const nothing = { maxBytes: 0, upTo: limits.upTo, minOneBatch: false }
  let at = index.rangeOf(offset).from
  while (at + batchHeaderBytes <= end) {
    const bytes = await segment.log.read(at, Math.min(end - at, lookBytes))
    const { start, isHere } = cutBatches(bytes, offset, nothing)
    if (!isHere && start === 0) return null
    at += start
    if (!isHere) continue
    const first = new Batch(bytes, start)
    return first.baseOffset < limits.upTo && first.sizeBytes <= limits.maxBytes ? at : null
  }
  return null
}

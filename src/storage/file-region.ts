import type { LaterBytes } from '../base/pieces.ts'
import { Batch, batchHeaderBytes } from '../protocol/records/batch.ts'
import { cutBatches, type ReadLimits, type ReadResult } from './batch-read.ts'
import type { Segment } from './segment.ts'

/**
 * Smaller reads, in bytes, are done at once: they are cheap, and the sparse index gives their end
 * too imprecisely.
 */
export const sliceBytesMin = 128 * 1024
/** Bytes per read during the search for the first batch. */
const lookBytes = 1024
/** The search itself returns no batch. */
const nothing: ReadLimits = { maxBytes: 0, upTo: Number.POSITIVE_INFINITY, minOneBatch: false }

/**
 * Complete batches of one segment that are not read yet; 0 bytes if the first batch is above the
 * limit. The segment's file stays readable until `release` is called.
 */
export interface FileRegion {
  readonly segment: Segment
  readonly position: number
  readonly bytes: number
  /** All batches of the region end below this offset; the next batch may start at a lower one. */
  readonly endsBelow: number
  readonly release: () => void
}

/**
 * Locates the batches from the one with `offset` on, as far as the limits and the index allow.
 * Returns null if the region is too small or cannot be found without reading the batches.
 *
 * @param nextOffset the offset after the last batch in the segment's file.
 */
export async function sliceOf(
  segment: Segment,
  offset: number,
  limits: ReadLimits,
  options: { readonly nextOffset: number; readonly indexIntervalBytes: number },
): Promise<FileRegion | null> {
  // A reader that must get one batch of any size is served by a direct read.
  if (limits.minOneBatch && limits.maxBytes < sliceBytesMin) return null
  // Hold the file while the segment is in the log: it may be removed during the first await.
  const release = segment.log.hold()
  let slice: Omit<FileRegion, 'release'> | null = null
  try {
    slice = await look(segment, offset, limits, options)
  } finally {
    if (slice === null || slice.bytes === 0) release()
  }
  return slice && { ...slice, release }
}

async function look(
  segment: Segment,
  offset: number,
  limits: ReadLimits,
  options: { readonly nextOffset: number; readonly indexIntervalBytes: number },
): Promise<Omit<FileRegion, 'release'> | null> {
  // Size as of `nextOffset`: bytes written during the search are not for this earlier read.
  const end = segment.writtenBytes
  const index = (await segment.loadIndexes(options.indexIntervalBytes)).offset
  const { from, by, isBehind } = index.rangeOf(offset)
  // Typical at the end of a log. A remainder that may exceed `maxBytes` is looked up first.
  const rest = end - from
  if (rest < sliceBytesMin && (limits.minOneBatch || rest <= limits.maxBytes)) return null
  // Large batches have an entry each: a sequential reader finds the next batch by its entry.
  const next = isBehind && by !== null ? await firstOf(segment, by, end, offset) : null
  const isNext = next !== null && next.baseOffset <= offset
  const first = isNext ? next : await firstOf(segment, from, end, offset)
  if (first === null || first.baseOffset >= limits.upTo) return null
  const { position, sizeBytes } = first
  if (sizeBytes > limits.maxBytes) {
    return limits.minOneBatch ? null : { segment, position, bytes: 0, endsBelow: offset }
  }
  const isAllSeen = options.nextOffset <= limits.upTo
  const stop = Math.min(end, position + limits.maxBytes)
  const last =
    stop === end && isAllSeen
      ? { position: end, offset: options.nextOffset }
      : index.lastWithin(stop, limits.upTo)
  if (last === null || last.position - position < sliceBytesMin) return null
  return { segment, position, bytes: last.position - position, endsBelow: last.offset }
}

/**
 * Returns a result whose bytes are read while the response is sent. A failing read then closes the
 * reader's connection, because the response has begun; the log stays online.
 */
export function readLater({
  segment,
  position,
  bytes,
  endsBelow,
  release,
}: FileRegion): ReadResult {
  if (bytes === 0) return { chunks: [], bytes, nextOffset: endsBelow }
  const { log } = segment
  const later: LaterBytes = {
    byteLength: bytes,
    read: (from, length) => log.read(position + from, length),
    send: log.send && ((to, from, length) => log.send!(to, position + from, length)),
    release,
  }
  return { chunks: [], later, bytes, nextOffset: endsBelow }
}

/**
 * Finds the first batch that ends at or above `offset`, searching from the start of a batch; null
 * if there is none.
 */
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
    // The search cannot continue; the regular read of the batches reports the cause.
    if (!isHere && start === 0) return null
    at += start
    if (!isHere) continue
    const { baseOffset, sizeBytes } = new Batch(bytes, start)
    return { position: at, baseOffset, sizeBytes }
  }
  return null
}

import type { LaterBytes } from '../base/pieces.ts'
import { ApiError } from '../protocol/errors.ts'
import { Batch, batchHeaderBytes } from '../protocol/records/batch.ts'
import type { File } from './disk.ts'

/** Result of a log read: complete record batches in their on-disk format. */
export interface ReadResult {
  readonly chunks: readonly Uint8Array[]
  /** Replaces `chunks` if the bytes are read only when they are sent. */
  readonly later?: LaterBytes
  readonly bytes: number
  /**
   * The offset at which to continue: after the last batch, or the requested offset if nothing was
   * found. With `later` it may be an offset inside the next batch.
   */
  readonly nextOffset: number
}

/** Returns the result of a read that finds nothing. */
export function nothingFrom(offset: number): ReadResult {
  return { chunks: [], bytes: 0, nextOffset: offset }
}

export interface ReadLimits {
  readonly maxBytes: number
  /** Batches at or above this offset are not returned. */
  readonly upTo: number
  /** Whether the first batch is returned even if it is larger than `maxBytes`. */
  readonly minOneBatch: boolean
  /** Whether a large result may be returned as bytes that are read later. */
  readonly mayBeLater?: boolean | undefined
}

/**
 * Length in bytes of the start of a batch header, including `lastOffsetDelta`: enough to know the
 * offsets of the batch.
 */
const lastOffsetEnd = 27

interface Cut {
  /** Position of the batch with the requested offset, or where to continue the search for it. */
  readonly start: number
  /** End position of the last batch; equal to `start` if no batch can be returned. */
  readonly end: number
  readonly nextOffset: number
  /** Whether the header of the requested batch is in the bytes. */
  readonly isHere: boolean
  /** Bytes needed from `start` on to continue; 0 if enough are present. */
  readonly needed: number
  /** Whether the length or the offsets at `start` show that no batch of this log starts there. */
  readonly isDamaged: boolean
  /** Position of a skipped batch with impossible offsets; -1 if there was none. */
  readonly strayAt: number
}

/** The range of offsets that the batches of a segment can have. */
export interface OffsetRange {
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

const anyOffset: OffsetRange = { from: 0, to: Number.POSITIVE_INFINITY }

/**
 * Finds the complete batches in `bytes` from the batch with `offset` on, within the limits. `bytes`
 * must begin at the start of a batch and may end with anything.
 */
export function cutBatches(
  bytes: Buffer,
  offset: number,
  limits: ReadLimits,
  range = anyOffset,
): Cut {
  const batch = new Batch(bytes)
  let start = 0
  let strayAt = -1
  for (; ; start += batch.sizeBytes) {
    if (bytes.length - start < lastOffsetEnd) return nothingAt(start, offset, false, strayAt)
    batch.start = start
    const { baseOffset, lastOffset } = batch
    const isNone =
      batch.sizeBytes < batchHeaderBytes || (lastOffset >= offset && baseOffset >= range.to)
    if (isNone) return nothingAt(start, offset, true, strayAt)
    if (lastOffset >= offset) break
    if (strayAt < 0 && (baseOffset < range.from || lastOffset < baseOffset)) strayAt = start
  }
  let end = start
  let nextOffset = offset
  let needed = 0
  while (bytes.length - end >= lastOffsetEnd) {
    batch.start = end
    const size = batch.sizeBytes
    const isFirst = end === start
    // A batch that does not follow the previous one is left to the next read, which must advance.
    if (size < batchHeaderBytes || batch.lastOffset < nextOffset) break
    if (batch.baseOffset >= limits.upTo) break
    if (end + size - start > limits.maxBytes && !(isFirst && limits.minOneBatch)) break
    if (end + size > bytes.length) {
      if (isFirst) needed = size
      break
    }
    end += size
    nextOffset = batch.nextOffset
  }
  return { start, end, nextOffset, isHere: true, needed, isDamaged: false, strayAt }
}

function nothingAt(start: number, offset: number, isDamaged: boolean, strayAt: number): Cut {
  const needed = lastOffsetEnd
  return { start, end: start, nextOffset: offset, isHere: false, needed, isDamaged, strayAt }
}

export interface BatchRead {
  /**
   * Position in bytes at which to start: of a batch that ends at or before the requested offset.
   */
  readonly from: number
  /**
   * Bytes of the first read in addition to `maxBytes`; `stepBytes` is the minimum of later reads.
   */
  readonly lookBytes: number
  readonly stepBytes: number
  /** Position in bytes at which the last batch of the file ends. */
  readonly end: number
  readonly range: OffsetRange
  /** Called with a position in bytes at which there is no valid record batch of the range. */
  readonly damaged: (position: number) => void
}

/**
 * Reads the record batches of a file, starting with the batch that contains `offset`. Returns null
 * if all batches are older. A truncated batch ends the file, as in Kafka, whose reader continues
 * with the next segment.
 *
 * @throws ApiError CORRUPT_MESSAGE if the bytes to read are not a record batch.
 */
export async function readBatches(
  file: File,
  offset: number,
  limits: ReadLimits,
  options: BatchRead,
): Promise<ReadResult | null> {
  let wanted = options.lookBytes + limits.maxBytes
  for (let at = options.from; at < options.end; ) {
    const asked = Math.min(options.end - at, wanted)
    const bytes = await file.read(at, asked)
    const cut = cutBatches(bytes, offset, limits, options.range)
    if (cut.strayAt >= 0) options.damaged(at + cut.strayAt)
    if (cut.isHere && cut.needed === 0) {
      const chunk = bytes.subarray(cut.start, cut.end)
      const chunks = chunk.length === 0 ? [] : [chunk]
      return { chunks, bytes: chunk.length, nextOffset: cut.nextOffset }
    }
    // The batch is not, or not completely, in these bytes: continue behind them, or at its start.
    at += cut.start
    if (cut.isDamaged) {
      options.damaged(at)
      throw new ApiError('CORRUPT_MESSAGE', `No record batch stands at ${at} of ${file.path}`)
    }
    if (at !== options.end && (at + cut.needed > options.end || bytes.length < asked)) {
      options.damaged(Math.min(at, options.end))
      return null
    }
    wanted = Math.max(cut.needed, limits.maxBytes, options.stepBytes)
  }
  return null
}

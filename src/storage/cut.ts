import type { LaterBytes } from '../base/pieces.ts'
import { Refusal } from '../protocol/errors.ts'
import { Batch, batchHeaderBytes } from '../protocol/records/batch.ts'

/** What a log read found: whole batches, as the bytes stand on disk. */
export interface ReadResult {
  readonly chunks: readonly Uint8Array[]
  /** Stands in the place of the chunks where the bytes are read when they are sent. */
  readonly later?: LaterBytes
  readonly bytes: number
  /**
   * The offset after the last batch; where reading goes on. The asked offset if nothing was found. With
   * `later`, perhaps an offset within the next batch.
   */
  readonly nextOffset: number
}

/** What a read finds where there is nothing for it. */
export function nothingFrom(offset: number): ReadResult {
  return { chunks: [], bytes: 0, nextOffset: offset }
}

export interface ReadLimits {
  readonly maxBytes: number
  /** Batches from this offset on are not handed out. */
  readonly upTo: number
  /** Whether the first batch is handed out even if it is larger than `maxBytes`. */
  readonly minOneBatch: boolean
  /** Whether much may be handed out as bytes to be read later. */
  readonly mayBeLater?: boolean | undefined
}

/** A batch's header up to and with `lastOffsetDelta`: enough to tell its offsets. */
const lastOffsetEnd = 27

interface Cut {
  /** Where the batch of the asked offset starts; if it is not here, where looking must go on. */
  readonly start: number
  /** Where the last batch ends; `start` if there is none to hand out. */
  readonly end: number
  readonly nextOffset: number
  /** Whether the header of the asked batch stands in the bytes. */
  readonly isHere: boolean
  /** The size of the first batch if it is wanted but not whole in the bytes; else 0. */
  readonly needed: number
}

/**
 * Cuts out of `bytes`, which starts at a batch's start, the whole batches from the one of `offset` on
 * that the limits allow.
 *
 * @throws Refusal CORRUPT_MESSAGE when the bytes are no batches.
 */
export function cutBatches(bytes: Buffer, offset: number, limits: ReadLimits): Cut {
  const batch = new Batch(bytes)
  let start = 0
  for (; ; start += batch.sizeBytes) {
    if (bytes.length - start < lastOffsetEnd) {
      return { start, end: start, nextOffset: offset, isHere: false, needed: 0 }
    }
    batch.start = start
    if (batch.sizeBytes < batchHeaderBytes) throw unreadable(offset)
    if (batch.lastOffset >= offset) break
  }
  let end = start
  let nextOffset = offset
  let needed = 0
  while (bytes.length - end >= lastOffsetEnd) {
    batch.start = end
    const size = batch.sizeBytes
    const isFirst = end === start
    if (size < batchHeaderBytes) throw unreadable(nextOffset)
    if (batch.baseOffset >= limits.upTo) break
    if (end + size - start > limits.maxBytes && !(isFirst && limits.minOneBatch)) break
    if (end + size > bytes.length) {
      if (isFirst) needed = size
      break
    }
    end += size
    nextOffset = batch.nextOffset
  }
  return { start, end, nextOffset, isHere: true, needed }
}

function unreadable(offset: number): Refusal {
  return new Refusal('CORRUPT_MESSAGE', `What stands at offset ${offset} is no record batch.`)
}

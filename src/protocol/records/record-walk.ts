import type { Turns } from '../../base/turns.ts'
import { ApiError } from '../errors.ts'
import { codecs } from './batch.ts'
import { openPieces } from './compression.ts'
import { LongRecord } from './long-record.ts'
import type { PieceSource } from './pieces/piece-source.ts'
import { RecordCursor } from './record-cursor.ts'

/** Larger records (bytes) are not kept in memory if their keys and values are not needed. */
const heldBytesMax = 1024 * 1024

const miscounted = (how: string) =>
  new ApiError('INVALID_RECORD', `Incorrect declared batch size, ${how}`)

/** Handles a record; returning false ends the walk. */
export type See = (cursor: RecordCursor, index: number) => unknown

/**
 * Iterates over the records of a batch, compressed or not, with only one decompressed piece in
 * memory at a time. After `next` the cursor is at the record.
 */
export class RecordWalk {
  /** For a record above 1 MB that is not kept in memory, only lengths and deltas are valid. */
  readonly cursor: RecordCursor
  private readonly source: PieceSource
  private readonly turns: Turns
  private readonly recordBytesMax: number
  private readonly holds: boolean
  private held = nothing
  private hasBegun = false

  constructor(
    codec: number,
    payload: Buffer,
    options: {
      /**
       * Maximum decompressed bytes of a record in a compressed batch, without its length field
       * (`max.decompressed.message.bytes`).
       */
      readonly recordBytesMax: number
      /** Whether keys, values and headers of all records are needed, however long they are. */
      readonly holds: boolean
      /** Lets the event loop run between two pieces. */
      readonly turns: Turns
    },
  ) {
    this.turns = options.turns
    const isPlain = codec === codecs.none
    // An uncompressed payload is in memory as a whole.
    this.cursor = new RecordCursor(isPlain ? payload : nothing)
    this.source = isPlain ? noPieces : openPieces(codec, payload)
    this.recordBytesMax = isPlain ? Number.POSITIVE_INFINITY : options.recordBytesMax
    this.holds = options.holds
  }

  /**
   * Moves to the next record; returns a promise only if it must wait for a piece.
   * @throws ApiError (also as a rejection) INVALID_RECORD; errors of `openPieces`.
   */
  next(): true | Promise<true> {
    const size = this.cursor.tryNext(this.recordBytesMax)
    return size === -1 ? true : this.fetchNext(size)
  }

  /**
   * Calls `see` for those of the next records that are in memory, from index `from` up to `to`.
   *
   * @returns the index of the first record not seen; -1 if `see` ended the walk.
   * @throws errors of `next` and `see`.
   */
  showHeld(from: number, to: number, see: See): number {
    const { cursor, recordBytesMax } = this
    for (let i = from; i < to; i++) {
      if (cursor.tryNext(recordBytesMax) !== -1) return i
      if (see(cursor, i) === false) return -1
    }
    return to
  }

  /** Must be called after the last record. @throws ApiError INVALID_RECORD if bytes are left. */
  finish(): void | Promise<void> {
    if (!this.cursor.atEnd) throw miscounted('records still remaining in file')
    const rest = this.source.next()
    if (rest instanceof Promise) return rest.then(refuseRest)
    refuseRest(rest)
  }

  /** Must always be called: releases the memory and the source. */
  close(): void {
    this.source.close()
    this.held = nothing
    this.cursor.reset(nothing)
  }

  private fetchNext(size: number): true | Promise<true> {
    const { cursor } = this
    if (size > this.recordBytesMax) throw tooLong(size, this.recordBytesMax)
    if (size > heldBytesMax && !this.holds) return this.passOver(new LongRecord(size))
    // A piece is only valid until the next one, so the start of an incomplete record is copied.
    const begun = this.keep(cursor.rest())
    const piece = this.pull()
    if (piece instanceof Promise) return piece.then((come) => this.take(begun, come))
    return this.take(begun, piece)
  }

  private pull(): Buffer | null | Promise<Buffer | null> {
    if (!this.hasBegun) {
      this.hasBegun = true
      return this.source.next()
    }
    if (this.turns.isOver()) return this.turns.next().then(() => this.source.next())
    return this.source.next()
  }

  private keep(rest: Buffer): number {
    this.reserve(rest.length, 0)
    rest.copy(this.held)
    return rest.length
  }

  /** Appends a piece to the first `begun` bytes of an incomplete record. */
  private take(begun: number, piece: Buffer | null): true | Promise<true> {
    if (piece === null) throw miscounted('premature EOF reached')
    if (begun === 0) this.cursor.reset(piece)
    else {
      this.reserve(begun + piece.length, begun)
      piece.copy(this.held, begun)
      this.cursor.reset(this.held.subarray(0, begun + piece.length))
    }
    return this.next()
  }

  /** Doubles the buffer, so that a long record is not copied often. */
  private reserve(bytes: number, kept: number): void {
    if (bytes <= this.held.length) return
    const room = Buffer.allocUnsafeSlow(Math.max(bytes, this.held.length * 2))
    this.held.copy(room, 0, 0, kept)
    this.held = room
  }

  private passOver(record: LongRecord): true | Promise<true> {
    const { cursor } = this
    const rest = cursor.restBehindLength()
    const end = record.read(rest, 0)
    if (end >= 0) return this.passed(record, rest, end)
    return this.passOn(record)
  }

  private passOn(record: LongRecord): true | Promise<true> {
    for (;;) {
      const piece = this.pull()
      if (piece instanceof Promise) return piece.then((come) => this.passPiece(record, come))
      if (piece === null) throw miscounted('premature EOF reached')
      const end = record.read(piece, 0)
      if (end >= 0) return this.passed(record, piece, end)
    }
  }

  private passPiece(record: LongRecord, piece: Buffer | null): true | Promise<true> {
    if (piece === null) throw miscounted('premature EOF reached')
    const end = record.read(piece, 0)
    return end >= 0 ? this.passed(record, piece, end) : this.passOn(record)
  }

  private passed(record: LongRecord, piece: Buffer, end: number): true {
    const { cursor } = this
    cursor.reset(piece.subarray(end))
    cursor.timestampDelta = record.timestampDelta
    cursor.offsetDelta = record.offsetDelta
    cursor.keyLength = record.keyLength
    cursor.valueLength = record.valueLength
    return true
  }
}

const nothing = Buffer.alloc(0)
const noPieces: PieceSource = { next: () => null, close: () => {} }

function refuseRest(rest: Buffer | null): void {
  if (rest !== null) throw miscounted('records still remaining in file')
}

function tooLong(bytes: number, max: number): ApiError {
  return new ApiError(
    'INVALID_RECORD',
    `Invalid record size: ${bytes} exceeds the configured maximum record size of ${max}.`,
  )
}

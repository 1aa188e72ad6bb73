import { assert } from '../base/assert.ts'
import { isAtHand, type Piece } from '../base/pieces.ts'
import { writeLastUuid } from './last-uuid.ts'
import type { UnknownTag } from './reader.ts'
import type { Pieces } from './schema.ts'

/** Size in bytes of the blocks shared by small writes; a larger frame gets its own block. */
const blockBytes = 64 * 1024
const blockBytesLeftMin = 512
/**
 * Maximum length of strings that are written byte by byte, because a native call costs more. Must
 * be below 127.
 */
const shortTextMax = 96

interface Block {
  readonly buffer: Buffer
  readonly view: DataView
  used: number
}

/** The block in which the next writer continues, so that a frame needs no allocation. */
let spare: Block | null = null

function newBlock(bytes: number): Block {
  const buffer = Buffer.allocUnsafeSlow(bytes)
  return { buffer, view: new DataView(buffer.buffer), used: 0 }
}

/**
 * Writes Kafka's primitive types. Record bytes are not copied: the result is a list of pieces, with
 * small fields in shared blocks and records by reference.
 */
export class Writer {
  private buffer: Buffer
  private view: DataView
  private block: Block
  private position: number
  /** Size of the block in bytes. */
  private end: number
  /** Start of the current piece. */
  private start: number
  private readonly pieces: Piece[] = []
  private piecesBytes = 0

  constructor() {
    this.block = spare ?? newBlock(blockBytes)
    spare = null
    this.buffer = this.block.buffer
    this.view = this.block.view
    this.end = this.buffer.byteLength
    this.position = this.start = this.block.used
  }

  /** Bytes written so far. */
  get length(): number {
    return this.piecesBytes + this.position - this.start
  }

  bool(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int8(value: number): void {
    if (this.position + 1 > this.end) this.grow(1)
    this.view.setInt8(this.position++, value)
  }

  int16(value: number): void {
    if (this.position + 2 > this.end) this.grow(2)
    this.view.setInt16(this.position, value)
    this.position += 2
  }

  uint16(value: number): void {
    this.int16(value)
  }

  int32(value: number): void {
    if (this.position + 4 > this.end) this.grow(4)
    this.view.setInt32(this.position, value)
    this.position += 4
  }

  uint32(value: number): void {
    this.int32(value)
  }

  int64(value: number): void {
    if (this.position + 8 > this.end) this.grow(8)
    if (value >= 0 && value <= 0x7fff_ffff) {
      this.view.setInt32(this.position, 0)
      this.view.setInt32(this.position + 4, value)
    } else if (value >= 0x8000_0000_0000_0000) {
      this.view.setInt32(this.position, 0x7fff_ffff)
      this.view.setInt32(this.position + 4, -1)
    } else {
      const high = Math.floor(value / 0x1_0000_0000)
      this.view.setInt32(this.position, high)
      this.view.setUint32(this.position + 4, value - high * 0x1_0000_0000)
    }
    this.position += 8
  }

  int64Exact(value: bigint): void {
    if (this.position + 8 > this.end) this.grow(8)
    this.view.setBigInt64(this.position, value)
    this.position += 8
  }

  float64(value: number): void {
    if (this.position + 8 > this.end) this.grow(8)
    this.view.setFloat64(this.position, value)
    this.position += 8
  }

  unsignedVarint(value: number): void {
    if (this.position + 5 > this.end) this.grow(5)
    let rest = value >>> 0
    while (rest >= 0x80) {
      this.buffer[this.position++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.buffer[this.position++] = rest
  }

  uuid(value: string): void {
    if (this.position + 16 > this.end) this.grow(16)
    if (!writeLastUuid(this.buffer, this.position, value)) {
      const written = this.buffer.write(value, this.position, 16, 'base64url')
      assert(written === 16, `not a uuid: ${value}`)
    }
    this.position += 16
  }

  string(value: string | null): void {
    if (value === null) return this.int16(-1)
    if (value.length <= shortTextMax && this.shortText(value, 2)) return
    const length = Buffer.byteLength(value)
    assert(length <= 0x7fff, `a string of ${length} bytes does not fit its two-byte length`)
    this.int16(length)
    this.text(value, length)
  }

  compactString(value: string | null): void {
    if (value === null) return this.unsignedVarint(0)
    if (value.length <= shortTextMax && this.shortText(value, 1)) return
    const length = Buffer.byteLength(value)
    this.unsignedVarint(length + 1)
    this.text(value, length)
  }

  bytes(value: Uint8Array | null): void {
    if (value === null) return this.int32(-1)
    this.int32(value.byteLength)
    this.raw(value)
  }

  compactBytes(value: Uint8Array | null): void {
    if (value === null) return this.unsignedVarint(0)
    this.unsignedVarint(value.byteLength + 1)
    this.raw(value)
  }

  records(value: Pieces | null): void {
    if (value === null) return this.int32(-1)
    this.int32(piecesLength(value))
    this.reference(value)
  }

  compactRecords(value: Pieces | null): void {
    if (value === null) return this.unsignedVarint(0)
    this.unsignedVarint(piecesLength(value) + 1)
    this.reference(value)
  }

  arrayLength(length: number): void {
    this.int32(length)
  }

  compactArrayLength(length: number): void {
    this.unsignedVarint(length + 1)
  }

  /** Copies bytes without a length. */
  raw(value: Uint8Array): void {
    if (this.position + value.byteLength > this.end) this.grow(value.byteLength)
    this.buffer.set(value, this.position)
    this.position += value.byteLength
  }

  /**
   * Writes one tagged field: its tag, its size and the content that `write` writes. The size is
   * known only afterwards, so the (small) content is moved to make room for its varint.
   */
  tagged(tag: number, write: () => void): void {
    this.unsignedVarint(tag)
    const before = this.length
    const pieces = this.pieces.length
    this.int8(0)
    write()
    assert(this.pieces.length === pieces, 'records do not stand in tagged fields')
    const size = this.length - before - 1
    const extra = size < 0x80 ? 0 : size < 0x4000 ? 1 : size < 0x20_0000 ? 2 : 3
    if (this.position + extra > this.end) this.grow(extra)
    const sizeAt = this.position - size - 1
    this.buffer.copyWithin(sizeAt + 1 + extra, sizeAt + 1, this.position)
    this.position = sizeAt
    this.unsignedVarint(size)
    this.position += size
  }

  unknownTag(field: UnknownTag): void {
    this.unsignedVarint(field.tag)
    this.unsignedVarint(field.bytes.byteLength)
    this.raw(field.bytes)
  }

  /** Reserves four bytes for the length at the start of a frame. */
  reserveLength(): void {
    assert(this.length === 0, 'a frame starts with its length')
    this.int32(0)
  }

  /**
   * Returns the pieces of the frame with its length set. The writer must not be used afterwards.
   */
  frame(): Piece[] {
    const length = this.length - 4
    const pieces = this.finish()
    const head = pieces[0] as Uint8Array
    head[0] = length >>> 24
    head[1] = length >>> 16
    head[2] = length >>> 8
    head[3] = length
    return pieces
  }

  /** Returns the pieces. The writer must not be used afterwards. */
  finish(): Piece[] {
    this.closePiece()
    this.block.used = this.position
    if (this.block.buffer.byteLength - this.position >= blockBytesLeftMin) spare = this.block
    return this.pieces
  }

  /** Returns all bytes in one buffer. The writer must not be used afterwards. */
  toBuffer(): Buffer {
    const pieces = this.finish()
    assert(pieces.every(isAtHand), 'only a response can be sent piece by piece')
    return Buffer.concat(pieces)
  }

  /**
   * Writes a short ASCII string and its length; returns false, without writing, if it is not ASCII.
   */
  private shortText(value: string, lengthBytes: 1 | 2): boolean {
    const { length } = value
    if (this.position + lengthBytes + length > this.end) this.grow(lengthBytes + length)
    const { buffer } = this
    let at = this.position + lengthBytes
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) return false
      buffer[at++] = code
    }
    if (lengthBytes === 1) buffer[this.position] = length + 1
    else {
      buffer[this.position] = 0
      buffer[this.position + 1] = length
    }
    this.position = at
    return true
  }

  private text(value: string, length: number): void {
    if (this.position + length > this.end) this.grow(length)
    this.buffer.write(value, this.position, length, 'utf8')
    this.position += length
  }

  private reference(value: Pieces): void {
    if (piecesLength(value) === 0) return
    this.closePiece()
    for (const piece of 'byteLength' in value ? [value] : value) {
      if (piece.byteLength === 0) continue
      this.pieces.push(piece)
      this.piecesBytes += piece.byteLength
    }
  }

  private closePiece(): void {
    if (this.position === this.start) return
    this.pieces.push(this.buffer.subarray(this.start, this.position))
    this.piecesBytes += this.position - this.start
    this.start = this.position
  }

  /** Moves the current piece to a block with space for it and `bytes` more. */
  private grow(bytes: number): void {
    const written = this.position - this.start
    const block = newBlock(Math.max(blockBytes, 2 * (written + bytes)))
    this.buffer.copy(block.buffer, 0, this.start, this.position)
    this.block = block
    this.buffer = block.buffer
    this.view = block.view
    this.end = block.buffer.byteLength
    this.start = 0
    this.position = written
  }
}

function piecesLength(value: Pieces): number {
  if ('byteLength' in value) return value.byteLength
  let length = 0
  for (const piece of value) length += piece.byteLength
  return length
}

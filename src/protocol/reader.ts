import { readUuid } from './last-uuid.ts'
import { Malformed } from './schema.ts'

/**
 * Maximum total number of array elements in one message. An element may take one byte on the wire
 * but fifty in memory, so a frame of `socket.request.max.bytes` could use up the memory. Kafka has
 * no such limit and runs out of memory. A request with every partition of a large cluster needs a
 * tenth of this.
 */
export const elementsMax = 4_000_000

/** Maximum string length in bytes in Kafka, also where the length field is wider. */
const stringBytesMax = 0x7fff

/** Reads Kafka's primitive types from one frame. Reading beyond its end throws `Malformed`. */
export class Reader {
  readonly buffer: Buffer
  /** Position of the next byte to read, relative to the frame. */
  position = 0
  private readonly end: number
  private elementsLeft = elementsMax

  constructor(buffer: Buffer) {
    this.buffer = buffer
    this.end = buffer.byteLength
  }

  get remaining(): number {
    return this.end - this.position
  }

  bool(): boolean {
    return this.int8() !== 0
  }

  int8(): number {
    return (this.uint8() << 24) >> 24
  }

  int16(): number {
    return (this.uint16() << 16) >> 16
  }

  uint16(): number {
    const at = this.advance(2)
    const { buffer } = this
    return (buffer[at]! << 8) | buffer[at + 1]!
  }

  int32(): number {
    const at = this.advance(4)
    const { buffer } = this
    return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!
  }

  uint32(): number {
    return this.int32() >>> 0
  }

  int64(): number {
    const high = this.int32()
    return high * 0x1_0000_0000 + this.uint32()
  }

  int64Exact(): bigint {
    return this.buffer.readBigInt64BE(this.advance(8))
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.advance(8))
  }

  /** @throws Malformed if it is longer than five bytes. */
  unsignedVarint(): number {
    const first = this.uint8()
    if (first < 0x80) return first
    let value = first & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = this.uint8()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    const last = this.uint8()
    if (last >= 0x80) throw new Malformed('a varint is longer than 5 bytes')
    return (value | (last << 28)) >>> 0
  }

  uuid(): string {
    return readUuid(this.buffer, this.advance(16))
  }

  /** Reads a length of two bytes and UTF-8; null for -1. */
  string(): string | null {
    return this.text(this.int16())
  }

  /** Reads a varint of length + 1 and UTF-8; null for 0. @throws Malformed above 32,767 bytes. */
  compactString(): string | null {
    const length = this.unsignedVarint() - 1
    if (length > stringBytesMax) throw new Malformed(`a string of ${length} bytes`)
    return this.text(length)
  }

  bytes(): Buffer | null {
    return this.slice(this.int32())
  }

  compactBytes(): Buffer | null {
    return this.slice(this.unsignedVarint() - 1)
  }

  /**
   * Reads the length of an array; -1 for null.
   *
   * @throws Malformed if it exceeds the remaining bytes.
   */
  arrayLength(): number {
    return this.checkedLength(this.int32())
  }

  compactArrayLength(): number {
    return this.checkedLength(this.unsignedVarint() - 1)
  }

  /** Keeps a tagged field that is unknown to this release, so that it can be written again. */
  unknownTag(known: UnknownTag[] | null, tag: number, size: number): UnknownTag[] {
    const start = this.advance(size)
    const tags = known ?? []
    tags.push({ tag, bytes: this.buffer.subarray(start, start + size) })
    return tags
  }

  /** Rejects a tag that exists only in other versions of the message. */
  refuseTag(tag: number, version: number): never {
    throw new Malformed(`Tag ${tag} is not valid for version ${version}`)
  }

  /** Rejects null in a non-nullable field. */
  nonNull<T>(value: T | null, field: string): T {
    if (value === null) throw new Malformed(`non-nullable field ${field} was serialized as null`)
    return value
  }

  private checkedLength(length: number): number {
    if (length > this.remaining) {
      throw new Malformed(`an array of ${length} elements in ${this.remaining} bytes`)
    }
    if (length > 0) this.elementsLeft -= length
    if (this.elementsLeft < 0) throw new Malformed(`more than ${elementsMax} elements in arrays`)
    return length
  }

  private text(length: number): string | null {
    if (length < 0) return null
    if (length === 0) return ''
    const start = this.advance(length)
    return this.buffer.toString('utf8', start, start + length)
  }

  private slice(length: number): Buffer | null {
    if (length < 0) return null
    const start = this.advance(length)
    return this.buffer.subarray(start, start + length)
  }

  private uint8(): number {
    const at = this.position
    if (at >= this.end) throw this.short(1)
    this.position = at + 1
    return this.buffer[at]!
  }

  private advance(length: number): number {
    const start = this.position
    if (length > this.end - start) throw this.short(length)
    this.position = start + length
    return start
  }

  private short(length: number): Malformed {
    return new Malformed(`a field of ${length} bytes with ${this.remaining} left`)
  }
}

/** A tagged field of a newer release, kept without parsing. */
export interface UnknownTag {
  readonly tag: number
  readonly bytes: Uint8Array
}

/** Key of the property with a value's unknown tagged fields. */
export const unknownTags = Symbol('unknown tagged fields')

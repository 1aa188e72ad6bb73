import { Malformed } from './schema.ts'

/**
 * What the arrays of one message may hold, all told. An element may take one byte on the wire and
 * fifty in memory, so a frame of `socket.request.max.bytes` could take all that there is. Kafka has
 * no such limit: it runs out of memory. A request that names every partition of a large cluster
 * needs a tenth of this.
 */
export const elementsMax = 4_000_000

/** The longest string that Kafka reads or writes, whatever the width of its length. */
const stringBytesMax = 0x7fff

/** Reads Kafka's primitives from one frame. Going past its end is a `Malformed`, never a crash. */
export class Reader {
  readonly buffer: Buffer
  /** The next byte to read, relative to the frame. */
  position = 0
  private readonly view: DataView
  private elementsLeft = elementsMax

  constructor(buffer: Buffer) {
    this.buffer = buffer
    // Exactly the frame: a read past its end is a RangeError of the engine, which costs no check.
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
  }

  get remaining(): number {
    return this.buffer.byteLength - this.position
  }

  bool(): boolean {
    return this.view.getInt8(this.position++) !== 0
  }

  int8(): number {
    return this.view.getInt8(this.position++)
  }

  int16(): number {
    const value = this.view.getInt16(this.position)
    this.position += 2
    return value
  }

  uint16(): number {
    const value = this.view.getUint16(this.position)
    this.position += 2
    return value
  }

  int32(): number {
    const value = this.view.getInt32(this.position)
    this.position += 4
    return value
  }

  uint32(): number {
    const value = this.view.getUint32(this.position)
    this.position += 4
    return value
  }

  int64(): number {
    const high = this.view.getInt32(this.position)
    const low = this.view.getUint32(this.position + 4)
    this.position += 8
    return high * 0x1_0000_0000 + low
  }

  int64Exact(): bigint {
    const value = this.view.getBigInt64(this.position)
    this.position += 8
    return value
  }

  float64(): number {
    const value = this.view.getFloat64(this.position)
    this.position += 8
    return value
  }

  /** @throws Malformed when it is longer than five bytes. */
  unsignedVarint(): number {
    const first = this.view.getUint8(this.position++)
    if (first < 0x80) return first
    let value = first & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = this.view.getUint8(this.position++)
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    const last = this.view.getUint8(this.position++)
    if (last >= 0x80) throw new Malformed('a varint is longer than 5 bytes')
    return (value | (last << 28)) >>> 0
  }

  uuid(): string {
    const start = this.advance(16)
    return this.buffer.toString('base64url', start, start + 16)
  }

  /** Two bytes of length, then UTF-8; null for -1. */
  string(): string | null {
    return this.text(this.int16())
  }

  /** A varint of length + 1, then UTF-8; null for 0. @throws Malformed above 32,767 bytes, as Kafka. */
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

  /** -1 for null. @throws Malformed when there are fewer bytes left than elements. */
  arrayLength(): number {
    return this.checkedLength(this.int32())
  }

  compactArrayLength(): number {
    return this.checkedLength(this.unsignedVarint() - 1)
  }

  /** Keeps a tagged field that this release does not know, so that it can be written again. */
  unknownTag(known: UnknownTag[] | null, tag: number, size: number): UnknownTag[] {
    const start = this.advance(size)
    const tags = known ?? []
    tags.push({ tag, bytes: this.buffer.subarray(start, start + size) })
    return tags
  }

  /** For a tag that only other versions of the message have. */
  refuseTag(tag: number, version: number): never {
    throw new Malformed(`Tag ${tag} is not valid for version ${version}`)
  }

  /** For a field that may not be null. */
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

  private advance(length: number): number {
    const start = this.position
    if (length > this.buffer.byteLength - start) {
      throw new Malformed(`a field of ${length} bytes with ${this.buffer.byteLength - start} left`)
    }
    this.position = start + length
    return start
  }
}

/** A tagged field of a newer release, carried through unread. */
export interface UnknownTag {
  readonly tag: number
  readonly bytes: Uint8Array
}

/** Where a value carries the tagged fields that this release does not know. */
export const unknownTags = Symbol('unknown tagged fields')

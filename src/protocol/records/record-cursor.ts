import { ApiError } from '../errors.ts'
import type { RecordHeader } from './record-types.ts'

/**
 * Iterates over the records of a decompressed payload without allocating: after `next` the fields
 * have the positions of the record's parts; `key`, `value` and `headers` create views on demand.
 */
export class RecordCursor {
  private bytes: Buffer
  offsetDelta = 0
  timestampDelta = 0
  /** -1 for a null key. */
  keyLength = -1
  /** -1 for a null value: a tombstone. */
  valueLength = -1
  /** Start of the current record, including its length field, and start of the next one. */
  start = 0
  end = 0
  private keyAt = 0
  private valueAt = 0
  private headersAt = 0
  private at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** Continues with other bytes; the fields of the current record are kept. */
  reset(bytes: Buffer): void {
    this.bytes = bytes
    this.start = 0
    this.end = 0
  }

  /** Returns the bytes behind the current record. */
  rest(): Buffer {
    return this.end === this.bytes.length ? nothing : this.bytes.subarray(this.end)
  }

  /** Returns the bytes behind the length field of the next record, which must be complete. */
  restBehindLength(): Buffer {
    this.at = this.end
    this.varint()
    return this.bytes.subarray(this.at)
  }

  /**
   * Moves to the next record if it is complete and not longer than `bytesMax`.
   *
   * @returns -1 if it has moved; otherwise the stated length of the record, 0 if that is truncated.
   * @throws as `next`
   */
  tryNext(bytesMax: number): number {
    const { bytes, end: start } = this
    const { length } = bytes
    // Avoids reading beyond the end, which would make all later reads slower.
    if (start >= length) return 0
    let at = start + 1
    let byte = bytes[start]!
    let size = byte & 0x7f
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 28) throw malformed('a varint of more than five bytes')
      if (at >= length) return 0
      byte = bytes[at++]!
      size |= (byte & 0x7f) << shift
    }
    size = (size >>> 1) ^ -(size & 1)
    if (size > bytesMax || at + size > length) return size
    this.start = start
    if (!this.readShort(at, at + size)) this.read(at, size)
    return -1
  }

  get atEnd(): boolean {
    return this.end >= this.bytes.length
  }

  /**
   * Moves to the next record and checks that its parts fill exactly its stated length.
   *
   * @throws ApiError INVALID_RECORD, as in Kafka, if a record cannot be parsed.
   */
  next(): void {
    this.start = this.end
    this.at = this.start
    const size = this.varint()
    this.read(this.at, size)
  }

  /**
   * Parses the most common records: numbers of one or two bytes and no headers. Inlined, because
   * calls would double the time per record.
   *
   * @returns false for any other record, valid or not, which `read` must parse.
   */
  private readShort(start: number, end: number): boolean {
    const { bytes } = this
    let at = start + 1
    let byte = bytes[at++]!
    let coded = byte & 0x7f
    if (byte >= 0x80) {
      if ((byte = bytes[at++]!) >= 0x80) return false
      coded |= byte << 7
    }
    this.timestampDelta = (coded >>> 1) ^ -(coded & 1)
    coded = (byte = bytes[at++]!) & 0x7f
    if (byte >= 0x80) {
      if ((byte = bytes[at++]!) >= 0x80) return false
      coded |= byte << 7
    }
    this.offsetDelta = (coded >>> 1) ^ -(coded & 1)
    coded = (byte = bytes[at++]!) & 0x7f
    if (byte >= 0x80) {
      if ((byte = bytes[at++]!) >= 0x80) return false
      coded |= byte << 7
    }
    const keyLength = (coded >>> 1) ^ -(coded & 1)
    this.keyLength = keyLength
    this.keyAt = at
    if (keyLength > 0) at += keyLength
    if (at >= end) return false
    coded = (byte = bytes[at++]!) & 0x7f
    if (byte >= 0x80) {
      if ((byte = bytes[at++]!) >= 0x80) return false
      coded |= byte << 7
    }
    const valueLength = (coded >>> 1) ^ -(coded & 1)
    this.valueLength = valueLength
    this.valueAt = at
    if (valueLength > 0) at += valueLength
    if (at !== end - 1 || bytes[at] !== 0) return false
    this.headersAt = at
    this.end = end
    return true
  }

  private read(start: number, size: number): void {
    const end = start + size
    if (size < 0 || end > this.bytes.length) throw malformed(`a record claims ${size} bytes`)
    this.end = end
    this.at = start + 1 // The attributes of the record are unused.
    this.timestampDelta = this.varlong()
    this.offsetDelta = this.varint()
    this.keyLength = this.varint()
    this.keyAt = this.skip(this.keyLength)
    this.valueLength = this.varint()
    this.valueAt = this.skip(this.valueLength)
    this.headersAt = this.at
    const headers = this.varint()
    if (headers < 0 || headers > end - this.at)
      throw malformed(`a record claims ${headers} headers`)
    for (let i = 0; i < headers; i++) {
      const keyLength = this.varint()
      if (keyLength < 0) throw malformed('a header without a key')
      this.skip(keyLength)
      this.skip(this.varint())
    }
    if (this.at !== end) throw malformed(`a record of ${size} bytes ends after ${this.at - end}`)
  }

  key(): Buffer | null {
    return this.keyLength < 0 ? null : this.view(this.keyAt, this.keyLength)
  }

  value(): Buffer | null {
    return this.valueLength < 0 ? null : this.view(this.valueAt, this.valueLength)
  }

  headers(): RecordHeader[] {
    this.at = this.headersAt
    const count = this.varint()
    const headers: RecordHeader[] = []
    for (let i = 0; i < count; i++) {
      const keyLength = this.varint()
      const key = this.bytes.toString('utf8', this.at, this.at + keyLength)
      this.at += keyLength
      const valueLength = this.varint()
      headers.push({ key, value: valueLength < 0 ? null : this.view(this.at, valueLength) })
      this.at += Math.max(valueLength, 0)
    }
    return headers
  }

  /** Returns the bytes of the record with its length field, for the cleaner to copy to a batch. */
  raw(): Buffer {
    return this.bytes.subarray(this.start, this.end)
  }

  private view(from: number, length: number): Buffer {
    return this.bytes.subarray(from, from + length)
  }

  /** Skips `length` bytes (none if negative, which means null) and returns their start. */
  private skip(length: number): number {
    const from = this.at
    if (length > 0) this.at += length
    if (this.at > this.end) throw malformed('a field reaches beyond its record')
    return from
  }

  /** Reads a zigzag-encoded int32 of at most five bytes. */
  private varint(): number {
    const { bytes } = this
    let byte = bytes[this.at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 0x7f
    for (let shift = 7; shift <= 28; shift += 7) {
      // Undefined beyond the end: never below 0x80, so it is rejected by the throw.
      byte = bytes[this.at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw malformed('a varint of more than five bytes')
  }

  /** Reads a zigzag-encoded int64 of at most ten bytes as a number: exact up to ±2^53. */
  private varlong(): number {
    const { bytes } = this
    let byte = bytes[this.at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    // The lowest bit is the sign; the rest is added up as a number, because shifts have 32 bits.
    const negative = (byte & 1) === 1
    let magnitude = (byte & 0x7f) >>> 1
    let unit = 64
    for (let i = 1; i < 10; i++) {
      byte = bytes[this.at++]!
      magnitude += (byte & 0x7f) * unit
      if (byte < 0x80) return negative ? -magnitude - 1 : magnitude
      unit *= 128
    }
    throw malformed('a varlong of more than ten bytes')
  }
}

const nothing = Buffer.alloc(0)

function malformed(what: string): ApiError {
  return new ApiError('INVALID_RECORD', `Found invalid record structure: ${what}.`)
}

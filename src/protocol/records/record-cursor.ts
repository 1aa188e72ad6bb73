import { Refusal } from '../errors.ts'
import type { RecordHeader } from './record.ts'

/**
 * Walks the records of a decompressed payload without allocating: after `next` the fields say where
 * the record's parts stand, and `key`, `value` and `headers` are views made on demand.
 */
export class RecordCursor {
  readonly bytes: Buffer
  offsetDelta = 0
  timestampDelta = 0
  /** -1 for a null key. */
  keyLength = -1
  /** -1 for a null value: a tombstone. */
  valueLength = -1
  /** Where the current record starts, its length field included, and where the next one does. */
  start = 0
  end = 0
  private keyAt = 0
  private valueAt = 0
  private headersAt = 0
  private at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get atEnd(): boolean {
    return this.end >= this.bytes.length
  }

  /**
   * Moves to the next record and checks that its parts fill exactly the bytes that it claims.
   *
   * @throws Refusal INVALID_RECORD as Kafka answers when a record does not parse.
   */
  next(): void {
    this.start = this.end
    this.at = this.start
    const size = this.varint()
    const end = this.at + size
    if (size < 0 || end > this.bytes.length) throw malformed(`a record claims ${size} bytes`)
    this.end = end
    this.at++ // The record's own attributes: unused.
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

  /** The record's bytes, length field included: what the cleaner copies into a new batch. */
  raw(): Buffer {
    return this.bytes.subarray(this.start, this.end)
  }

  private view(from: number, length: number): Buffer {
    return this.bytes.subarray(from, from + length)
  }

  /** Steps over `length` bytes (none if negative: null) and says where they start. */
  private skip(length: number): number {
    const from = this.at
    if (length > 0) this.at += length
    if (this.at > this.end) throw malformed('a field reaches beyond its record')
    return from
  }

  /** A zigzag-coded int32 of at most five bytes. */
  private varint(): number {
    const { bytes } = this
    let byte = bytes[this.at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 0x7f
    for (let shift = 7; shift <= 28; shift += 7) {
      byte = bytes[this.at++]! // undefined beyond the end: not below 0x80, so refused at the last
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw malformed('a varint of more than five bytes')
  }

  /** A zigzag-coded int64 of at most ten bytes, as a number: exact to +-2^53. */
  private varlong(): number {
    const { bytes } = this
    let byte = bytes[this.at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    // The lowest bit is the sign; the rest is gathered as a number, for shifts end at 32 bits.
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

function malformed(what: string): Refusal {
  return new Refusal('INVALID_RECORD', `Found invalid record structure: ${what}.`)
}

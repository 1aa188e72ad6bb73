import { ApiError } from '../errors.ts'

/** The next numeric part of a record. */
type Part =
  | 'attributes'
  | 'timestamp'
  | 'offset'
  | 'key'
  | 'value'
  | 'headers'
  | 'headerKey'
  | 'headerValue'
  | 'end'

const malformed = (what: string) =>
  new ApiError('INVALID_RECORD', `Found invalid record structure: ${what}.`)

/**
 * Parses one record that is too long for memory while its bytes arrive: keeps what a broker needs
 * of it and skips key, value and headers. Like a short record, it must fill exactly its stated
 * length.
 */
export class LongRecord {
  timestampDelta = 0
  offsetDelta = 0
  keyLength = -1
  valueLength = -1
  /** Bytes of the record that have not arrived yet. */
  private left: number
  private part: Part = 'attributes'
  /** Bytes of a key or a value still to be skipped. */
  private skipping = 0
  private headersLeft = 0
  /** The varint that is being read: its bytes so far, and their sum before zigzag decoding. */
  private digits = 0
  private sum = 0
  private unit = 1

  /** @param bytes the stated length of the record, without the length field. */
  constructor(bytes: number) {
    this.left = bytes
  }

  /**
   * Continues the record in `bytes` at `from`.
   *
   * @returns where the record ends in them, or -1 if it continues.
   * @throws ApiError INVALID_RECORD
   */
  read(bytes: Buffer, from: number): number {
    let at = from
    const end = Math.min(bytes.length, from + this.left)
    while (at < end) {
      if (this.skipping > 0) {
        const step = Math.min(this.skipping, end - at)
        this.skipping -= step
        at += step
      } else this.byte(bytes[at++]!)
    }
    this.left -= at - from
    if (this.left > 0) return -1
    if (this.part !== 'end' || this.skipping > 0)
      throw malformed('a field reaches beyond its record')
    return at
  }

  private byte(byte: number): void {
    if (this.part === 'attributes') {
      this.part = 'timestamp'
      return
    }
    if (this.part === 'end') throw malformed('bytes are left behind the headers')
    const digitsMax = this.part === 'timestamp' ? 10 : 5
    this.sum += (byte & 0x7f) * this.unit
    this.unit *= 128
    this.digits++
    if (byte >= 0x80) {
      if (this.digits >= digitsMax) throw malformed(`a number of more than ${digitsMax} bytes`)
      return
    }
    const whole = this.sum
    this.sum = 0
    this.unit = 1
    this.digits = 0
    this.number(whole % 2 === 0 ? whole / 2 : -(whole + 1) / 2)
  }

  private number(value: number): void {
    switch (this.part) {
      case 'timestamp':
        this.timestampDelta = value
        this.part = 'offset'
        return
      case 'offset':
        this.offsetDelta = value
        this.part = 'key'
        return
      case 'key':
        this.keyLength = value
        this.skip(value, 'value')
        return
      case 'value':
        this.valueLength = value
        this.skip(value, 'headers')
        return
      case 'headers':
        if (value < 0 || value > this.left) throw malformed(`a record claims ${value} headers`)
        this.headersLeft = value
        this.part = value === 0 ? 'end' : 'headerKey'
        return
      case 'headerKey':
        if (value < 0) throw malformed('a header without a key')
        this.skip(value, 'headerValue')
        return
      default:
        this.headersLeft--
        this.skip(value, this.headersLeft === 0 ? 'end' : 'headerKey')
    }
  }

  private skip(bytes: number, next: Part): void {
    this.skipping = Math.max(0, bytes)
    this.part = next
  }
}

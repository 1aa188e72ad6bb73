import type { RecordToWrite } from './record-types.ts'

const initialBytes = 512

/** Writes records to a growing buffer. */
export class RecordWriter {
  private bytes: Buffer
  private at: number

  /** @param reserved bytes to reserve at the start for a batch header. */
  constructor(reserved: number) {
    // From Node's pool: a separate buffer costs ten times as much as writing a small record.
    this.bytes = Buffer.allocUnsafe(reserved + initialBytes)
    this.at = reserved
  }

  /** Bytes written so far, including the reserved ones. */
  get length(): number {
    return this.at
  }

  record(offsetDelta: number, timestampDelta: number, record: RecordToWrite): void {
    const { key, value, headers = [] } = record
    const keys = headers.map((header) => Buffer.from(header.key))
    let size = 1 + varlongBytes(timestampDelta) + varintBytes(offsetDelta)
    size += fieldBytes(key) + fieldBytes(value) + varintBytes(headers.length)
    headers.forEach((header, i) => {
      size += fieldBytes(keys[i]!) + fieldBytes(header.value)
    })
    this.reserve(varintBytes(size) + size)
    this.varint(size)
    this.bytes[this.at++] = 0
    this.varlong(timestampDelta)
    this.varint(offsetDelta)
    this.field(key)
    this.field(value)
    this.varint(headers.length)
    headers.forEach((header, i) => {
      this.field(keys[i]!)
      this.field(header.value)
    })
  }

  /** Copies the bytes of a record from a batch with the same base offset and timestamp. */
  raw(record: Uint8Array): void {
    this.reserve(record.length)
    this.bytes.set(record, this.at)
    this.at += record.length
  }

  /** Returns the written bytes; the writer must not be used afterwards. */
  take(): Buffer {
    return this.bytes.subarray(0, this.at)
  }

  private field(field: Uint8Array | null): void {
    if (field === null) {
      this.varint(-1)
      return
    }
    this.varint(field.length)
    this.bytes.set(field, this.at)
    this.at += field.length
  }

  private varint(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    while (rest > 0x7f) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.at++] = rest
  }

  private varlong(value: number): void {
    let rest = zigzag(value)
    while (rest > 0x7f) {
      this.bytes[this.at++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    this.bytes[this.at++] = rest
  }

  private reserve(more: number): void {
    const needed = this.at + more
    if (needed <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.at)
    this.bytes = grown
  }
}

const zigzag = (value: number) => (value >= 0 ? value * 2 : -value * 2 - 1)

function varintBytes(value: number): number {
  return varlongBytes(value)
}

function varlongBytes(value: number): number {
  let rest = zigzag(value)
  let bytes = 1
  while (rest > 0x7f) {
    rest = Math.floor(rest / 128)
    bytes++
  }
  return bytes
}

function fieldBytes(field: Uint8Array | null): number {
  return field === null ? 1 : varintBytes(field.length) + field.length
}

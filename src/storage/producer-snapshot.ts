import { crc32c } from '../base/crc32c.ts'
import { decodeData, encodeData } from '../protocol/codec.ts'
import { Reader } from '../protocol/reader.ts'
import type { ValueOf } from '../protocol/schema.ts'
import { producerSnapshot } from '../protocol/stored/storage/producer-snapshot.ts'

export type ProducerEntry = ValueOf<typeof producerSnapshot>['producerEntries'][number]

const version = 1
/** Length in bytes of version and checksum; the checksum covers the bytes behind them. */
const crcEnd = 6

/** Encodes the content of a `.snapshot` file. */
export function encodeSnapshot(producerEntries: readonly ProducerEntry[]): Buffer {
  const body = encodeData(producerSnapshot, version, { crc: 0, producerEntries })
  const bytes = Buffer.allocUnsafe(2 + body.length)
  bytes.writeInt16BE(version)
  body.copy(bytes, 2)
  bytes.writeUInt32BE(crc32c(bytes.subarray(crcEnd)), 2)
  return bytes
}

/** Decodes a `.snapshot` file; returns null if it is damaged or of another version. */
export function decodeSnapshot(bytes: Buffer): readonly ProducerEntry[] | null {
  if (bytes.length < crcEnd || bytes.readInt16BE(0) !== version) return null
  if (bytes.readUInt32BE(2) !== crc32c(bytes.subarray(crcEnd))) return null
  const reader = new Reader(bytes.subarray(2))
  return decodeData(producerSnapshot, version, reader).producerEntries
}

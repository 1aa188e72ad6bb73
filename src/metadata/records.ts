import { codecOf, decodeData } from '../protocol/codec.ts'
import { Reader } from '../protocol/reader.ts'
import { type AnyData, type Data, type Draft, type Fields, Malformed } from '../protocol/schema.ts'
import { stored } from '../protocol/stored/index.ts'
import { Writer } from '../protocol/writer.ts'

/** One record of `__cluster_metadata`: its layout, version, and value with defaults filled in. */
export interface MetadataRecord<F extends Fields = Fields> {
  readonly of: Data<F>
  readonly version: number
  readonly value: Draft<F>
}

const frameVersion = 1
const byKey = new Map<number, AnyData>(stored.metadata!.map((of) => [of.key!, of]))

/** Returns a record in the newest version that metadata.version 33 (4.4) writes. */
export function metadataRecord<F extends Fields>(
  of: Data<F>,
  value: Draft<F>,
  version = of.versions[1],
): MetadataRecord<F> {
  return { of, version, value }
}

/** Encodes a record: frame version, type and version as varints, then the fields. */
export function encodeMetadataRecord({ of, version, value }: MetadataRecord): Buffer {
  const writer = new Writer()
  writer.unsignedVarint(frameVersion)
  writer.unsignedVarint(of.key!)
  writer.unsignedVarint(version)
  codecOf(of.fields, version, of.flexible).write(writer, value)
  return writer.toBuffer()
}

/** @throws Malformed for a record type or version that Kafka 4.4.0 does not know. */
export function decodeMetadataRecord(bytes: Buffer): MetadataRecord {
  const reader = new Reader(bytes)
  const frame = reader.unsignedVarint()
  if (frame !== frameVersion) throw new Malformed(`metadata record frame version ${frame}`)
  const key = reader.unsignedVarint()
  const version = reader.unsignedVarint()
  const of = byKey.get(key)
  if (of === undefined) throw new Malformed(`metadata record type ${key}`)
  if (version < of.versions[0] || version > of.versions[1]) {
    throw new Malformed(`metadata record ${of.name} version ${version}`)
  }
  return { of, version, value: decodeData(of, version, reader) }
}

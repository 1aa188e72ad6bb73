import { decodeData } from '../../protocol/codec.ts'
import { errorName } from '../../protocol/errors.ts'
import { Reader } from '../../protocol/reader.ts'
import { Batch, batchesIn, codecs } from '../../protocol/records/batch.ts'
import { controlTypes } from '../../protocol/records/control.ts'
import { type KafkaRecord, readRecords } from '../../protocol/records/record.ts'
import { type AnyData, type AnyType, type Fields, Malformed } from '../../protocol/schema.ts'
import { kRaftVersionRecord } from '../../protocol/stored/raft/k-raft-version-record.ts'
import { leaderChangeMessage } from '../../protocol/stored/raft/leader-change-message.ts'
import { snapshotFooterRecord } from '../../protocol/stored/raft/snapshot-footer-record.ts'
import { snapshotHeaderRecord } from '../../protocol/stored/raft/snapshot-header-record.ts'
import { votersRecord } from '../../protocol/stored/raft/voters-record.ts'
import { endTxnMarker } from '../../protocol/stored/storage/end-txn-marker.ts'
import { embeddedIn } from './embedded.ts'

/** A decoded value, printed as text or with `--json`. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [k: string]: Json }

/** Returns bytes as a string if they are printable text, else as `{ hex }`. */
export function bytesToJson(bytes: Uint8Array | null): Json {
  if (bytes === null) return null
  const text = Buffer.from(bytes).toString('utf8')
  const isText = Buffer.from(text).equals(bytes) && !/[^\P{C}\n\t]/u.test(text)
  return isText ? text : { hex: Buffer.from(bytes).toString('hex') }
}

/** Returns the fields of the version, under Kafka's names; records as batches. */
export async function toJson(
  fields: Fields,
  version: number,
  value: Readonly<Record<string, unknown>>,
): Promise<Json> {
  const json: Record<string, Json> = {}
  for (const [name, type] of Object.entries(fields)) {
    const { since, until } = type.traits
    if (version < since || version > until) continue
    json[name] = await fieldToJson(name, type, version, value[name])
    const error = name === 'errorCode' && value[name] !== 0 ? nameOf(value[name] as number) : null
    if (error !== null) json.error = error
  }
  return json
}

function nameOf(code: number): string | null {
  try {
    return errorName(code)
  } catch {
    return null
  }
}

async function fieldToJson(
  name: string,
  type: AnyType,
  version: number,
  value: unknown,
): Promise<Json> {
  const { kind, element, fields } = type.traits
  if (value === null || value === undefined) return null
  if (kind === 'array') {
    const all: Json[] = []
    for (const one of value as unknown[]) all.push(await fieldToJson(name, element!, version, one))
    return all
  }
  if (kind === 'struct') return toJson(fields!, version, value as Record<string, unknown>)
  if (kind === 'bytes') {
    const embedded = embeddedIn(name, value as Buffer)
    if (embedded === null) return bytesToJson(value as Buffer)
    return toJson(embedded.of.fields, embedded.version, embedded.value)
  }
  if (kind === 'records') return batchesToJson(value as Buffer)
  return kind === 'int64Exact' ? String(value) : (value as string | number | boolean)
}

/** Decodes a record's `key` and `value`, which may have their own schema. */
export type RecordReader = (record: KafkaRecord) => Promise<{ key: Json; value: Json }>

const plainRecord: RecordReader = async ({ key, value }) => ({
  key: bytesToJson(key),
  value: bytesToJson(value),
})

/** Returns all batches with their records, and the bytes left after the last complete batch. */
export async function batchesToJson(
  bytes: Buffer,
  readRecord: RecordReader = plainRecord,
): Promise<Json> {
  const all: Json[] = []
  let end = 0
  for (const batch of batchesIn(bytes)) {
    all.push(await batchToJson(batch, readRecord))
    end = batch.end
  }
  if (end < bytes.length) all.push({ bytesLeft: bytes.length - end })
  return all
}

/** Falls back to the bytes of an unreadable record: of a later release, or not written by Kafka. */
export async function orBytes(
  bytes: Buffer | null,
  read: (bytes: Buffer) => Promise<Json>,
): Promise<Json> {
  if (bytes === null) return null
  try {
    return await read(bytes)
  } catch (error) {
    if (!(error instanceof Malformed || error instanceof RangeError)) throw error
    return bytesToJson(bytes)
  }
}

const codecNames = Object.keys(codecs)
const controlNames = Object.keys(controlTypes)

/** Values of control records, each with its version in its first field. */
const controlLayouts: ReadonlyMap<number, AnyData> = new Map<number, AnyData>([
  [controlTypes.leaderChange, leaderChangeMessage],
  [controlTypes.snapshotHeader, snapshotHeaderRecord],
  [controlTypes.snapshotFooter, snapshotFooterRecord],
  [controlTypes.kraftVersion, kRaftVersionRecord],
  [controlTypes.kraftVoters, votersRecord],
])

async function controlToJson(type: number, value: Buffer): Promise<Json> {
  const isMarker = type === controlTypes.commit || type === controlTypes.abort
  const of = isMarker ? endTxnMarker : controlLayouts.get(type)
  const version = value.readInt16BE(0)
  if (of === undefined || version < of.versions[0] || version > of.versions[1]) {
    return bytesToJson(value)
  }
  const data = decodeData(of, version, new Reader(isMarker ? value.subarray(2) : value))
  return toJson(of.fields, version, data)
}

/** Returns a batch header, with the field names of `kafka-dump-log`, and its records. */
export async function batchToJson(
  batch: Batch,
  readRecord: RecordReader = plainRecord,
): Promise<Json> {
  if (batch.magic !== 2 || !batch.isIntact()) {
    return { magic: batch.magic, size: batch.sizeBytes, isvalid: false }
  }
  const header = {
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    count: batch.recordCount,
    baseSequence: batch.baseSequence,
    lastSequence: batch.lastSequence,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    partitionLeaderEpoch: batch.leaderEpoch,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    maxTimestamp: batch.maxTimestamp,
    size: batch.sizeBytes,
    compresscodec: codecNames[batch.codec] ?? batch.codec,
    crc: batch.crc,
  }
  try {
    const records: Json[] = []
    for (const record of await readRecords(new Batch(batch.bytes, batch.start))) {
      records.push(await recordToJson(record, batch, readRecord))
    }
    return { ...header, records }
  } catch (error) {
    return { ...header, problem: (error as Error).message }
  }
}

async function recordToJson(
  record: KafkaRecord,
  batch: Batch,
  readRecord: RecordReader,
): Promise<Json> {
  const { offset, timestampMs, headers } = record
  const start = { offset, timestamp: timestampMs }
  if (batch.isControl) {
    const code = record.key === null || record.key.length < 4 ? null : record.key.readInt16BE(2)
    if (code === null) return { ...start, control: null, value: bytesToJson(record.value) }
    const value = await orBytes(record.value, (bytes) => controlToJson(code, bytes))
    return { ...start, control: controlNames[code] ?? code, value }
  }
  return {
    ...start,
    ...(await readRecord(record)),
    headers: headers.map(({ key, value }) => ({ key, value: bytesToJson(value) })),
  }
}

import { basename, dirname } from 'node:path'
import { decodeMetadataRecord } from '../../metadata/records.ts'
import { decodeData } from '../../protocol/codec.ts'
import { Reader } from '../../protocol/reader.ts'
import type { KafkaRecord } from '../../protocol/records/record.ts'
import type { AnyData } from '../../protocol/schema.ts'
import { stored } from '../../protocol/stored/index.ts'
import { bytesToJson, type Json, orBytes, type RecordReader, toJson } from './describe.ts'

/** Returns the record reader for an internal topic's log, or null for other topics. */
export function recordReaderOf(path: string): RecordReader | null {
  const topic = basename(dirname(path)).replace(/-\d+$/, '')
  if (topic === '__cluster_metadata') return readMetadata
  if (topic === '__consumer_offsets') return readKeyed(stored.group!)
  if (topic === '__transaction_state') return readKeyed(stored.transaction!)
  if (topic === '__share_group_state') return readKeyed(stored.share!)
  return null
}

async function named({ name, fields }: AnyData, version: number, value: object): Promise<Json> {
  return { type: name, version, data: await toJson(fields, version, value as never) }
}

/** Reads records of `__cluster_metadata`. */
export const readMetadata: RecordReader = async ({ key, value }) => ({
  key: bytesToJson(key),
  value: await orBytes(value, async (bytes) => {
    const { of, version, value: data } = decodeMetadataRecord(bytes)
    return named(of, version, data)
  }),
})

/** Reads coordinator records: two bytes of type before the key, two of version before the value. */
function readKeyed(all: readonly AnyData[]): RecordReader {
  const typed = (suffix: string, type: number) =>
    all.find(({ key, name }) => key === type && name.endsWith(suffix))
  return async ({ key, value }: KafkaRecord) => {
    const type = key !== null && key.length >= 2 ? key.readInt16BE(0) : -1
    const [ofKey, ofValue] = [typed('Key', type), typed('Value', type)]
    return {
      key: await orBytes(key, async (bytes) => {
        if (ofKey === undefined) return bytesToJson(bytes)
        return named(ofKey, 0, decodeData(ofKey, 0, new Reader(bytes.subarray(2))))
      }),
      value: await orBytes(value, async (bytes) => {
        const version = bytes.readInt16BE(0)
        const [least, most] = ofValue?.versions ?? [0, -1]
        if (ofValue === undefined || version < least || version > most) return bytesToJson(bytes)
        return named(ofValue, version, decodeData(ofValue, version, new Reader(bytes.subarray(2))))
      }),
    }
  }
}

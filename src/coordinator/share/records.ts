import { decodeData, encodeData } from '../../protocol/codec.ts'
import { Reader } from '../../protocol/reader.ts'
import {
  type ShareSnapshotValue,
  shareSnapshotKey,
  shareSnapshotValue,
} from '../../protocol/stored/share/00-share-snapshot.ts'
import {
  type ShareUpdateValue,
  shareUpdateKey,
  shareUpdateValue,
} from '../../protocol/stored/share/01-share-update.ts'
import type { KeyValue } from '../coordinator-log.ts'
import { withVersion } from '../versioned.ts'
import type { ShareKey } from './share-key.ts'

/**
 * A record of `__share_group_state`: the whole state of a share partition (null: a tombstone), or
 * what has changed since.
 */
export type ShareRecord =
  | { readonly type: 'snapshot'; readonly key: ShareKey; readonly value: ShareSnapshotValue | null }
  | { readonly type: 'update'; readonly key: ShareKey; readonly value: ShareUpdateValue }

/** The version of both values. */
const valueVersion = 0

export function toKeyValue({ type, key, value }: ShareRecord): KeyValue {
  if (type === 'update') {
    return {
      key: withVersion(shareUpdateKey.key!, encodeData(shareUpdateKey, 0, key)),
      value: withVersion(valueVersion, encodeData(shareUpdateValue, valueVersion, value)),
    }
  }
  return {
    key: withVersion(shareSnapshotKey.key!, encodeData(shareSnapshotKey, 0, key)),
    value:
      value === null
        ? null
        : withVersion(valueVersion, encodeData(shareSnapshotValue, valueVersion, value)),
  }
}

/**
 * Decodes a record; returns null for a record of an unknown type.
 *
 * @throws Malformed when the bytes do not follow the layout.
 */
export function fromKeyValue({ key, value }: KeyValue): ShareRecord | null {
  const body = new Reader(key.subarray(2))
  const content = value === null ? null : new Reader(value.subarray(2))
  switch (key.readInt16BE(0)) {
    case shareSnapshotKey.key:
      return {
        type: 'snapshot',
        key: decodeData(shareSnapshotKey, 0, body),
        value: content && decodeData(shareSnapshotValue, valueVersion, content),
      }
    case shareUpdateKey.key:
      if (content === null) return null
      return {
        type: 'update',
        key: decodeData(shareUpdateKey, 0, body),
        value: decodeData(shareUpdateValue, valueVersion, content),
      }
    default:
      return null
  }
}

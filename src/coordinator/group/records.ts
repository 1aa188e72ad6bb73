import { decodeData, encodeData } from '../../protocol/codec.ts'
import { Reader } from '../../protocol/reader.ts'
import type { Data, DraftOf, ValueOf } from '../../protocol/schema.ts'
import * as legacyOffsetCommit from '../../protocol/stored/group/00-legacy-offset-commit.ts'
import * as offsetCommit from '../../protocol/stored/group/01-offset-commit.ts'
import * as groupMetadata from '../../protocol/stored/group/02-group-metadata.ts'
import * as epoch from '../../protocol/stored/group/03-consumer-group-metadata.ts'
import * as partitions from '../../protocol/stored/group/04-consumer-group-partition-metadata.ts'
import * as member from '../../protocol/stored/group/05-consumer-group-member-metadata.ts'
import * as target from '../../protocol/stored/group/06-consumer-group-target-assignment-metadata.ts'
import * as targetMember from '../../protocol/stored/group/07-consumer-group-target-assignment-member.ts'
import * as current from '../../protocol/stored/group/08-consumer-group-current-member-assignment.ts'
import * as regex from '../../protocol/stored/group/16-consumer-group-regular-expression.ts'
import type { KeyValue, Marker } from '../coordinator-log.ts'

/** A record of `__consumer_offsets`: its name, and Kafka's own key and value (null: a tombstone). */
interface Row<Name extends string, K, V> {
  readonly type: Name
  readonly key: K
  readonly value: V | null
}

export type OffsetRecord = Row<
  'OffsetCommit',
  offsetCommit.OffsetCommitKey,
  offsetCommit.OffsetCommitValue
> & {
  /** The producer whose open transaction the commit is part of; absent outside of one. */
  readonly producer?: { readonly id: number; readonly epoch: number }
}
export type GroupMetadataRecord = Row<
  'GroupMetadata',
  groupMetadata.GroupMetadataKey,
  groupMetadata.GroupMetadataValue
>
export type EpochRecord = Row<
  'ConsumerGroupMetadata',
  epoch.ConsumerGroupMetadataKey,
  epoch.ConsumerGroupMetadataValue
>
export type PartitionMetadataRecord = Row<
  'ConsumerGroupPartitionMetadata',
  partitions.ConsumerGroupPartitionMetadataKey,
  partitions.ConsumerGroupPartitionMetadataValue
>
export type MemberRecord = Row<
  'ConsumerGroupMemberMetadata',
  member.ConsumerGroupMemberMetadataKey,
  member.ConsumerGroupMemberMetadataValue
>
export type TargetRecord = Row<
  'ConsumerGroupTargetAssignmentMetadata',
  target.ConsumerGroupTargetAssignmentMetadataKey,
  target.ConsumerGroupTargetAssignmentMetadataValue
>
export type TargetMemberRecord = Row<
  'ConsumerGroupTargetAssignmentMember',
  targetMember.ConsumerGroupTargetAssignmentMemberKey,
  targetMember.ConsumerGroupTargetAssignmentMemberValue
>
export type CurrentRecord = Row<
  'ConsumerGroupCurrentMemberAssignment',
  current.ConsumerGroupCurrentMemberAssignmentKey,
  current.ConsumerGroupCurrentMemberAssignmentValue
>
export type RegexRecord = Row<
  'ConsumerGroupRegularExpression',
  regex.ConsumerGroupRegularExpressionKey,
  regex.ConsumerGroupRegularExpressionValue
>
/** The end of a transaction: a control record in the log, not a row of its own. */
export interface MarkerRecord extends Marker {
  readonly type: 'TransactionMarker'
}

export type ConsumerRecord =
  | EpochRecord
  | PartitionMetadataRecord
  | MemberRecord
  | TargetRecord
  | TargetMemberRecord
  | CurrentRecord
  | RegexRecord
export type StoredRecord = OffsetRecord | GroupMetadataRecord | ConsumerRecord
export type GroupRecord = StoredRecord | MarkerRecord

interface Layout {
  readonly name: StoredRecord['type']
  readonly key: Data<any>
  readonly value: Data<any>
  /** The version that Kafka 4.4.0 writes (`GroupCoordinatorRecordHelpers`). */
  version(value: any): number
}

const always = (version: number) => () => version

const layouts: readonly Layout[] = [
  {
    name: 'OffsetCommit',
    key: offsetCommit.offsetCommitKey,
    value: offsetCommit.offsetCommitValue,
    // A commit with a retention of its own (OffsetCommit v2-v4) needs the expire timestamp.
    version: (value: offsetCommit.OffsetCommitValue) => (value.expireTimestamp === -1 ? 4 : 1),
  },
  {
    name: 'GroupMetadata',
    key: groupMetadata.groupMetadataKey,
    value: groupMetadata.groupMetadataValue,
    version: always(3),
  },
  {
    name: 'ConsumerGroupMetadata',
    key: epoch.consumerGroupMetadataKey,
    value: epoch.consumerGroupMetadataValue,
    version: always(0),
  },
  {
    name: 'ConsumerGroupPartitionMetadata',
    key: partitions.consumerGroupPartitionMetadataKey,
    value: partitions.consumerGroupPartitionMetadataValue,
    version: always(0),
  },
  {
    name: 'ConsumerGroupMemberMetadata',
    key: member.consumerGroupMemberMetadataKey,
    value: member.consumerGroupMemberMetadataValue,
    version: always(0),
  },
  {
    name: 'ConsumerGroupTargetAssignmentMetadata',
    key: target.consumerGroupTargetAssignmentMetadataKey,
    value: target.consumerGroupTargetAssignmentMetadataValue,
    version: always(0),
  },
  {
    name: 'ConsumerGroupTargetAssignmentMember',
    key: targetMember.consumerGroupTargetAssignmentMemberKey,
    value: targetMember.consumerGroupTargetAssignmentMemberValue,
    version: always(0),
  },
  {
    name: 'ConsumerGroupCurrentMemberAssignment',
    key: current.consumerGroupCurrentMemberAssignmentKey,
    value: current.consumerGroupCurrentMemberAssignmentValue,
    version: always(0),
  },
  {
    name: 'ConsumerGroupRegularExpression',
    key: regex.consumerGroupRegularExpressionKey,
    value: regex.consumerGroupRegularExpressionValue,
    version: always(0),
  },
]

const byName = new Map(layouts.map((layout) => [layout.name, layout]))
const byKey = new Map(layouts.map((layout) => [layout.key.key, layout]))

/** The bytes of a record: the record type before the key, the schema version before the value. */
export function toKeyValue(record: StoredRecord): KeyValue {
  const layout = byName.get(record.type)!
  const key = withVersion(layout.key.key!, encodeData(layout.key, 0, record.key))
  if (record.value === null) return { key, value: null }
  const version = layout.version(record.value)
  return {
    key,
    value: withVersion(version, encodeData(layout.value, version, record.value as any)),
  }
}

/**
 * A record read back; null for a type that is none of ours to keep (share and streams groups).
 *
 * @throws Malformed when the bytes do not follow the type's layout.
 */
export function fromKeyValue({ key, value }: KeyValue): StoredRecord | null {
  const type = key.readInt16BE(0)
  if (type === 0) return fromLegacy(key, value)
  const layout = byKey.get(type)
  if (layout === undefined) return null
  // Values that hold bytes live on: a copy, so that they do not keep what was read around them.
  if (value !== null && (type === 2 || type === 5)) value = Buffer.from(value)
  return {
    type: layout.name,
    key: decodeData(layout.key, 0, new Reader(key.subarray(2))),
    value:
      value === null
        ? null
        : decodeData(layout.value, value.readInt16BE(0), new Reader(value.subarray(2))),
  } as StoredRecord
}

/** Offset commits of type 0, from before Kafka 0.9.1. */
function fromLegacy(key: Buffer, value: Buffer | null): OffsetRecord {
  const { legacyOffsetCommitKey, legacyOffsetCommitValue } = legacyOffsetCommit
  const read =
    value === null ? null : decodeData(legacyOffsetCommitValue, 0, new Reader(value.subarray(2)))
  return {
    type: 'OffsetCommit',
    key: decodeData(legacyOffsetCommitKey, 0, new Reader(key.subarray(2))),
    value:
      read === null
        ? null
        : { ...read, leaderEpoch: -1, expireTimestamp: -1, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' },
  }
}

function withVersion(version: number, body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(2 + body.byteLength)
  bytes.writeInt16BE(version, 0)
  body.copy(bytes, 2)
  return bytes
}

export type OffsetCommitValue = ValueOf<typeof offsetCommit.offsetCommitValue>
export type GroupMetadataValue = ValueOf<typeof groupMetadata.groupMetadataValue>
export type MemberValue = ValueOf<typeof member.consumerGroupMemberMetadataValue>
export type CurrentValue = ValueOf<typeof current.consumerGroupCurrentMemberAssignmentValue>
export type OffsetCommitDraft = DraftOf<typeof offsetCommit.offsetCommitValue>

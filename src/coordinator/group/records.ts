import { decodeData, encodeData } from '../../protocol/codec.ts'
import { Reader } from '../../protocol/reader.ts'
import type { AnyData, DraftOf, ValueOf } from '../../protocol/schema.ts'
import * as legacyOffsetCommit from '../../protocol/stored/group/00-legacy-offset-commit.ts'
import * as offsetCommit from '../../protocol/stored/group/01-offset-commit.ts'
import * as groupMetadata from '../../protocol/stored/group/02-group-metadata.ts'
import * as epoch from '../../protocol/stored/group/03-consumer-group-metadata.ts'
import * as partitions from '../../protocol/stored/group/04-consumer-group-partition-metadata.ts'
import * as member from '../../protocol/stored/group/05-consumer-group-member-metadata.ts'
import * as target from '../../protocol/stored/group/06-consumer-group-target-assignment-metadata.ts'
import * as targetMember from '../../protocol/stored/group/07-consumer-group-target-assignment-member.ts'
import * as current from '../../protocol/stored/group/08-consumer-group-current-member-assignment.ts'
import * as shareMember from '../../protocol/stored/group/10-share-group-member-metadata.ts'
import * as shareEpoch from '../../protocol/stored/group/11-share-group-metadata.ts'
import * as shareTarget from '../../protocol/stored/group/12-share-group-target-assignment-metadata.ts'
import * as shareTargetMember from '../../protocol/stored/group/13-share-group-target-assignment-member.ts'
import * as shareCurrent from '../../protocol/stored/group/14-share-group-current-member-assignment.ts'
import * as shareStatePartitions from '../../protocol/stored/group/15-share-group-state-partition-metadata.ts'
import * as regex from '../../protocol/stored/group/16-consumer-group-regular-expression.ts'
import type { KeyValue, Marker } from '../coordinator-log.ts'
import { withVersion } from '../versioned.ts'

/** A record of `__consumer_offsets`: its type name, Kafka's key and value (null: a tombstone). */
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
  /**
   * The producer of the open transaction that the commit is part of; absent without a transaction.
   */
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
export type ShareEpochRecord = Row<
  'ShareGroupMetadata',
  shareEpoch.ShareGroupMetadataKey,
  shareEpoch.ShareGroupMetadataValue
>
export type ShareMemberRecord = Row<
  'ShareGroupMemberMetadata',
  shareMember.ShareGroupMemberMetadataKey,
  shareMember.ShareGroupMemberMetadataValue
>
export type ShareTargetRecord = Row<
  'ShareGroupTargetAssignmentMetadata',
  shareTarget.ShareGroupTargetAssignmentMetadataKey,
  shareTarget.ShareGroupTargetAssignmentMetadataValue
>
export type ShareTargetMemberRecord = Row<
  'ShareGroupTargetAssignmentMember',
  shareTargetMember.ShareGroupTargetAssignmentMemberKey,
  shareTargetMember.ShareGroupTargetAssignmentMemberValue
>
export type ShareCurrentRecord = Row<
  'ShareGroupCurrentMemberAssignment',
  shareCurrent.ShareGroupCurrentMemberAssignmentKey,
  shareCurrent.ShareGroupCurrentMemberAssignmentValue
>
export type ShareStatePartitionsRecord = Row<
  'ShareGroupStatePartitionMetadata',
  shareStatePartitions.ShareGroupStatePartitionMetadataKey,
  shareStatePartitions.ShareGroupStatePartitionMetadataValue
>
/** The end of a transaction: a control record in the log, without key and value of its own. */
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
export type ShareGroupRecord =
  | ShareEpochRecord
  | ShareMemberRecord
  | ShareTargetRecord
  | ShareTargetMemberRecord
  | ShareCurrentRecord
  | ShareStatePartitionsRecord
export type StoredRecord = OffsetRecord | GroupMetadataRecord | ConsumerRecord | ShareGroupRecord
export type GroupRecord = StoredRecord | MarkerRecord

/** The name that ListGroups uses. */
export type GroupType = 'classic' | 'consumer' | 'share'

interface Layout {
  readonly name: StoredRecord['type']
  /** The type of the groups with such records; null for offsets, which all groups have. */
  readonly groupType: GroupType | null
  readonly key: AnyData
  readonly value: AnyData
  /** Returns the version that Kafka 4.4.0 writes (`GroupCoordinatorRecordHelpers`). */
  version(value: object): number
}

const always = (version: number) => () => version

const layouts: readonly Layout[] = [
  {
    name: 'OffsetCommit',
    groupType: null,
    key: offsetCommit.offsetCommitKey,
    value: offsetCommit.offsetCommitValue,
    // A commit with its own retention (OffsetCommit v2-v4) needs the expire timestamp.
    version: (value: offsetCommit.OffsetCommitValue) => (value.expireTimestamp === -1 ? 4 : 1),
  },
  {
    name: 'GroupMetadata',
    groupType: 'classic',
    key: groupMetadata.groupMetadataKey,
    value: groupMetadata.groupMetadataValue,
    version: always(3),
  },
  {
    name: 'ConsumerGroupMetadata',
    groupType: 'consumer',
    key: epoch.consumerGroupMetadataKey,
    value: epoch.consumerGroupMetadataValue,
    version: always(0),
  },
  {
    name: 'ConsumerGroupPartitionMetadata',
    groupType: 'consumer',
    key: partitions.consumerGroupPartitionMetadataKey,
    value: partitions.consumerGroupPartitionMetadataValue,
    version: always(0),
  },
  {
    name: 'ConsumerGroupMemberMetadata',
    groupType: 'consumer',
    key: member.consumerGroupMemberMetadataKey,
    value: member.consumerGroupMemberMetadataValue,
    version: always(0),
  },
  {
    name: 'ConsumerGroupTargetAssignmentMetadata',
    groupType: 'consumer',
    key: target.consumerGroupTargetAssignmentMetadataKey,
    value: target.consumerGroupTargetAssignmentMetadataValue,
    version: always(0),
  },
  {
    name: 'ConsumerGroupTargetAssignmentMember',
    groupType: 'consumer',
    key: targetMember.consumerGroupTargetAssignmentMemberKey,
    value: targetMember.consumerGroupTargetAssignmentMemberValue,
    version: always(0),
  },
  {
    name: 'ConsumerGroupCurrentMemberAssignment',
    groupType: 'consumer',
    key: current.consumerGroupCurrentMemberAssignmentKey,
    value: current.consumerGroupCurrentMemberAssignmentValue,
    version: always(0),
  },
  {
    name: 'ConsumerGroupRegularExpression',
    groupType: 'consumer',
    key: regex.consumerGroupRegularExpressionKey,
    value: regex.consumerGroupRegularExpressionValue,
    version: always(0),
  },
  {
    name: 'ShareGroupMemberMetadata',
    groupType: 'share',
    key: shareMember.shareGroupMemberMetadataKey,
    value: shareMember.shareGroupMemberMetadataValue,
    version: always(0),
  },
  {
    name: 'ShareGroupMetadata',
    groupType: 'share',
    key: shareEpoch.shareGroupMetadataKey,
    value: shareEpoch.shareGroupMetadataValue,
    version: always(0),
  },
  {
    name: 'ShareGroupTargetAssignmentMetadata',
    groupType: 'share',
    key: shareTarget.shareGroupTargetAssignmentMetadataKey,
    value: shareTarget.shareGroupTargetAssignmentMetadataValue,
    version: always(0),
  },
  {
    name: 'ShareGroupTargetAssignmentMember',
    groupType: 'share',
    key: shareTargetMember.shareGroupTargetAssignmentMemberKey,
    value: shareTargetMember.shareGroupTargetAssignmentMemberValue,
    version: always(0),
  },
  {
    name: 'ShareGroupCurrentMemberAssignment',
    groupType: 'share',
    key: shareCurrent.shareGroupCurrentMemberAssignmentKey,
    value: shareCurrent.shareGroupCurrentMemberAssignmentValue,
    version: always(0),
  },
  {
    name: 'ShareGroupStatePartitionMetadata',
    groupType: 'share',
    key: shareStatePartitions.shareGroupStatePartitionMetadataKey,
    value: shareStatePartitions.shareGroupStatePartitionMetadataValue,
    version: always(0),
  },
]

const byName = new Map(layouts.map((layout) => [layout.name, layout]))
const byKey = new Map(layouts.map((layout) => [layout.key.key, layout]))

/** Returns the type of the groups that have such records. */
export function groupTypeOf({
  type,
}: GroupMetadataRecord | ConsumerRecord | ShareGroupRecord): GroupType {
  return byName.get(type)!.groupType!
}

/** Encodes a record: the record type precedes the key, the schema version the value. */
export function toKeyValue(record: StoredRecord): KeyValue {
  const layout = byName.get(record.type)!
  const key = withVersion(layout.key.key!, encodeData(layout.key, 0, record.key))
  if (record.value === null) return { key, value: null }
  const version = layout.version(record.value)
  return { key, value: withVersion(version, encodeData(layout.value, version, record.value)) }
}

/**
 * Decodes a record; returns null for a type that is not supported (streams groups).
 *
 * @throws Malformed if the bytes do not follow the type's layout.
 */
export function fromKeyValue({ key, value }: KeyValue): StoredRecord | null {
  const type = key.readInt16BE(0)
  if (type === 0) return fromLegacy(key, value)
  const layout = byKey.get(type)
  if (layout === undefined) return null
  // Copies values with byte fields, so that they do not keep the whole read buffer in memory.
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

/** Decodes an offset commit of type 0, from before Kafka 0.9.1. */
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

export type OffsetCommitValue = ValueOf<typeof offsetCommit.offsetCommitValue>
export type GroupMetadataValue = ValueOf<typeof groupMetadata.groupMetadataValue>
export type MemberValue = ValueOf<typeof member.consumerGroupMemberMetadataValue>
export type CurrentValue = ValueOf<typeof current.consumerGroupCurrentMemberAssignmentValue>
export type OffsetCommitDraft = DraftOf<typeof offsetCommit.offsetCommitValue>

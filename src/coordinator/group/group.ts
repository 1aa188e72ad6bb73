import type { Logger } from '../../base/logger.ts'
import type { OutcomeDraft } from '../../machine/machine.ts'
import { ApiError } from '../../protocol/errors.ts'
import type { TopicView } from '../topic-view.ts'
import type { GroupCommand, GroupEffect, ListedGroup } from './commands.ts'
import type { GroupConfig } from './config.ts'
import type { GroupRecord, GroupType } from './records.ts'

export type Draft = OutcomeDraft<GroupCommand, GroupRecord, GroupEffect>

/** A group's committed offset of one partition. Kafka: `OffsetAndMetadata`. */
export interface CommittedOffset {
  readonly offset: number
  /** -1 if the client sent none. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
  /** -1 for the broker's retention. */
  readonly expireTimestampMs: number
  /** The zero UUID if the commit had none. */
  readonly topicId: string
  /** Increases with each record: of two commits the later one counts. */
  readonly order: number
}

/** The common part of all group types, for offsets, listing and deletion. */
export interface Group {
  readonly type: GroupType
  readonly groupId: string
  isEmpty(): boolean
  /** Whether members commit offsets; such a group goes when it has neither members nor offsets. */
  readonly hasOffsets: boolean
  /** The name for ListGroups: `Stable`, `PreparingRebalance`, … */
  stateName(): string
  listed(): ListedGroup
  /**
   * Checks whether this client may commit; returns a check for each partition.
   *
   * @throws ApiError UNKNOWN_MEMBER_ID | ILLEGAL_GENERATION | FENCED_INSTANCE_ID |
   *   REBALANCE_IN_PROGRESS | STALE_MEMBER_EPOCH
   */
  validateOffsetCommit(options: {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly generationIdOrMemberEpoch: number
    readonly isTransactional: boolean
    readonly knowsConsumerGroups: boolean
  }): PartitionCheck
  /** @throws ApiError UNKNOWN_MEMBER_ID | STALE_MEMBER_EPOCH */
  validateOffsetFetch(memberId: string | null, memberEpoch: number): void
  /** @throws ApiError NON_EMPTY_GROUP */
  validateDelete(): void
  /** @throws ApiError NON_EMPTY_GROUP */
  validateOffsetDelete(): void
  isSubscribedTo(topic: string): boolean
  /**
   * Returns a function for the time from which an offset's retention counts; null if none may
   * expire.
   */
  expiryBase(): ((offset: CommittedOffset) => number) | null
  /** Appends the tombstones of the group and clears its timers. */
  remove(out: Draft): void
  /** Returns the replayed state as plain data; null if no record holds any. */
  hardState(): unknown
}

/** Returns the error of a request that needs a group of this type. */
export function groupNotFound(groupId: string, group: Group | undefined, type: GroupType) {
  const why = group === undefined ? 'not found' : `is not a ${type} group`
  return new ApiError('GROUP_ID_NOT_FOUND', `Group ${groupId} ${why}.`)
}

export type PartitionCheck = (topicId: string, partition: number) => void

export const noCheck: PartitionCheck = () => {}

/** The state and services that the protocols of one shard share. */
export interface ShardContext {
  readonly groups: Map<string, Group>
  /**
   * Groups that a command created and that the replay of its records will install. They hold state
   * that the record lacks: parked JoinGroups and the protocols that were not selected.
   */
  readonly arriving: Map<string, Group>
  /** False while the log is read. */
  readonly isLoaded: boolean
  readonly config: GroupConfig
  readonly logger: Logger
  readonly topics: TopicView
}

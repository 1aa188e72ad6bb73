import type { Logger } from '../../base/logger.ts'
import type { OutcomeDraft } from '../../machine/machine.ts'
import type { listGroups } from '../../protocol/messages/16-list-groups.ts'
import type { Response } from '../../protocol/schema.ts'
import type { TopicView } from '../coordinator-log.ts'
import type { GroupCommand } from './commands.ts'
import type { GroupConfig } from './config.ts'
import type { CommittedOffset } from './offsets.ts'
import type { GroupRecord } from './records.ts'

export type ListedGroup = Response<typeof listGroups>['groups'][number]
export type Draft = OutcomeDraft<GroupCommand, GroupRecord>

/** What all kinds of groups are to those who only pass through: offsets, lists, deletion. */
export interface Group {
  readonly type: 'classic' | 'consumer'
  readonly groupId: string
  isEmpty(): boolean
  /** As ListGroups prints it: `Stable`, `PreparingRebalance`, … */
  stateName(): string
  listed(): ListedGroup
  /**
   * May this client commit? Returns the check that each partition must pass as well.
   *
   * @throws Refusal UNKNOWN_MEMBER_ID | ILLEGAL_GENERATION | FENCED_INSTANCE_ID |
   *   REBALANCE_IN_PROGRESS | STALE_MEMBER_EPOCH
   */
  validateOffsetCommit(o: {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly generationIdOrMemberEpoch: number
    readonly isTransactional: boolean
    readonly apiVersion: number
  }): PartitionCheck
  /** @throws Refusal UNKNOWN_MEMBER_ID | STALE_MEMBER_EPOCH */
  validateOffsetFetch(memberId: string | null, memberEpoch: number): void
  /** @throws Refusal NON_EMPTY_GROUP */
  validateDelete(): void
  /** @throws Refusal NON_EMPTY_GROUP */
  validateOffsetDelete(): void
  isSubscribedTo(topic: string): boolean
  /** From when on the retention of an offset counts, or null while none may expire. */
  expiryBase(): ((offset: CommittedOffset) => number) | null
  /** The records that remove the group, and its timers. */
  remove(out: Draft): void
}

export type PartitionCheck = (topicId: string, partition: number) => void

export const noCheck: PartitionCheck = () => {}

/** What the protocols of one shard share. */
export interface ShardContext {
  readonly groups: Map<string, Group>
  /**
   * Groups that a decision made and that the replay of its records will put in place: soft state,
   * richer than what the record says (parked joins, the protocols that were not chosen).
   */
  readonly arriving: Map<string, Group>
  readonly config: GroupConfig
  readonly logger: Logger
  readonly topics: TopicView
}

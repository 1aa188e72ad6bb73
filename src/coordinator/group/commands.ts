import type { ApiError } from '../../protocol/errors.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/messages/11-join-group.ts'
import type { HeartbeatRequest, heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import type { LeaveGroupResponse } from '../../protocol/messages/13-leave-group.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/messages/14-sync-group.ts'
import type { describeGroups } from '../../protocol/messages/15-describe-groups.ts'
import type { listGroups } from '../../protocol/messages/16-list-groups.ts'
import type { deleteGroups } from '../../protocol/messages/42-delete-groups.ts'
import type {
  OffsetDeleteRequest,
  OffsetDeleteResponse,
} from '../../protocol/messages/47-offset-delete.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../protocol/messages/68-consumer-group-heartbeat.ts'
import type { consumerGroupDescribe } from '../../protocol/messages/69-consumer-group-describe.ts'
import type {
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from '../../protocol/messages/76-share-group-heartbeat.ts'
import type { shareGroupDescribe } from '../../protocol/messages/77-share-group-describe.ts'
import type {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from '../../protocol/messages/91-alter-share-group-offsets.ts'
import type {
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
} from '../../protocol/messages/92-delete-share-group-offsets.ts'
import type { Response } from '../../protocol/schema.ts'
import type { Marker } from '../coordinator-log.ts'
import type { To } from '../hosted-shard.ts'

export type { To }

export interface Client {
  /** The client id of the request header; empty for none. */
  readonly clientId: string
  readonly clientHost: string
  /**
   * Returns whether the client may describe the topic; regular expressions match only such topics.
   */
  mayDescribe(topic: string): boolean
}

/** One partition of an OffsetCommit or TxnOffsetCommit. */
export interface CommitPartition {
  readonly partitionIndex: number
  readonly committedOffset: number
  readonly committedLeaderEpoch: number
  readonly committedMetadata: string | null
}

export interface CommitTopic {
  readonly name: string
  /** The zero UUID if the client sent none and the topic is unknown. */
  readonly topicId: string
  readonly partitions: readonly CommitPartition[]
}

export interface CommitRequest {
  readonly groupId: string
  readonly generationIdOrMemberEpoch: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** -1 for the broker's retention. */
  readonly retentionTimeMs: number
  readonly topics: readonly CommitTopic[]
}

export interface CommitResult {
  readonly topics: readonly {
    readonly name: string
    readonly topicId: string
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[]
  }[]
}

export interface FetchRequest {
  readonly groupId: string
  readonly memberId: string | null
  readonly memberEpoch: number
  /** null for all offsets that the group has committed. */
  readonly topics:
    | readonly {
        readonly name: string
        readonly topicId: string
        readonly partitionIndexes: readonly number[]
      }[]
    | null
  readonly requireStable: boolean
}

export interface FetchedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly {
    readonly partitionIndex: number
    readonly committedOffset: number
    readonly committedLeaderEpoch: number
    readonly metadata: string | null
    readonly errorCode: number
  }[]
}

export interface LeaveRequest {
  readonly groupId: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly reason: string | null
  }[]
}

export type ListedGroup = Response<typeof listGroups>['groups'][number]
export type DescribedGroup = Response<typeof describeGroups>['groups'][number]
export type DeletedGroup = Response<typeof deleteGroups>['results'][number]
export type DescribedConsumerGroup = Response<typeof consumerGroupDescribe>['groups'][number]
export type DescribedShareGroup = Response<typeof shareGroupDescribe>['groups'][number]
export type HeartbeatAnswer = Response<typeof heartbeat>

/** Requests of clients to one shard; each command carries the receiver of its answer. */
export type ClientCommand =
  | {
      readonly kind: 'join'
      readonly to: To<JoinGroupResponse>
      readonly client: Client
      readonly request: JoinGroupRequest
      /** The random part of a new member id. */
      readonly uuid: string
      /** A complete new member id, for a consumer group. */
      readonly newMemberId: string
      /** KIP-394: from v4 on a dynamic member must rejoin with the member id that it is given. */
      readonly demandsMemberId: boolean
      /** KIP-814: from v9 on the response may tell a returning leader to skip the assignment. */
      readonly maySkipAssignment: boolean
    }
  | {
      readonly kind: 'sync'
      readonly to: To<SyncGroupResponse>
      readonly request: SyncGroupRequest
    }
  | {
      readonly kind: 'heartbeat'
      readonly to: To<HeartbeatAnswer>
      readonly request: HeartbeatRequest
    }
  | { readonly kind: 'leave'; readonly to: To<LeaveGroupResponse>; readonly request: LeaveRequest }
  | {
      readonly kind: 'commitOffsets'
      readonly to: To<CommitResult>
      /** Whether the client's version has the errors of consumer groups (KIP-848). */
      readonly knowsConsumerGroups: boolean
      readonly request: CommitRequest
      /** Set for a commit within a transaction (TxnOffsetCommit). */
      readonly producer?: { readonly id: number; readonly epoch: number }
    }
  | {
      readonly kind: 'fetchOffsets'
      readonly to: To<FetchedTopic[]>
      readonly request: FetchRequest
    }
  | {
      readonly kind: 'deleteOffsets'
      readonly to: To<OffsetDeleteResponse>
      readonly request: OffsetDeleteRequest
    }
  | {
      readonly kind: 'describe'
      readonly to: To<DescribedGroup>
      readonly groupId: string
      readonly mayFail: boolean
    }
  | {
      readonly kind: 'list'
      readonly to: To<ListedGroup[]>
      readonly states: readonly string[]
      readonly types: readonly string[]
    }
  | { readonly kind: 'endTransaction'; readonly to: To<true>; readonly marker: Marker }
  | {
      readonly kind: 'consumerHeartbeat'
      readonly to: To<ConsumerGroupHeartbeatResponse>
      readonly client: Client
      readonly request: ConsumerGroupHeartbeatRequest
      /** The member id for a member that has none. */
      readonly newMemberId: string
      /**
       * The error in the regular expression if it was checked on another thread; null if it is
       * valid.
       */
      readonly regexFault?: string | null
    }
  | {
      readonly kind: 'describeConsumer'
      readonly to: To<DescribedConsumerGroup>
      readonly groupId: string
    }
  | { readonly kind: 'delete'; readonly to: To<DeletedGroup>; readonly groupId: string }
  | {
      readonly kind: 'shareHeartbeat'
      readonly to: To<ShareGroupHeartbeatResponse>
      readonly client: Client
      readonly request: ShareGroupHeartbeatRequest
    }
  | {
      readonly kind: 'describeShare'
      readonly to: To<DescribedShareGroup>
      readonly groupId: string
    }

/** Commands that timers and changes of the cluster trigger. */
export type InnerCommand =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'cleanUp' }
  | {
      readonly kind: 'topicsDeleted'
      readonly topics: readonly { readonly id: string; readonly name: string }[]
    }
  | {
      readonly kind: 'topicsChanged'
      readonly names: ReadonlySet<string>
      /** True if some topics are new, so that regular expressions may match more. */
      readonly hasNew: boolean
    }
  | { readonly kind: 'classicSessionExpired'; readonly groupId: string; readonly memberId: string }
  | {
      readonly kind: 'classicInitialDelayOver'
      readonly groupId: string
      readonly delayMs: number
      readonly remainingMs: number
    }
  | { readonly kind: 'classicAssignmentRefused'; readonly groupId: string }
  | { readonly kind: 'classicJoinExpired'; readonly groupId: string }
  | { readonly kind: 'classicSyncExpired'; readonly groupId: string; readonly generationId: number }

interface ShareStateOutcome<Kind extends string> {
  readonly kind: Kind
  readonly groupId: string
  /** Partitions by topic id. */
  readonly topics: ReadonlyMap<string, ReadonlySet<number>>
}

/** Commands of a share group's timers, and the outcomes of requests for its share state. */
export type ShareGroupCommand =
  | { readonly kind: 'shareSessionExpired'; readonly groupId: string; readonly memberId: string }
  | ShareStateOutcome<'shareStateBegun'>
  | ShareStateOutcome<'shareStateRefused'>
  | {
      readonly kind: 'shareStateDeleted'
      readonly groupId: string
      /** null if all of it is deleted. */
      readonly refusal: ApiError | null
      readonly to: To<DeletedGroup>
    }

/** Requests for the start offsets of a share group. */
export type ShareOffsetsCommand =
  | {
      readonly kind: 'shareStatePartitions'
      /** Receives the partitions whose share state is begun. */
      readonly to: To<readonly ShareStateTopic[]>
      readonly groupId: string
    }
  | {
      readonly kind: 'shareOffsetsAlter'
      readonly to: To<AlterShareGroupOffsetsResponse>
      readonly request: AlterShareGroupOffsetsRequest
    }
  | {
      readonly kind: 'shareOffsetsDelete'
      readonly to: To<DeleteShareGroupOffsetsResponse>
      readonly request: DeleteShareGroupOffsetsRequest
    }
  | {
      readonly kind: 'shareOffsetsDeleted'
      readonly to: To<DeleteShareGroupOffsetsResponse>
      readonly groupId: string
      /** The ids of topics whose state is deleted. */
      readonly topicIds: readonly string[]
      readonly refused: DeleteShareGroupOffsetsResponse['responses']
    }

export type ConsumerTimerCommand =
  | { readonly kind: 'consumerSessionExpired'; readonly groupId: string; readonly memberId: string }
  | {
      readonly kind: 'consumerRebalanceExpired'
      readonly groupId: string
      readonly memberId: string
      /** The epoch when the timer was set; a member that has advanced since is not removed. */
      readonly memberEpoch: number
    }

export interface ResolveRegexes {
  readonly kind: 'resolveRegexes'
  readonly groupId: string
  readonly regexes: readonly string[]
  readonly client: Client
  /**
   * The result of matching on another thread: the topic names per expression, and the metadata
   * version.
   */
  readonly found?: {
    readonly names: ReadonlyMap<string, readonly string[]>
    readonly version: number
  }
}

/** Partitions whose share state is begun or deleted. */
export interface ShareStateTopic {
  readonly topicId: string
  readonly partitions: readonly number[]
}

/** Partitions of a topic with the offsets at which their share state begins. */
export interface ShareStartOffsets {
  readonly topicId: string
  readonly partitions: readonly { readonly partition: number; readonly startOffset: number }[]
}

/** Work of others for a shard. */
export type GroupEffect = MatchElsewhere | BeginShareState | DeleteShareState | DeleteShareOffsets

/**
 * Begins share state with the share coordinators; then comes `shareStateBegun` or
 * `shareStateRefused`.
 */
export interface BeginShareState {
  readonly kind: 'beginShareState'
  readonly groupId: string
  readonly stateEpoch: number
  readonly topics: readonly ShareStartOffsets[]
  /** Set if a client asked for it, with the response to send if all of it is begun. */
  readonly asked?: {
    readonly to: To<AlterShareGroupOffsetsResponse>
    readonly response: AlterShareGroupOffsetsResponse
  }
}

/** Deletes the share state of topics of a group; then comes `shareOffsetsDeleted`. */
export interface DeleteShareOffsets {
  readonly kind: 'deleteShareOffsets'
  readonly groupId: string
  readonly topics: readonly ShareStateTopic[]
  /** The rows of topics that were refused. */
  readonly refused: DeleteShareGroupOffsetsResponse['responses']
  readonly to: To<DeleteShareGroupOffsetsResponse>
}

/** Deletes the share state of a group that is deleted; then comes `shareStateDeleted`. */
export interface DeleteShareState {
  readonly kind: 'deleteShareState'
  readonly groupId: string
  readonly topics: readonly ShareStateTopic[]
  readonly to: To<DeletedGroup>
}

export interface MatchElsewhere {
  /** Matches topic names on another thread; the command then comes back with the result. */
  readonly kind: 'matchElsewhere'
  readonly command: ResolveRegexes
  readonly names: readonly string[]
  /** The metadata version of the names. */
  readonly version: number
}

export type GroupCommand =
  | ClientCommand
  | InnerCommand
  | ConsumerTimerCommand
  | ResolveRegexes
  | ShareGroupCommand
  | ShareOffsetsCommand
export type Command<K extends GroupCommand['kind']> = Extract<GroupCommand, { readonly kind: K }>

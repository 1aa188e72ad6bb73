import type { InitializeShareGroupStateResponse } from '../../protocol/messages/83-initialize-share-group-state.ts'
import type { ReadShareGroupStateResponse } from '../../protocol/messages/84-read-share-group-state.ts'
import type { ReadShareGroupStateSummaryResponse } from '../../protocol/messages/87-read-share-group-state-summary.ts'
import type { To } from '../hosted-shard.ts'
import type { ShareKey } from './share-key.ts'
import type { StateBatch } from './state-batches.ts'

type Row<R extends { readonly results: readonly { readonly partitions: readonly unknown[] }[] }> =
  R['results'][number]['partitions'][number]

/** The answer of one share partition to Initialize, Write and Delete. */
export type ChangedState = Row<InitializeShareGroupStateResponse>
export type ReadState = Row<ReadShareGroupStateResponse>
export type StateSummary = Row<ReadShareGroupStateSummaryResponse>

/** The report of a share partition's leader. -1 stands for "as before" where Kafka allows it. */
export interface WrittenState {
  readonly stateEpoch: number
  readonly leaderEpoch: number
  readonly startOffset: number
  readonly deliveryCompleteCount: number
  readonly stateBatches: readonly StateBatch[]
}

export type ShareCommand =
  | {
      readonly kind: 'initialize'
      readonly to: To<ChangedState>
      readonly key: ShareKey
      readonly stateEpoch: number
      readonly startOffset: number
    }
  | {
      readonly kind: 'read'
      readonly to: To<ReadState>
      readonly key: ShareKey
      readonly leaderEpoch: number
    }
  | {
      readonly kind: 'write'
      readonly to: To<ChangedState>
      readonly key: ShareKey
      readonly written: WrittenState
    }
  | { readonly kind: 'delete'; readonly to: To<ChangedState>; readonly key: ShareKey }
  | { readonly kind: 'readSummary'; readonly to: To<StateSummary>; readonly key: ShareKey }
  | { readonly kind: 'topicsDeleted'; readonly topicIds: ReadonlySet<string> }
  | { readonly kind: 'snapshotCold' }
  | { readonly kind: 'prune' }
  | { readonly kind: 'loaded' }

/** Deletes the records below an offset, which newer ones have made redundant. */
export interface ShareEffect {
  readonly kind: 'deleteRecords'
  readonly beforeOffset: number
}

/** The settings of a share coordinator, under Kafka's names. */
export interface ShareCoordinatorConfig {
  readonly snapshotUpdateRecordsPerSnapshot: number
  readonly coldPartitionSnapshotIntervalMs: number
  readonly stateTopicPruneIntervalMs: number
  /** Whether `share.version` is finalised at 1 or above. */
  readonly isShareGroupsEnabled: boolean
}

/** Kafka's defaults. */
export const shareCoordinatorConfigDefaults: ShareCoordinatorConfig = {
  snapshotUpdateRecordsPerSnapshot: 500,
  coldPartitionSnapshotIntervalMs: 300_000,
  stateTopicPruneIntervalMs: 300_000,
  isShareGroupsEnabled: true,
}

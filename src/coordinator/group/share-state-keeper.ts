import type { ApiError } from '../../protocol/errors.ts'
import type { ReadShareGroupStateSummaryResponse } from '../../protocol/messages/87-read-share-group-state-summary.ts'
import type { ShareStartOffsets, ShareStateTopic } from './commands.ts'

/** The answer about one partition; null, if it has none to give, stands for success. */
export interface ShareStateResult<A = null> {
  readonly topicId: string
  readonly partition: number
  readonly answer: A | ApiError
}

/** The state of a share partition in short. */
export type ShareStateSummary =
  ReadShareGroupStateSummaryResponse['results'][number]['partitions'][number]

/** The share coordinators, as a group coordinator sees them. Kafka: `Persister`. */
export interface ShareStateKeeper {
  /** Begins the state of these partitions in a state epoch. */
  begin(
    groupId: string,
    stateEpoch: number,
    topics: readonly ShareStartOffsets[],
  ): Promise<ShareStateResult[]>
  delete(groupId: string, topics: readonly ShareStateTopic[]): Promise<ShareStateResult[]>
  summarise(
    groupId: string,
    topics: readonly ShareStateTopic[],
  ): Promise<ShareStateResult<ShareStateSummary>[]>
}

import type { BeginShareState, ShareStateTopic } from './commands.ts'

/** The share coordinators, as a group coordinator sees them. Kafka: `Persister`. */
export interface ShareStateKeeper {
  /**
   * Begins the state of these partitions in a state epoch.
   *
   * @throws (rejects) ApiError of the first partition that is refused.
   */
  begin(groupId: string, stateEpoch: number, topics: BeginShareState['topics']): Promise<void>
  /** @throws (rejects) ApiError of the first partition that is refused. */
  delete(groupId: string, topics: readonly ShareStateTopic[]): Promise<void>
}

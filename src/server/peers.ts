import type { Marker } from '../coordinator/coordinator-log.ts'
import type { TransactionCoordinator } from '../coordinator/transaction/coordinator.ts'

/** Calls between the brokers of a cluster. Those of one process make them without a socket. */
export interface Peer {
  readonly transactions: TransactionCoordinator
  /**
   * Ends a producer's transaction in one partition that the peer leads.
   * @throws (rejects) ApiError NOT_LEADER_OR_FOLLOWER | INVALID_PRODUCER_EPOCH |
   * TRANSACTION_COORDINATOR_FENCED | KAFKA_STORAGE_ERROR
   */
  writeMarker(topic: string, partition: number, marker: Marker): Promise<void>
}

/** The running brokers, by id. */
export type Peers = Map<number, Peer>

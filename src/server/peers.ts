import type { Marker } from '../coordinator/coordinator-log.ts'
import type { TransactionCoordinator } from '../coordinator/transaction/coordinator.ts'

/** What brokers of a cluster ask of each other. Those of one process do it without a socket. */
export interface Peer {
  readonly transactions: TransactionCoordinator
  /**
   * Ends a producer's transaction in one partition that the peer leads.
   * @throws (rejects) Refusal NOT_LEADER_OR_FOLLOWER | INVALID_PRODUCER_EPOCH |
   *   TRANSACTION_COORDINATOR_FENCED | KAFKA_STORAGE_ERROR
   */
  writeMarker(topic: string, partition: number, marker: Marker): Promise<void>
}

/** The brokers that run, by their ids. */
export type Peers = Map<number, Peer>

import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { type ErrorName, Refusal } from '../../protocol/errors.ts'
import type { Marker } from '../coordinator-log.ts'
import type { MarkerOrder } from './commands.ts'

/**
 * Writes one marker into one partition. Resolves when it is committed there, and where there is no
 * such partition any more.
 *
 * @throws Refusal (rejects) of the partition's leader.
 */
export type WriteMarker = (topic: string, partition: number, marker: Marker) => Promise<void>

/** A partition that cannot take its marker now is asked again this much later, at most. */
const retryDelayMsMin = 20
const retryDelayMsMax = 1000

/** Another coordinator has taken over: it is for that one to end the transaction. */
const fencing: ReadonlySet<ErrorName> = new Set([
  'INVALID_PRODUCER_EPOCH',
  'TRANSACTION_COORDINATOR_FENCED',
])

/** Has every partition of a transaction told how it ended (Kafka: `TransactionMarkerChannelManager`). */
export class MarkerDelivery {
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly write: WriteMarker

  constructor(o: { readonly clock: Clock; readonly logger: Logger; readonly write: WriteMarker }) {
    this.clock = o.clock
    this.logger = o.logger
    this.write = o.write
  }

  /**
   * @param isVoid asked right before each marker: an order of a coordinator that is no more must not
   *   be carried out, for its producer may have begun another transaction since.
   * @returns true when every partition has its marker, false when the order is given up.
   */
  async deliver(
    order: MarkerOrder,
    coordinatorEpoch: number,
    isVoid: () => boolean,
  ): Promise<boolean> {
    const { producerId, producerEpoch, isCommit, transactionVersion } = order
    const marker = { producerId, producerEpoch, isCommit, transactionVersion, coordinatorEpoch }
    const delivered = order.topics.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => this.deliverTo(topic, partition, marker, isVoid)),
    )
    return (await Promise.all(delivered)).every(Boolean)
  }

  private async deliverTo(
    topic: string,
    partition: number,
    marker: Marker,
    isVoid: () => boolean,
  ): Promise<boolean> {
    for (let delayMs = retryDelayMsMin; ; delayMs = Math.min(delayMs * 2, retryDelayMsMax)) {
      if (isVoid()) return false
      try {
        await this.write(topic, partition, marker)
        return true
      } catch (error) {
        // A disk that fails says so in its own words; the partition may yet find another leader.
        const reason = error instanceof Refusal ? error.reason : 'KAFKA_STORAGE_ERROR'
        const { producerId } = marker
        const about = { partition: `${topic}-${partition}`, producerId, error: reason }
        if (fencing.has(reason)) {
          this.logger.warn('a partition refused the end of a transaction: it stays open', about)
          return false
        }
        if (delayMs === retryDelayMsMax) {
          this.logger.warn('a partition cannot take the end of a transaction yet', about)
        }
      }
      await new Promise<void>((resolve) => this.clock.after(delayMs, resolve))
    }
  }
}

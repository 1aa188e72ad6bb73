import { type Clock, pause } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { mapInTurns, type Turns } from '../../base/turns.ts'
import { ApiError, type ErrorName } from '../../protocol/errors.ts'
import type { Marker } from '../coordinator-log.ts'
import type { MarkerOrder } from './commands.ts'

/**
 * Writes one marker to one partition. Resolves when the marker is committed, or if the partition no
 * longer exists.
 *
 * @throws ApiError (rejects) of the partition's leader.
 */
export type WriteMarker = (topic: string, partition: number, marker: Marker) => Promise<void>

/** Delay in ms before a refused marker is sent again to its partition; doubles with each try. */
const retryDelayMsMin = 20
const retryDelayMsMax = 1000

/** Errors that mean that a newer coordinator has taken over; it has to end the transaction. */
const fencing: ReadonlySet<ErrorName> = new Set([
  'INVALID_PRODUCER_EPOCH',
  'TRANSACTION_COORDINATOR_FENCED',
])

/**
 * Writes the markers of a transaction to all its partitions (Kafka:
 * `TransactionMarkerChannelManager`).
 */
export class MarkerDelivery {
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly write: WriteMarker
  private readonly turns: Turns

  constructor(options: {
    readonly clock: Clock
    readonly logger: Logger
    readonly turns: Turns
    readonly write: WriteMarker
  }) {
    this.clock = options.clock
    this.turns = options.turns
    this.logger = options.logger
    this.write = options.write
  }

  /**
   * Writes the markers of one transaction.
   *
   * @param isVoid is called right before each marker: an order of a coordinator that lost its
   *   partition must not be carried out, because the producer may have begun another transaction
   *   since.
   * @returns true when every partition has its marker, false if the order is abandoned.
   */
  async deliver(
    order: MarkerOrder,
    coordinatorEpoch: number,
    isVoid: () => boolean,
  ): Promise<boolean> {
    const { producerId, producerEpoch, isCommit, transactionVersion } = order
    const marker = { producerId, producerEpoch, isCommit, transactionVersion, coordinatorEpoch }
    const places = order.topics.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    )
    const delivered = await mapInTurns(this.turns, places, ({ topic, partition }) =>
      this.deliverTo(topic, partition, marker, isVoid),
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
        // A disk error is no ApiError; the retry may reach another leader of the partition.
        const reason = error instanceof ApiError ? error.reason : 'KAFKA_STORAGE_ERROR'
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
      await pause(this.clock, delayMs)
    }
  }
}

import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import type { Turns } from '../base/turns.ts'
import type { Marker } from '../coordinator/coordinator-log.ts'
import type { GroupCoordinator } from '../coordinator/group/coordinator.ts'
import type { TransactionConfig } from '../coordinator/transaction/commands.ts'
import { TransactionCoordinator } from '../coordinator/transaction/coordinator.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import type { BrokerMetadata } from '../metadata/metadata.ts'
import { ApiError, type ErrorName } from '../protocol/errors.ts'
import { markerBatch } from '../replication/coordinator-partition.ts'
import type { Partitions } from '../replication/partitions.ts'
import { coordinateTopic } from './coordinated-topic.ts'
import { offsetsTopic, transactionsTopic } from './internal-topics.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { RemoteMarkers } from './remote-markers.ts'

interface Rooms {
  readonly turns: Turns
  readonly brokerId: number
  readonly clock: Clock
  readonly logger: Logger
  readonly metadata: BrokerMetadata
  readonly settings: BrokerSettings
  readonly partitions: Partitions
  readonly groups: GroupCoordinator
  readonly producerIds: ProducerIds
  readonly remoteMarkers: RemoteMarkers
}

/**
 * Creates the transaction coordinator and keeps it in step with the `__transaction_state`
 * partitions that this broker leads. Call it before partitions are opened.
 */
export function transactionsOf(rooms: Rooms): TransactionCoordinator {
  const { clock, logger, turns, metadata, settings, partitions, producerIds } = rooms
  const transactions = new TransactionCoordinator({
    partitionCount: () =>
      metadata.image.topics.get(transactionsTopic)?.partitions.length ??
      settings.int('transaction.state.log.num.partitions'),
    clock,
    logger,
    turns,
    config: transactionSettings(settings, metadata),
    takeProducerId: () => producerIds.take(),
    writeMarker: (topic, partition, marker) => deliver(topic, partition, marker, rooms),
  })
  coordinateTopic({
    topic: transactionsTopic,
    coordinator: transactions,
    baseSequence: -1,
    partitions,
    clock,
  })
  return transactions
}

/**
 * Delivers a marker to the partition's leader. A deleted topic needs none; but only an image that
 * is not behind the controller proves the deletion: the topic may have just been created.
 * @throws (rejects) ApiError, as `writeMarker`; NOT_LEADER_OR_FOLLOWER if the controller or the
 * leader cannot be reached.
 */
export async function deliver(
  topic: string,
  index: number,
  marker: Marker,
  rooms: Pick<Rooms, 'brokerId' | 'metadata' | 'remoteMarkers' | 'partitions' | 'groups' | 'clock'>,
): Promise<void> {
  const { brokerId, metadata, remoteMarkers } = rooms
  const find = () => metadata.image.topics.get(topic)?.partitions[index]
  let partition = find()
  if (partition === undefined) {
    await metadata.refreshed().catch((error: unknown) => {
      throw new ApiError('NOT_LEADER_OR_FOLLOWER', messageOf(error))
    })
    partition = find()
  }
  if (partition === undefined) return
  if (partition.leader === brokerId) return writeMarker(topic, index, marker, rooms)
  if (partition.leader < 0) throw new ApiError('NOT_LEADER_OR_FOLLOWER')
  return remoteMarkers.write(partition.leader, topic, index, marker)
}

/** Errors that the transaction coordinator does not handle; it only checks whether to retry. */
const notReady: ReadonlySet<ErrorName> = new Set([
  'COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR',
])

/**
 * Ends a producer's transaction in one partition of this broker.
 * @throws (rejects) ApiError NOT_LEADER_OR_FOLLOWER | INVALID_PRODUCER_EPOCH |
 * TRANSACTION_COORDINATOR_FENCED | KAFKA_STORAGE_ERROR
 */
export async function writeMarker(
  topic: string,
  index: number,
  marker: Marker,
  { partitions, groups, clock }: Pick<Rooms, 'partitions' | 'groups' | 'clock'>,
): Promise<void> {
  if (topic === offsetsTopic) {
    try {
      return await groups.endTransaction(index, marker)
    } catch (error) {
      if (error instanceof ApiError && notReady.has(error.reason)) {
        throw new ApiError('NOT_LEADER_OR_FOLLOWER')
      }
      throw error
    }
  }
  const partition = partitions.get(topic, index)
  if (partition === undefined) throw new ApiError('NOT_LEADER_OR_FOLLOWER')
  const bytes = markerBatch(marker, clock.nowMs())
  await partition.appendTrusted(bytes, partition.leaderEpoch, marker.transactionVersion).committed
}

/** Returns the transaction coordinator's config, backed by the broker's current settings. */
function transactionSettings(
  settings: BrokerSettings,
  metadata: BrokerMetadata,
): TransactionConfig {
  return {
    get transactionMaxTimeoutMs() {
      return settings.int('transaction.max.timeout.ms')
    },
    get transactionAbortTimedOutTransactionCleanupIntervalMs() {
      return settings.int('transaction.abort.timed.out.transaction.cleanup.interval.ms')
    },
    get transactionRemoveExpiredTransactionCleanupIntervalMs() {
      return settings.int('transaction.remove.expired.transaction.cleanup.interval.ms')
    },
    get transactionalIdExpirationMs() {
      return settings.int('transactional.id.expiration.ms')
    },
    get transactionVersion() {
      return metadata.image.features.get('transaction.version') ?? 0
    },
  }
}

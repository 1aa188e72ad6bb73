import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Marker } from '../coordinator/coordinator-log.ts'
import type { GroupCoordinator } from '../coordinator/group/coordinator.ts'
import type { TransactionConfig } from '../coordinator/transaction/commands.ts'
import { TransactionCoordinator } from '../coordinator/transaction/coordinator.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import { inStep, type Metadata } from '../metadata/metadata.ts'
import { type ErrorName, Refusal } from '../protocol/errors.ts'
import { markerBatch } from '../replication/coordinator-log.ts'
import type { Partitions } from '../replication/partitions.ts'
import { coordinateTopic } from './coordinated-topic.ts'
import { offsetsTopic, transactionsTopic } from './internal-topics.ts'
import type { Peer } from './peers.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { Services } from './services.ts'

interface Rooms {
  readonly brokerId: number
  readonly clock: Clock
  readonly logger: Logger
  readonly metadata: Metadata
  readonly settings: BrokerSettings
  readonly partitions: Partitions
  readonly groups: GroupCoordinator
  readonly producerIds: ProducerIds
  readonly peers: ReadonlyMap<number, Peer>
}

/**
 * The transactions of this broker, kept in step with the partitions of `__transaction_state` that it
 * leads. To be made before the partitions are opened.
 */
export function transactionsOf(rooms: Rooms): TransactionCoordinator {
  const { clock, logger, metadata, settings, partitions, producerIds } = rooms
  const transactions = new TransactionCoordinator({
    partitionCount: () =>
      metadata.image.topics.get(transactionsTopic)?.partitions.length ??
      settings.int('transaction.state.log.num.partitions'),
    clock,
    logger,
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

/** What other brokers may ask of this one. */
export function peerOf(services: Services): Peer {
  const { transactions } = services
  return {
    transactions,
    writeMarker: (topic, partition, marker) => writeMarker(topic, partition, marker, services),
  }
}

/**
 * Sees a marker to the partition's leader. A topic that is gone needs none any more; but whether it is gone
 * only an image can say that is not behind the controller: the topic may have just been made.
 *
 * @throws (rejects) Refusal, as `writeMarker`; KAFKA_STORAGE_ERROR when the controller cannot be asked.
 */
export async function deliver(
  topic: string,
  index: number,
  marker: Marker,
  rooms: Pick<Rooms, 'brokerId' | 'metadata' | 'peers' | 'partitions' | 'groups' | 'clock'>,
): Promise<void> {
  const { brokerId, metadata, peers } = rooms
  const find = () => metadata.image.topics.get(topic)?.partitions[index]
  let partition = find()
  if (partition === undefined) {
    await inStep(metadata)
    partition = find()
  }
  if (partition === undefined) return
  if (partition.leader === brokerId) return writeMarker(topic, index, marker, rooms)
  const peer = peers.get(partition.leader)
  if (peer === undefined) throw new Refusal('NOT_LEADER_OR_FOLLOWER')
  return peer.writeMarker(topic, index, marker)
}

/** What the transaction coordinator does not know how to take: it only asks whether to try again. */
const notReady: ReadonlySet<ErrorName> = new Set([
  'COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR',
])

/**
 * Ends a producer's transaction in one partition of this broker.
 * @throws (rejects) Refusal NOT_LEADER_OR_FOLLOWER | INVALID_PRODUCER_EPOCH |
 *   TRANSACTION_COORDINATOR_FENCED | KAFKA_STORAGE_ERROR
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
      if (error instanceof Refusal && notReady.has(error.reason)) {
        throw new Refusal('NOT_LEADER_OR_FOLLOWER')
      }
      throw error
    }
  }
  const partition = partitions.get(topic, index)
  if (partition === undefined) throw new Refusal('NOT_LEADER_OR_FOLLOWER')
  const bytes = markerBatch(marker, clock.nowMs())
  await partition.appendTrusted(bytes, partition.leaderEpoch, marker.transactionVersion).committed
}

/** What transactions ask for, out of the broker's settings as they are at the moment. */
function transactionSettings(settings: BrokerSettings, metadata: Metadata): TransactionConfig {
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

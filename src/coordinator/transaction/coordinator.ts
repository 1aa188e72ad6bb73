import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { Refusal } from '../../protocol/errors.ts'
import type { CoordinatorLog, LoadedBatch } from '../coordinator-log.ts'
import type { HostedShard, ShardKind, To } from '../hosted-shard.ts'
import { HostedShards } from '../hosted-shards.ts'
import type {
  DescribedTransaction,
  ListedTransaction,
  ListFilter,
  MarkerOrder,
  NeedsId,
  TransactionCommand,
  TransactionConfig,
} from './commands.ts'
import { MarkerDelivery, type WriteMarker } from './marker-delivery.ts'
import type { PartitionSet } from './partition-set.ts'
import { fromKeyValue, type TransactionRecord, toKeyValue } from './records.ts'
import { TransactionShard } from './shard.ts'
import type { ProducerIdentity } from './transaction.ts'

type Shard = HostedShard<TransactionCommand, TransactionRecord, TransactionShard>

export interface TransactionCoordinatorOptions {
  /** Partitions of `__transaction_state`, as it is or as it will be created. */
  readonly partitionCount: () => number
  readonly clock: Clock
  readonly logger: Logger
  readonly config: TransactionConfig
  /** A producer id that was never used; rejects where none is to be had now. */
  readonly takeProducerId: () => Promise<number>
  readonly writeMarker: WriteMarker
}

interface OfProducer extends ProducerIdentity {
  readonly transactionalId: string
}

/**
 * All transactional ids that this broker coordinates. A request fails with NOT_COORDINATOR where
 * another broker leads the id's partition, with COORDINATOR_LOAD_IN_PROGRESS while it is being read.
 */
export class TransactionCoordinator {
  private readonly o: TransactionCoordinatorOptions
  private readonly shards: HostedShards<TransactionCommand, TransactionRecord, TransactionShard>
  private readonly delivery: MarkerDelivery

  constructor(o: TransactionCoordinatorOptions) {
    this.o = o
    this.delivery = new MarkerDelivery({ clock: o.clock, logger: o.logger, write: o.writeMarker })
    const { partitionCount, clock, logger } = o
    const kind = (host: () => Shard) => this.kindOf(host)
    this.shards = new HostedShards({ partitionCount, kind, clock, logger })
  }

  /** The partition of `__transaction_state` that keeps the transactional id. */
  partitionFor(transactionalId: string): number {
    return this.shards.partitionFor(transactionalId)
  }

  /** This broker leads the partition now. An older epoch is ignored. */
  elected(partition: number, leaderEpoch: number, log: CoordinatorLog): void {
    this.shards.elected(partition, leaderEpoch, log)
  }

  /** Another broker leads the partition now. */
  resigned(partition: number): void {
    this.shards.resigned(partition)
  }

  close(): void {
    this.shards.close()
  }

  /**
   * An id and an epoch above those of all producers that had the transactional id before.
   *
   * @param expected who the producer says it is (KIP-360); null for one that starts.
   * @throws (rejects) Refusal INVALID_REQUEST | INVALID_TRANSACTION_TIMEOUT | PRODUCER_FENCED |
   *   CONCURRENT_TRANSACTIONS
   */
  async initProducerId(o: {
    readonly transactionalId: string
    readonly timeoutMs: number
    readonly expected: ProducerIdentity | null
  }): Promise<ProducerIdentity> {
    checkId(o.transactionalId)
    if (o.timeoutMs <= 0 || o.timeoutMs > this.o.config.transactionMaxTimeoutMs) {
      throw new Refusal('INVALID_TRANSACTION_TIMEOUT')
    }
    return this.call(o, (to) => ({ kind: 'initProducerId', to, newProducerId: null, ...o }))
  }

  /**
   * @throws (rejects) Refusal INVALID_REQUEST | INVALID_PRODUCER_ID_MAPPING | PRODUCER_FENCED |
   *   CONCURRENT_TRANSACTIONS
   */
  async addPartitions(
    o: OfProducer & { readonly partitions: PartitionSet; readonly transactionVersion: number },
  ): Promise<void> {
    checkId(o.transactionalId)
    await this.call<true>(o, (to) => ({ kind: 'addPartitions', to, ...o }))
  }

  /**
   * Those of the partitions that are not part of the transaction.
   * @throws (rejects) as `addPartitions`
   */
  async verifyPartitions(
    o: OfProducer & { readonly partitions: PartitionSet },
  ): Promise<PartitionSet> {
    checkId(o.transactionalId)
    return this.call(o, (to) => ({ kind: 'verifyPartitions', to, ...o }))
  }

  /**
   * Decides the outcome; it is told to the partitions after the answer.
   *
   * @returns what the producer is from now on (with transaction version 2).
   * @throws (rejects) Refusal as `addPartitions`, and INVALID_TXN_STATE.
   */
  async endTransaction(
    o: OfProducer & { readonly isCommit: boolean; readonly transactionVersion: number },
  ): Promise<ProducerIdentity> {
    checkId(o.transactionalId)
    return this.call(o, (to) => ({ kind: 'endTransaction', to, newProducerId: null, ...o }))
  }

  /** @throws (rejects) Refusal INVALID_REQUEST | TRANSACTIONAL_ID_NOT_FOUND */
  async describe(transactionalId: string): Promise<DescribedTransaction> {
    checkId(transactionalId)
    return this.call({ transactionalId }, (to) => ({ kind: 'describe', to, transactionalId }))
  }

  /** @throws (rejects) Refusal COORDINATOR_LOAD_IN_PROGRESS while any partition is being read. */
  async list(filter: ListFilter): Promise<ListedTransaction[]> {
    if (this.shards.all().some(({ isLoading }) => isLoading)) {
      throw new Refusal('COORDINATOR_LOAD_IN_PROGRESS')
    }
    return this.shards.gather<ListedTransaction>((to) => ({ kind: 'list', to, filter }))
  }

  private call<T>(
    { transactionalId }: { readonly transactionalId: string },
    command: (to: To<T>) => TransactionCommand,
  ): Promise<T> {
    return this.shards.call(transactionalId, command)
  }

  private kindOf(
    host: () => Shard,
  ): ShardKind<TransactionCommand, TransactionRecord, TransactionShard> {
    return {
      topic: '__transaction_state',
      newMachine: () => this.newShard(host),
      recordsOf,
      append: (records, log) => {
        const { transactionVersion } = this.o.config
        return log.append(records.map((record) => toKeyValue(record, transactionVersion)))
      },
      loaded: { kind: 'loaded' },
    }
  }

  private newShard(hostOf: () => Shard): TransactionShard {
    const { config, logger } = this.o
    const machine = new TransactionShard({
      config,
      logger,
      ports: {
        fetchProducerId: (command) => void this.fetchProducerId(command, hostOf()),
        writeMarkers: (order) => void this.writeMarkers(order, machine, hostOf()),
      },
    })
    return machine
  }

  private async fetchProducerId(command: NeedsId, host: Shard): Promise<void> {
    try {
      const newProducerId = await this.o.takeProducerId()
      host.tell({ ...command, newProducerId })
    } catch (error) {
      this.o.logger.warn('no producer id is to be had', {
        transactionalId: command.transactionalId,
        error: error instanceof Error ? error.message : String(error),
      })
      // A fence is tried again with the next look at what has timed out.
      if (command.kind !== 'fence') command.to(new Refusal('COORDINATOR_LOAD_IN_PROGRESS'))
    }
  }

  private async writeMarkers(
    order: MarkerOrder,
    machine: TransactionShard,
    host: Shard,
  ): Promise<void> {
    const isVoid = () => this.shards.isClosed || host.machine !== machine
    const isDelivered = await this.delivery.deliver(order, host.leaderEpoch, isVoid)
    if (!isDelivered || isVoid()) return
    const { transactionalId, producerId, producerEpoch } = order
    host.tell({ kind: 'markersWritten', transactionalId, producerId, producerEpoch })
  }
}

/** @throws Refusal INVALID_REQUEST */
function checkId(transactionalId: string): void {
  if (transactionalId === '') throw new Refusal('INVALID_REQUEST')
}

function* recordsOf(batch: LoadedBatch): Generator<TransactionRecord> {
  for (const keyValue of batch.records) {
    const record = fromKeyValue(keyValue)
    if (record !== null) yield record
  }
}

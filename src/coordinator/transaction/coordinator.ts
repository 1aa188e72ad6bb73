import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/error-text.ts'
import type { Logger } from '../../base/logger.ts'
import type { Turns } from '../../base/turns.ts'
import { ApiError } from '../../protocol/errors.ts'
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
  TransactionEffect,
} from './commands.ts'
import { MarkerDelivery, type WriteMarker } from './marker-delivery.ts'
import type { PartitionSet } from './partition-set.ts'
import { fromKeyValue, type TransactionRecord, toKeyValue } from './records.ts'
import { TransactionShard } from './shard.ts'
import type { ProducerIdentity } from './transaction.ts'

type Shard = HostedShard<TransactionCommand, TransactionRecord, TransactionEffect, TransactionShard>

export interface TransactionCoordinatorOptions {
  /** The number of partitions that `__transaction_state` has, or will have once it is created. */
  readonly partitionCount: () => number
  readonly clock: Clock
  readonly logger: Logger
  readonly turns: Turns
  readonly config: TransactionConfig
  /** Returns an unused producer id; rejects if none is available now. */
  readonly takeProducerId: () => Promise<number>
  readonly writeMarker: WriteMarker
}

interface OfProducer extends ProducerIdentity {
  readonly transactionalId: string
}

/**
 * Coordinates the transactional ids of this broker. A request fails with NOT_COORDINATOR if another
 * broker leads the id's partition, with COORDINATOR_LOAD_IN_PROGRESS while the partition is read.
 */
export class TransactionCoordinator {
  private readonly options: TransactionCoordinatorOptions
  private readonly shards: HostedShards<
    TransactionCommand,
    TransactionRecord,
    TransactionEffect,
    TransactionShard
  >
  private readonly delivery: MarkerDelivery

  constructor(options: TransactionCoordinatorOptions) {
    this.options = options
    const { partitionCount, clock, logger, turns } = options
    this.delivery = new MarkerDelivery({ clock, logger, turns, write: options.writeMarker })
    this.shards = new HostedShards({ partitionCount, kind: this.kind(), clock, logger })
  }

  /** Returns the partition of `__transaction_state` for the transactional id. */
  partitionFor(transactionalId: string): number {
    return this.shards.partitionFor(transactionalId)
  }

  /** Makes this broker the leader of the partition. Ignores an older leader epoch. */
  elected(partition: number, leaderEpoch: number, log: CoordinatorLog): void {
    this.shards.elected(partition, leaderEpoch, log)
  }

  /** Closes the shard of a partition that another broker leads. */
  resigned(partition: number): void {
    this.shards.resigned(partition)
  }

  close(): void {
    this.shards.close()
  }

  /**
   * Returns a producer id and an epoch above those of all earlier producers of the transactional
   * id.
   *
   * @param expected the producer id and epoch that the client sent (KIP-360); null if it sent
   *   none.
   * @throws (rejects) ApiError INVALID_REQUEST | INVALID_TRANSACTION_TIMEOUT | PRODUCER_FENCED |
   *   CONCURRENT_TRANSACTIONS
   */
  async initProducerId(options: {
    readonly transactionalId: string
    readonly timeoutMs: number
    readonly expected: ProducerIdentity | null
  }): Promise<ProducerIdentity> {
    checkId(options.transactionalId)
    if (options.timeoutMs <= 0 || options.timeoutMs > this.options.config.transactionMaxTimeoutMs) {
      throw new ApiError('INVALID_TRANSACTION_TIMEOUT')
    }
    return this.call(options, (to) => ({
      kind: 'initProducerId',
      to,
      newProducerId: null,
      ...options,
    }))
  }

  /**
   * @throws (rejects) ApiError INVALID_REQUEST | INVALID_PRODUCER_ID_MAPPING | PRODUCER_FENCED |
   *   CONCURRENT_TRANSACTIONS
   */
  async addPartitions(
    options: OfProducer & {
      readonly partitions: PartitionSet
      readonly transactionVersion: number
    },
  ): Promise<void> {
    checkId(options.transactionalId)
    await this.call<true>(options, (to) => ({ kind: 'addPartitions', to, ...options }))
  }

  /**
   * Returns the partitions that are not part of the transaction.
   *
   * @throws (rejects) as `addPartitions`
   */
  async verifyPartitions(
    options: OfProducer & { readonly partitions: PartitionSet },
  ): Promise<PartitionSet> {
    checkId(options.transactionalId)
    return this.call(options, (to) => ({ kind: 'verifyPartitions', to, ...options }))
  }

  /**
   * Decides the outcome. The markers are written after the answer.
   *
   * @returns the producer id and epoch to use from now on (with transaction version 2).
   * @throws (rejects) ApiError as `addPartitions`, and INVALID_TXN_STATE.
   */
  async endTransaction(
    options: OfProducer & { readonly isCommit: boolean; readonly transactionVersion: number },
  ): Promise<ProducerIdentity> {
    checkId(options.transactionalId)
    return this.call(options, (to) => ({
      kind: 'endTransaction',
      to,
      newProducerId: null,
      ...options,
    }))
  }

  /** @throws (rejects) ApiError INVALID_REQUEST | TRANSACTIONAL_ID_NOT_FOUND */
  async describe(transactionalId: string): Promise<DescribedTransaction> {
    checkId(transactionalId)
    return this.call({ transactionalId }, (to) => ({ kind: 'describe', to, transactionalId }))
  }

  /** @throws (rejects) ApiError COORDINATOR_LOAD_IN_PROGRESS while any partition is being read. */
  async list(filter: ListFilter): Promise<ListedTransaction[]> {
    if (this.shards.all().some(({ isLoading }) => isLoading)) {
      throw new ApiError('COORDINATOR_LOAD_IN_PROGRESS')
    }
    return this.shards.gather<ListedTransaction>((to) => ({ kind: 'list', to, filter }))
  }

  private call<T>(
    { transactionalId }: { readonly transactionalId: string },
    command: (to: To<T>) => TransactionCommand,
  ): Promise<T> {
    return this.shards.call(transactionalId, command)
  }

  private kind(): ShardKind<
    TransactionCommand,
    TransactionRecord,
    TransactionEffect,
    TransactionShard
  > {
    const { config, logger } = this.options
    return {
      topic: '__transaction_state',
      newMachine: () => new TransactionShard({ config, logger }),
      recordsOf,
      append: (records, log) => {
        const { transactionVersion } = config
        return log.append(records.map((record) => toKeyValue(record, transactionVersion)))
      },
      perform: (effect, shard) => {
        if (effect.kind === 'writeMarkers') void this.writeMarkers(effect.order, shard)
        else void this.takeProducerId(effect.command, shard)
      },
      loaded: { kind: 'loaded' },
    }
  }

  private async takeProducerId(command: NeedsId, shard: Shard): Promise<void> {
    try {
      const newProducerId = await this.options.takeProducerId()
      shard.tell({ ...command, newProducerId })
    } catch (error) {
      this.options.logger.warn('no producer id is to be had', {
        transactionalId: command.transactionalId,
        error: messageOf(error),
      })
      // The next check for timed-out transactions tries the fence again.
      if (command.kind !== 'fence') command.to(new ApiError('COORDINATOR_LOAD_IN_PROGRESS'))
    }
  }

  private async writeMarkers(order: MarkerOrder, shard: Shard): Promise<void> {
    const { machine } = shard
    const isVoid = () => this.shards.isClosed || shard.machine !== machine
    const isDelivered = await this.delivery.deliver(order, shard.leaderEpoch, isVoid)
    if (!isDelivered || isVoid()) return
    const { transactionalId, producerId, producerEpoch } = order
    shard.tell({ kind: 'markersWritten', transactionalId, producerId, producerEpoch })
  }
}

/** @throws ApiError INVALID_REQUEST */
function checkId(transactionalId: string): void {
  if (transactionalId === '') throw new ApiError('INVALID_REQUEST')
}

function* recordsOf(batch: LoadedBatch): Generator<TransactionRecord> {
  for (const keyValue of batch.records) {
    const record = fromKeyValue(keyValue)
    if (record !== null) yield record
  }
}

import type { describeTransactions } from '../../protocol/messages/65-describe-transactions.ts'
import type { listTransactions } from '../../protocol/messages/66-list-transactions.ts'
import type { Response } from '../../protocol/schema.ts'
import type { To } from '../hosted-shard.ts'
import type { PartitionSet, TopicPartitions } from './partition-set.ts'
import type { TransactionState } from './states.ts'
import type { ProducerIdentity } from './transaction.ts'

export type DescribedTransaction = Response<
  typeof describeTransactions
>['transactionStates'][number]
export type ListedTransaction = Response<typeof listTransactions>['transactionStates'][number]

export interface ListFilter {
  readonly producerIds: ReadonlySet<number>
  /** null for every state. */
  readonly states: ReadonlySet<TransactionState> | null
  /** Only what has lasted longer than this; below 0 for any. */
  readonly durationMs: number
  readonly matches: (transactionalId: string) => boolean
}

/** What needs a producer id that nobody had comes back with one, once there is one. */
interface MayNeedId {
  readonly newProducerId: number | null
}

/** Of a request: who asks for which transactional id. */
interface OfProducer extends ProducerIdentity {
  readonly transactionalId: string
}

export type InitProducerId = MayNeedId & {
  readonly kind: 'initProducerId'
  readonly to: To<ProducerIdentity>
  readonly transactionalId: string
  readonly timeoutMs: number
  /** Who the producer says it is (KIP-360); null for one that starts. */
  readonly expected: ProducerIdentity | null
}

export type EndTransaction = MayNeedId &
  OfProducer & {
    readonly kind: 'endTransaction'
    /** What the producer is from now on. */
    readonly to: To<ProducerIdentity>
    readonly isCommit: boolean
    readonly transactionVersion: number
  }

/** Aborts what an older producer has left open, so that it cannot go on. */
export type Fence = MayNeedId & OfProducer & { readonly kind: 'fence' }

export type TransactionCommand =
  | InitProducerId
  | EndTransaction
  | Fence
  | (OfProducer & {
      readonly kind: 'addPartitions'
      readonly to: To<true>
      readonly partitions: PartitionSet
      readonly transactionVersion: number
    })
  | (OfProducer & {
      readonly kind: 'verifyPartitions'
      /** Those of the partitions that are not part of the transaction. */
      readonly to: To<PartitionSet>
      readonly partitions: PartitionSet
    })
  | {
      readonly kind: 'describe'
      readonly to: To<DescribedTransaction>
      readonly transactionalId: string
    }
  | {
      readonly kind: 'list'
      readonly to: To<ListedTransaction[]>
      readonly filter: ListFilter
    }
  /** Every partition knows the outcome that was decided with this epoch. */
  | (OfProducer & { readonly kind: 'markersWritten' })
  | { readonly kind: 'abortTimedOut' }
  | { readonly kind: 'forgetIdle' }
  | { readonly kind: 'loaded' }

export type NeedsId = InitProducerId | EndTransaction | Fence

/** An outcome that partitions have to be told. */
export interface MarkerOrder extends ProducerIdentity {
  readonly transactionalId: string
  readonly isCommit: boolean
  readonly transactionVersion: number
  readonly topics: readonly TopicPartitions[]
}

/** What a shard asks of the world around it; called once the log is committed. */
export interface TransactionPorts {
  /** Fetches a producer id that was never used, then submits the command again with it. */
  fetchProducerId(command: NeedsId): void
  /** Has the markers written, however long it takes, then submits `markersWritten`. */
  writeMarkers(order: MarkerOrder): void
}

/** The settings that transactions ask for, under Kafka's names; getters, for some may change. */
export interface TransactionConfig {
  readonly transactionMaxTimeoutMs: number
  readonly transactionAbortTimedOutTransactionCleanupIntervalMs: number
  readonly transactionRemoveExpiredTransactionCleanupIntervalMs: number
  readonly transactionalIdExpirationMs: number
  /** The finalized level of the feature `transaction.version`. */
  readonly transactionVersion: number
}

/** Kafka's defaults. */
export const transactionConfigDefaults: TransactionConfig = {
  transactionMaxTimeoutMs: 900_000,
  transactionAbortTimedOutTransactionCleanupIntervalMs: 10_000,
  transactionRemoveExpiredTransactionCleanupIntervalMs: 3_600_000,
  transactionalIdExpirationMs: 604_800_000,
  transactionVersion: 2,
}

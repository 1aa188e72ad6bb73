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
  /** Selects transactions that run longer than this many ms; a negative value selects all. */
  readonly durationMs: number
}

/** A command that may need an unused producer id; it is submitted again once there is one. */
interface MayNeedId {
  readonly newProducerId: number | null
}

/** The producer and the transactional id of a request. */
interface OfProducer extends ProducerIdentity {
  readonly transactionalId: string
}

export type InitProducerId = MayNeedId & {
  readonly kind: 'initProducerId'
  readonly to: To<ProducerIdentity>
  readonly transactionalId: string
  readonly timeoutMs: number
  /** The producer id and epoch that the client sent (KIP-360); null if it sent none. */
  readonly expected: ProducerIdentity | null
}

export type EndTransaction = MayNeedId &
  OfProducer & {
    readonly kind: 'endTransaction'
    /** Receives the producer id and epoch to use from now on. */
    readonly to: To<ProducerIdentity>
    readonly isCommit: boolean
    readonly transactionVersion: number
  }

/** Aborts the open transaction of a producer and fences that producer. */
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
      /** Receives the partitions that are not part of the transaction. */
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
  /** All partitions have the marker of this producer epoch. */
  | (OfProducer & { readonly kind: 'markersWritten' })
  | { readonly kind: 'abortTimedOut' }
  | { readonly kind: 'forgetIdle' }
  | { readonly kind: 'loaded' }

export type NeedsId = InitProducerId | EndTransaction | Fence

/** The markers to write for a decided transaction. */
export interface MarkerOrder extends ProducerIdentity {
  readonly transactionalId: string
  readonly isCommit: boolean
  readonly transactionVersion: number
  readonly topics: readonly TopicPartitions[]
}

/** Work of others for a shard. */
export type TransactionEffect =
  /** Takes an unused producer id, then submits the command again with it. */
  | { readonly kind: 'takeProducerId'; readonly command: NeedsId }
  /** Writes the markers, retrying without limit, then submits `markersWritten`. */
  | { readonly kind: 'writeMarkers'; readonly order: MarkerOrder }

/** The transaction settings, under Kafka's names. Some are dynamic: implementations use getters. */
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

import { pause } from '../base/clock.ts'
import type { PartitionSet } from '../coordinator/transaction/partition-set.ts'
import { has, partitionSet } from '../coordinator/transaction/partition-set.ts'
import { ApiError, type ErrorName } from '../protocol/errors.ts'
import type { Partition } from '../replication/partition.ts'
import { type AdmittingCoordinator, CoordinatorElsewhere } from './coordinator-elsewhere.ts'
import { transactionsTopic } from './internal-topics.ts'
import type { Services } from './services.ts'

/** The reason why a transactional batch is not appended; `detail` is the response's message. */
export class NotAdmitted extends ApiError {}

/** Capabilities of the client's version of Produce or TxnOffsetCommit (KIP-890). */
export type Support = 'oldErrors' | 'abortableErrors' | 'addsPartitions'

export interface TransactionalProducer {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

/** Returned for an admitted batch and passed on to the append; see `AppendContext.guard`. */
interface Admitted {
  readonly guard: symbol | null | undefined
}

interface Waiting {
  readonly sequence: number
  outcome: symbol | null | ApiError
}

const retried: ErrorName = 'CONCURRENT_TRANSACTIONS'

/**
 * Transaction verification for one request (KIP-890): asks the transaction coordinator, once for
 * all partitions, whether they belong to the producer's transaction; from transaction version 2 on
 * it adds them. Skips partitions where the transaction is already open.
 */
export class Admission {
  private readonly producer: TransactionalProducer
  private readonly support: Support
  private readonly services: Services
  private readonly waiting = new Map<Partition, Waiting>()
  private asked: Promise<void> | null = null

  constructor(producer: TransactionalProducer, support: Support, services: Services) {
    this.producer = producer
    this.support = support
    this.services = services
  }

  /**
   * Returns at once if the transaction is open, else resolves after the coordinator's answer. Call
   * it for all partitions of a request in one turn of the loop.
   * @param sequence base sequence of the batch; -1 without one.
   * @throws NotAdmitted, synchronously or as a rejection.
   */
  admit(partition: Partition, sequence: number): Admitted | Promise<Admitted> {
    if (!this.addsPartitions && !this.isVerifying) return { guard: undefined }
    const guard = this.begin(partition, sequence)
    if (guard instanceof ApiError) throw guard
    if (guard === null) return this.admitted(null)
    this.waiting.set(partition, { sequence, outcome: guard })
    this.asked ??= Promise.resolve().then(() => this.ask())
    return this.asked.then(() => {
      const { outcome } = this.waiting.get(partition)!
      if (outcome instanceof ApiError) throw outcome
      return this.admitted(outcome)
    })
  }

  private get addsPartitions(): boolean {
    return this.support === 'addsPartitions'
  }

  private get isVerifying(): boolean {
    return this.services.settings.bool('transaction.partition.verification.enable')
  }

  private admitted(guard: symbol | null): Admitted {
    return { guard: this.isVerifying ? guard : undefined }
  }

  private begin(partition: Partition, sequence: number): symbol | null | ApiError {
    try {
      return partition.log.producers.beginVerification({
        ...this.producer,
        sequence,
        bumpsEpoch: this.addsPartitions,
        nowMs: this.services.clock.nowMs(),
      })
    } catch (error) {
      if (error instanceof ApiError) return new NotAdmitted(error.reason)
      throw error
    }
  }

  private async ask(): Promise<void> {
    const { clock, settings } = this.services
    const retryMs = Math.min(
      settings.int('add.partitions.to.txn.retry.backoff.max.ms'),
      settings.int('request.timeout.ms'),
    )
    const untilMs = clock.monotonicMs() + (this.addsPartitions ? retryMs : 0)
    for (;;) {
      const error = await this.askCoordinator()
      // The previous transaction is being completed, which takes only a moment.
      if (error !== retried || clock.monotonicMs() >= untilMs) {
        if (error !== null) this.refuse(() => true, error)
        return
      }
      const backoffMs = settings.int('add.partitions.to.txn.retry.backoff.ms')
      await pause(clock, backoffMs)
      for (const [partition, waiting] of this.waiting) {
        waiting.outcome = this.begin(partition, waiting.sequence)
      }
    }
  }

  /** @returns the error of all partitions of the request, or null. */
  private async askCoordinator(): Promise<ErrorName | null> {
    const partitions = this.unadmitted()
    try {
      const transactions = this.coordinator()
      if (this.addsPartitions) {
        await transactions.addPartitions({ ...this.producer, partitions, transactionVersion: 2 })
        return null
      }
      const missing = await transactions.verifyPartitions({ ...this.producer, partitions })
      this.refuse(({ topic, index }) => has(missing, topic, index), 'TRANSACTION_ABORTABLE')
      return null
    } catch (error) {
      if (error instanceof ApiError) return error.reason
      throw error
    }
  }

  private unadmitted(): PartitionSet {
    const topics = [...this.waiting]
      .filter(([, { outcome }]) => typeof outcome === 'symbol')
      .map(([{ topic, index }]) => ({ topic, partitions: [index] }))
    return partitionSet(topics)
  }

  /** @throws ApiError COORDINATOR_NOT_AVAILABLE while no broker leads the transactional id. */
  private coordinator(): AdmittingCoordinator {
    const { transactions, coordinators, identity, metadata, settings } = this.services
    const index = transactions.partitionFor(this.producer.transactionalId)
    const leader = metadata.image.topics.get(transactionsTopic)?.partitions[index]?.leader
    if (leader === identity.brokerId) return transactions
    if (leader === undefined || leader < 0) throw new ApiError('COORDINATOR_NOT_AVAILABLE')
    return new CoordinatorElsewhere(leader, coordinators, settings.int('request.timeout.ms'))
  }

  private refuse(isMeant: (partition: Partition) => boolean, error: ErrorName): void {
    const known = this.translate(error)
    for (const [partition, waiting] of this.waiting) {
      if (typeof waiting.outcome === 'symbol' && isMeant(partition)) {
        waiting.outcome = new NotAdmitted(known)
      }
    }
  }

  /** Returns the error code that clients of this version know (`AddPartitionsToTxnManager`). */
  private translate(error: ErrorName): ErrorName {
    if (error === 'PRODUCER_FENCED') return 'INVALID_PRODUCER_EPOCH'
    const isOld = this.support === 'oldErrors'
    return error === 'TRANSACTION_ABORTABLE' && isOld ? 'INVALID_TXN_STATE' : error
  }
}

/** Coordinator errors that clients before KIP-890 would not retry. */
const unverified: ReadonlySet<ErrorName> = new Set([
  'NETWORK_EXCEPTION',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
])

/** Returns Produce's error for a batch not admitted (`ReplicaManager.handleProduceAppend`). */
export function produceRefusal({ reason }: NotAdmitted, support: Support): NotAdmitted {
  if (reason === 'INVALID_TXN_STATE') {
    return new NotAdmitted(reason, 'Partition was not added to the transaction')
  }
  const isRetried = reason === retried && support !== 'addsPartitions'
  if (!isRetried && !unverified.has(reason)) return new NotAdmitted(reason)
  const cause = `Underlying error: ${reason}`
  return new NotAdmitted(
    'NOT_ENOUGH_REPLICAS',
    `Unable to verify the partition has been added to the transaction. ${cause}`,
  )
}

import { ApiError } from '../../protocol/errors.ts'
import { type PartitionSet, union } from './partition-set.ts'
import { isIdle, type TransactionState } from './states.ts'

export const noProducerId = -1
export const noProducerEpoch = -1

/** The last epoch of a producer id; after it the producer gets a new id (`isEpochExhausted`). */
export const lastUsableEpoch = 32_766
const epochMax = 32_767

/**
 * The timeout (ms) of a transaction that an outside coordinator ends (two-phase commit, KIP-939).
 */
const untimed = 2 ** 31 - 1

/** The state of one transactional id; immutable. Kafka: `TransactionMetadata`. */
export interface Transaction {
  readonly transactionalId: string
  readonly producerId: number
  /** The id before `producerId`; identifies a producer that missed the change of id. */
  readonly previousProducerId: number
  /** The producer id once the transaction is complete; -1 if it does not change. */
  readonly nextProducerId: number
  readonly producerEpoch: number
  /**
   * The epoch before, for a producer that missed the response with its new epoch. It is not in the
   * log: -1 after a load.
   */
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly state: TransactionState
  readonly partitions: PartitionSet
  /** -1 before the first transaction. */
  readonly startMs: number
  readonly lastUpdateMs: number
  /** The transaction version of the last transaction's producer: 0 (KIP-98) or 2 (KIP-890). */
  readonly clientTransactionVersion: number
}

export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

export function isEpochExhausted({ producerEpoch }: { readonly producerEpoch: number }): boolean {
  return producerEpoch >= lastUsableEpoch
}

/** Returns the initial state of a new transactional id; the log holds it once it has an epoch. */
export function unborn(
  transactionalId: string,
  options: { readonly producerId: number; readonly timeoutMs: number; readonly nowMs: number },
): Transaction {
  return {
    transactionalId,
    producerId: options.producerId,
    previousProducerId: noProducerId,
    nextProducerId: noProducerId,
    producerEpoch: noProducerEpoch,
    lastProducerEpoch: noProducerEpoch,
    timeoutMs: options.timeoutMs,
    state: 'Empty',
    partitions: new Map(),
    startMs: -1,
    lastUpdateMs: options.nowMs,
    clientTransactionVersion: 0,
  }
}

interface Renewal {
  readonly timeoutMs: number
  readonly nowMs: number
  /** The epoch that the producer sent; null if it sent none (before KIP-360). */
  readonly expectedEpoch: number | null
}

/**
 * Returns the next epoch for a producer that starts.
 *
 * @throws ApiError PRODUCER_FENCED if it has neither the newest epoch nor, as a retry, the one
 *   before.
 */
export function nextEpoch(from: Transaction, options: Renewal): Transaction {
  const { producerEpoch, lastProducerEpoch } = from
  const { expectedEpoch } = options
  const bumped = { producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch }
  if (expectedEpoch === null) {
    return renewed(from, { ...bumped, lastProducerEpoch: noProducerEpoch }, options)
  }
  if (producerEpoch === noProducerEpoch || expectedEpoch === producerEpoch) {
    return renewed(from, bumped, options)
  }
  // The response with the new epoch was lost: answers with the same epoch again.
  if (expectedEpoch === lastProducerEpoch) return renewed(from, {}, options)
  throw new ApiError('PRODUCER_FENCED')
}

/** Returns the state with a new producer id, because the epochs of the old one are exhausted. */
export function nextId(from: Transaction, producerId: number, options: Renewal): Transaction {
  const lastProducerEpoch = options.expectedEpoch === null ? noProducerEpoch : from.producerEpoch
  return renewed(from, { producerId, producerEpoch: 0, lastProducerEpoch }, options)
}

function renewed(from: Transaction, change: Partial<Transaction>, options: Renewal): Transaction {
  const empty = { state: 'Empty', partitions: new Map(), startMs: -1 } as const
  const { timeoutMs, nowMs } = options
  return step(from, { ...empty, timeoutMs, lastUpdateMs: nowMs, ...change })
}

/** Returns the transaction with more partitions; the first ones begin it. */
export function withPartitions(
  from: Transaction,
  partitions: PartitionSet,
  options: { readonly nowMs: number; readonly transactionVersion: number },
): Transaction {
  return step(from, {
    state: 'Ongoing',
    partitions: union(from.partitions, partitions),
    startMs: isIdle(from.state) ? options.nowMs : from.startMs,
    lastUpdateMs: options.nowMs,
    clientTransactionVersion: options.transactionVersion,
  })
}

/**
 * Returns the prepared state of the decided outcome. From transaction version 2 on the marker has a
 * new epoch, which fences late records of the producer.
 */
export function decided(
  from: Transaction,
  options: {
    readonly isCommit: boolean
    readonly transactionVersion: number
    readonly nextProducerId: number
    readonly nowMs: number
  },
): Transaction {
  const isBumped = options.transactionVersion >= 2
  const producerEpoch = Math.min(from.producerEpoch + (isBumped ? 1 : 0), epochMax)
  return step(from, {
    state: options.isCommit ? 'PrepareCommit' : 'PrepareAbort',
    producerEpoch,
    lastProducerEpoch: isBumped ? from.producerEpoch : from.lastProducerEpoch,
    nextProducerId: options.nextProducerId,
    // An abort without a transaction has no start time yet.
    startMs: isIdle(from.state) ? options.nowMs : from.startMs,
    lastUpdateMs: options.nowMs,
    clientTransactionVersion: options.transactionVersion,
  })
}

/** Returns the state with the next epoch, if there is one: it fences the producer. */
export function fenced(from: Transaction): Transaction {
  const producerEpoch = Math.min(from.producerEpoch + 1, epochMax)
  return { ...from, producerEpoch, lastProducerEpoch: noProducerEpoch }
}

/** Returns the complete state: all partitions have their marker. */
export function completed(from: Transaction, nowMs: number): Transaction {
  const { clientTransactionVersion, nextProducerId } = from
  const isRotated = clientTransactionVersion >= 2 && nextProducerId !== noProducerId
  return step(from, {
    state: from.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    ...(isRotated ? { producerId: nextProducerId, producerEpoch: 0 } : {}),
    nextProducerId: noProducerId,
    partitions: new Map(),
    lastUpdateMs: nowMs,
  })
}

export function isTimedOut({ state, timeoutMs, startMs }: Transaction, nowMs: number): boolean {
  return state === 'Ongoing' && timeoutMs !== untimed && startMs + timeoutMs < nowMs
}

/** Returns the changed state with `previousProducerId` set to the current producer id. */
function step(from: Transaction, change: Partial<Transaction>): Transaction {
  return { ...from, previousProducerId: from.producerId, ...change }
}

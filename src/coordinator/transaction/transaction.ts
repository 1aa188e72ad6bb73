import { Refusal } from '../../protocol/errors.ts'
import { type PartitionSet, union } from './partition-set.ts'
import { isIdle, type TransactionState } from './states.ts'

export const noProducerId = -1
export const noProducerEpoch = -1

/** The last epoch of a producer id: what would come after it gets a new id (`isEpochExhausted`). */
export const lastUsableEpoch = 32_766
const epochMax = 32_767

/** A transaction without a timeout belongs to an outside coordinator (two-phase commit, KIP-939). */
const untimed = 2 ** 31 - 1

/** What is known of one transactional id. Kafka: `TransactionMetadata`. Never changed in place. */
export interface Transaction {
  readonly transactionalId: string
  readonly producerId: number
  /** The one before `producerId`; a producer that missed a change of id is known by it. */
  readonly previousProducerId: number
  /** What the id will be once the transaction is complete; -1 if it stays. */
  readonly nextProducerId: number
  readonly producerEpoch: number
  /** The one before, for a producer whose bump was not answered; not in the log: -1 after a load. */
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly state: TransactionState
  readonly partitions: PartitionSet
  /** -1 before the first transaction. */
  readonly startMs: number
  readonly lastUpdateMs: number
  /** 0 (KIP-98) or 2 (KIP-890), as the producer of the newest transaction spoke. */
  readonly clientTransactionVersion: number
}

export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

export function isEpochExhausted({ producerEpoch }: { readonly producerEpoch: number }): boolean {
  return producerEpoch >= lastUsableEpoch
}

/** A transactional id that nobody has asked for before; not in the log until its first epoch is. */
export function unborn(
  transactionalId: string,
  o: { readonly producerId: number; readonly timeoutMs: number; readonly nowMs: number },
): Transaction {
  return {
    transactionalId,
    producerId: o.producerId,
    previousProducerId: noProducerId,
    nextProducerId: noProducerId,
    producerEpoch: noProducerEpoch,
    lastProducerEpoch: noProducerEpoch,
    timeoutMs: o.timeoutMs,
    state: 'Empty',
    partitions: new Map(),
    startMs: -1,
    lastUpdateMs: o.nowMs,
    clientTransactionVersion: 0,
  }
}

interface Renewal {
  readonly timeoutMs: number
  readonly nowMs: number
  /** The epoch that the producer says it has; null if it does not say (before KIP-360). */
  readonly expectedEpoch: number | null
}

/**
 * The next epoch for a producer that begins.
 * @throws Refusal PRODUCER_FENCED when it has neither the newest epoch nor, as a retry, the one before.
 */
export function nextEpoch(from: Transaction, o: Renewal): Transaction {
  const { producerEpoch, lastProducerEpoch } = from
  const { expectedEpoch } = o
  const bumped = { producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch }
  if (expectedEpoch === null) {
    return renewed(from, { ...bumped, lastProducerEpoch: noProducerEpoch }, o)
  }
  if (producerEpoch === noProducerEpoch || expectedEpoch === producerEpoch) {
    return renewed(from, bumped, o)
  }
  // The answer to the bump was lost: the same once more.
  if (expectedEpoch === lastProducerEpoch) return renewed(from, {}, o)
  throw new Refusal('PRODUCER_FENCED')
}

/** A new producer id, for the epochs of the old one are used up. */
export function nextId(from: Transaction, producerId: number, o: Renewal): Transaction {
  const lastProducerEpoch = o.expectedEpoch === null ? noProducerEpoch : from.producerEpoch
  return renewed(from, { producerId, producerEpoch: 0, lastProducerEpoch }, o)
}

function renewed(from: Transaction, change: Partial<Transaction>, o: Renewal): Transaction {
  const empty = { state: 'Empty', partitions: new Map(), startMs: -1 } as const
  const { timeoutMs, nowMs } = o
  return step(from, { ...empty, timeoutMs, lastUpdateMs: nowMs, ...change })
}

/** Partitions join the transaction; the first ones begin it. */
export function withPartitions(
  from: Transaction,
  partitions: PartitionSet,
  o: { readonly nowMs: number; readonly transactionVersion: number },
): Transaction {
  return step(from, {
    state: 'Ongoing',
    partitions: union(from.partitions, partitions),
    startMs: isIdle(from.state) ? o.nowMs : from.startMs,
    lastUpdateMs: o.nowMs,
    clientTransactionVersion: o.transactionVersion,
  })
}

/** The outcome is decided. From version 2 on it is told with a new epoch, which fences what is late. */
export function decided(
  from: Transaction,
  o: {
    readonly isCommit: boolean
    readonly transactionVersion: number
    readonly nextProducerId: number
    readonly nowMs: number
  },
): Transaction {
  const isBumped = o.transactionVersion >= 2
  const producerEpoch = Math.min(from.producerEpoch + (isBumped ? 1 : 0), epochMax)
  return step(from, {
    state: o.isCommit ? 'PrepareCommit' : 'PrepareAbort',
    producerEpoch,
    lastProducerEpoch: isBumped ? from.producerEpoch : from.lastProducerEpoch,
    nextProducerId: o.nextProducerId,
    // An abort of nothing: it has to begin sometime.
    startMs: isIdle(from.state) ? o.nowMs : from.startMs,
    lastUpdateMs: o.nowMs,
    clientTransactionVersion: o.transactionVersion,
  })
}

/** As an older producer would see itself after it was fenced: the next epoch, if there is one. */
export function fenced(from: Transaction): Transaction {
  const producerEpoch = Math.min(from.producerEpoch + 1, epochMax)
  return { ...from, producerEpoch, lastProducerEpoch: noProducerEpoch }
}

/** All partitions know the outcome. */
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

/** Every step remembers the producer id from which it was taken. */
function step(from: Transaction, change: Partial<Transaction>): Transaction {
  return { ...from, previousProducerId: from.producerId, ...change }
}

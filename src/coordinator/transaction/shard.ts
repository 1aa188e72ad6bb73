import { unreachable } from '../../base/assert.ts'
import type { Logger } from '../../base/logger.ts'
import { type Machine, OutcomeDraft } from '../../machine/machine.ts'
import { ApiError, errorCode } from '../../protocol/errors.ts'
import type {
  DescribedTransaction,
  EndTransaction,
  Fence,
  InitProducerId,
  ListFilter,
  MarkerOrder,
  NeedsId,
  TransactionCommand,
  TransactionConfig,
  TransactionEffect,
} from './commands.ts'
import { endOf } from './end.ts'
import { has, includes, type PartitionSet, topicsOf } from './partition-set.ts'
import type { TransactionRecord } from './records.ts'
import { isIdle, isPrepared } from './states.ts'
import {
  completed,
  decided,
  fenced,
  isEpochExhausted,
  isTimedOut,
  nextEpoch,
  nextId,
  noProducerEpoch,
  noProducerId,
  type ProducerIdentity,
  type Transaction,
  unborn,
  withPartitions,
} from './transaction.ts'

type Command<K extends TransactionCommand['kind']> = Extract<TransactionCommand, { kind: K }>
type Draft = OutcomeDraft<TransactionCommand, TransactionRecord, TransactionEffect>

const timedOutTimer = 'abort timed out'
const idleTimer = 'forget idle'

/** Maximum number of tombstones in one batch. */
const forgottenMax = 500

/**
 * The transactional ids of one partition of `__transaction_state`. Its records hold its whole
 * state.
 */
export class TransactionShard
  implements Machine<TransactionCommand, TransactionRecord, TransactionEffect>
{
  readonly transactions = new Map<string, Transaction>()
  private readonly config: TransactionConfig
  private readonly logger: Logger

  constructor(options: { readonly config: TransactionConfig; readonly logger: Logger }) {
    this.config = options.config
    this.logger = options.logger
  }

  decide(command: TransactionCommand, nowMs: number): Draft {
    const out: Draft = new OutcomeDraft()
    try {
      this.dispatch(command, out, nowMs)
      return out
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      // An error discards the records decided so far.
      const refused: Draft = new OutcomeDraft()
      if ('to' in command) refused.reply(command.to as (answer: ApiError) => void, error)
      return refused
    }
  }

  replay({ transactionalId, transaction }: TransactionRecord): void {
    if (transaction === null) this.transactions.delete(transactionalId)
    else this.transactions.set(transactionalId, transaction)
  }

  private dispatch(command: TransactionCommand, out: Draft, nowMs: number): void {
    switch (command.kind) {
      case 'initProducerId':
        return this.initProducerId(command, out, nowMs)
      case 'addPartitions':
        return this.addPartitions(command, out, nowMs)
      case 'verifyPartitions':
        return this.verifyPartitions(command, out)
      case 'endTransaction':
        return this.endTransaction(command, out, nowMs)
      case 'markersWritten':
        return this.markersWritten(command, out, nowMs)
      case 'describe':
        out.reply(command.to, this.describe(command.transactionalId))
        return
      case 'list':
        out.reply(command.to, this.list(command.filter, nowMs))
        return
      case 'fence':
        return this.fenceTimedOut(command, out, nowMs)
      case 'abortTimedOut':
        return this.abortTimedOut(out, nowMs)
      case 'forgetIdle':
        return this.forgetIdle(out, nowMs)
      case 'loaded':
        return this.loaded(out, nowMs)
      default:
        return unreachable(command)
    }
  }

  private initProducerId(command: InitProducerId, out: Draft, nowMs: number): void {
    const { transactionalId, timeoutMs, expected, newProducerId } = command
    let from = this.transactions.get(transactionalId)
    if (from === undefined) {
      if (newProducerId === null) return this.takeProducerId(command, out)
      from = unborn(transactionalId, { producerId: newProducerId, timeoutMs, nowMs })
    }
    if (expected !== null && !isOf(expected, from)) throw new ApiError('PRODUCER_FENCED')
    if (isPrepared(from.state)) throw new ApiError('CONCURRENT_TRANSACTIONS')
    if (from.state === 'Ongoing') {
      // The abort takes time; the producer retries and then gets an epoch above that of the fence.
      if (this.fence(from, command, out, nowMs)) {
        out.reply(command.to, new ApiError('CONCURRENT_TRANSACTIONS'))
      }
      return
    }
    const expectedEpoch = expected?.producerEpoch ?? null
    const renewal = { timeoutMs, nowMs, expectedEpoch }
    const mustRotate =
      isEpochExhausted(from) && (expectedEpoch === null || expectedEpoch === from.producerEpoch)
    if (mustRotate && newProducerId === null) return this.takeProducerId(command, out)
    const next = mustRotate ? nextId(from, newProducerId!, renewal) : nextEpoch(from, renewal)
    this.write(next, out)
    out.reply(command.to, identityOf(next))
  }

  private addPartitions(command: Command<'addPartitions'>, out: Draft, nowMs: number): void {
    const { partitions, transactionVersion } = command
    const from = this.ofProducer(command)
    if (isPrepared(from.state)) throw new ApiError('CONCURRENT_TRANSACTIONS')
    if (from.state !== 'Ongoing' || !includes(from.partitions, partitions)) {
      this.write(withPartitions(from, partitions, { nowMs, transactionVersion }), out)
      this.scheduleTimeouts(out, nowMs)
    }
    out.reply(command.to, true)
  }

  private verifyPartitions(command: Command<'verifyPartitions'>, out: Draft): void {
    const from = this.ofProducer(command)
    if (isPrepared(from.state)) throw new ApiError('CONCURRENT_TRANSACTIONS')
    const missing = new Map<string, Set<number>>()
    for (const { topic, partitions } of topicsOf(command.partitions)) {
      const absent = partitions.filter((partition) => !has(from.partitions, topic, partition))
      if (absent.length > 0) missing.set(topic, new Set(absent))
    }
    out.reply(command.to, missing as PartitionSet)
  }

  private endTransaction(command: EndTransaction, out: Draft, nowMs: number): void {
    const { isCommit, transactionVersion, newProducerId } = command
    const from = this.transactions.get(command.transactionalId)
    if (from === undefined) throw new ApiError('INVALID_PRODUCER_ID_MAPPING')
    if (endOf(from, command) === 'isDone') return out.reply(command.to, identityOf(from))
    const mustRotate = transactionVersion >= 2 && isEpochExhausted(from)
    if (mustRotate && newProducerId === null) return this.takeProducerId(command, out)
    const nextProducerId = mustRotate ? newProducerId! : noProducerId
    const next = decided(from, { isCommit, transactionVersion, nextProducerId, nowMs })
    this.write(next, out)
    // The producer may go on with its next identity; a request that comes before the transaction is
    // complete gets an error and is retried.
    out.reply(command.to, identityOf(completed(next, nowMs)))
    this.tell(next, out)
  }

  /**
   * Aborts an ongoing transaction with an epoch that its producer does not have.
   *
   * @returns false if the fence has to wait for a producer id.
   */
  private fence(
    from: Transaction,
    command: InitProducerId | Fence,
    out: Draft,
    nowMs: number,
  ): boolean {
    const { transactionVersion } = this.config
    const isBumped = transactionVersion >= 2
    const mustRotate = isBumped && isEpochExhausted(from)
    if (mustRotate && command.newProducerId === null) {
      this.takeProducerId(command, out)
      return false
    }
    const nextProducerId = mustRotate ? command.newProducerId! : noProducerId
    const next = decided(isBumped ? from : fenced(from), {
      isCommit: false,
      transactionVersion: isBumped ? transactionVersion : 0,
      nextProducerId,
      nowMs,
    })
    this.write(next, out)
    this.tell(next, out)
    return true
  }

  private markersWritten(command: Command<'markersWritten'>, out: Draft, nowMs: number): void {
    const from = this.transactions.get(command.transactionalId)
    if (from === undefined || !isPrepared(from.state) || !isSame(command, from)) return
    this.write(completed(from, nowMs), out)
  }

  private abortTimedOut(out: Draft, nowMs: number): void {
    let isAnyOpen = false
    for (const from of this.transactions.values()) {
      if (from.state !== 'Ongoing') continue
      isAnyOpen = true
      if (!isTimedOut(from, nowMs)) continue
      this.fence(from, fenceOf(from), out, nowMs)
      this.logger.info('aborted a transaction that took longer than its timeout', {
        transactionalId: from.transactionalId,
        timeoutMs: from.timeoutMs,
        producerId: from.producerId,
      })
    }
    if (isAnyOpen) this.scheduleTimeouts(out, nowMs)
  }

  /**
   * Resumes a fence that waited for a producer id; the transaction may have ended in the meantime.
   */
  private fenceTimedOut(command: Fence, out: Draft, nowMs: number): void {
    const from = this.transactions.get(command.transactionalId)
    if (from?.state !== 'Ongoing' || !isSame(command, from)) return
    this.fence(from, command, out, nowMs)
  }

  private forgetIdle(out: Draft, nowMs: number): void {
    const { transactionalIdExpirationMs } = this.config
    for (const { transactionalId, state, lastUpdateMs } of this.transactions.values()) {
      if (out.records.length >= forgottenMax) break
      if (isIdle(state) && lastUpdateMs <= nowMs - transactionalIdExpirationMs) {
        out.records.push({ transactionalId, transaction: null })
      }
    }
    const isMore = out.records.length >= forgottenMax
    this.scheduleForgetting(out, nowMs, isMore ? 0 : null)
  }

  private loaded(out: Draft, nowMs: number): void {
    let isAnyOpen = false
    for (const transaction of this.transactions.values()) {
      if (isPrepared(transaction.state)) this.tell(transaction, out)
      isAnyOpen ||= transaction.state === 'Ongoing'
    }
    if (isAnyOpen) this.scheduleTimeouts(out, nowMs)
    this.scheduleForgetting(out, nowMs, null)
  }

  private scheduleTimeouts(out: Draft, nowMs: number): void {
    const atMs = nowMs + this.config.transactionAbortTimedOutTransactionCleanupIntervalMs
    out.setTimerIfAbsent(timedOutTimer, atMs, { kind: 'abortTimedOut' })
  }

  private scheduleForgetting(out: Draft, nowMs: number, delayMs: number | null): void {
    const interval = this.config.transactionRemoveExpiredTransactionCleanupIntervalMs
    out.setTimer(idleTimer, nowMs + (delayMs ?? interval), { kind: 'forgetIdle' })
  }

  private describe(transactionalId: string): DescribedTransaction {
    const found = this.transactions.get(transactionalId)
    if (found === undefined) throw new ApiError('TRANSACTIONAL_ID_NOT_FOUND')
    return {
      errorCode: errorCode('NONE'),
      transactionalId,
      transactionState: found.state,
      transactionTimeoutMs: found.timeoutMs,
      transactionStartTimeMs: found.startMs,
      producerId: found.producerId,
      producerEpoch: found.producerEpoch,
      topics: topicsOf(found.partitions),
    }
  }

  private list({ producerIds, states, durationMs }: ListFilter, nowMs: number) {
    return [...this.transactions.values()]
      .filter(
        ({ producerId, state, startMs }) =>
          (producerIds.size === 0 || producerIds.has(producerId)) &&
          (states === null || states.has(state)) &&
          (durationMs < 0 || nowMs - startMs > durationMs),
      )
      .map(({ transactionalId, producerId, state: transactionState }) => ({
        transactionalId,
        producerId,
        transactionState,
      }))
  }

  /** @throws ApiError INVALID_PRODUCER_ID_MAPPING | PRODUCER_FENCED */
  private ofProducer(
    command: ProducerIdentity & { readonly transactionalId: string },
  ): Transaction {
    const from = this.transactions.get(command.transactionalId)
    if (from?.producerId !== command.producerId) throw new ApiError('INVALID_PRODUCER_ID_MAPPING')
    if (from.producerEpoch !== command.producerEpoch) throw new ApiError('PRODUCER_FENCED')
    return from
  }

  private takeProducerId(command: NeedsId, out: Draft): void {
    out.effects.push({ kind: 'takeProducerId', command })
  }

  private tell(prepared: Transaction, out: Draft): void {
    out.effects.push({ kind: 'writeMarkers', order: orderOf(prepared) })
  }

  private write(transaction: Transaction, out: Draft): void {
    out.records.push({ transactionalId: transaction.transactionalId, transaction })
  }

  /** Returns the replayed state as plain data, to compare two shards that replayed the same log. */
  hardState(): unknown {
    return [...this.transactions.values()]
      .map(({ lastProducerEpoch: _, partitions, ...rest }) => ({
        ...rest,
        topics: topicsOf(partitions),
      }))
      .sort((a, b) => (a.transactionalId < b.transactionalId ? -1 : 1))
  }
}

function identityOf({ producerId, producerEpoch }: Transaction): ProducerIdentity {
  return { producerId, producerEpoch }
}

function isSame(a: ProducerIdentity, b: ProducerIdentity): boolean {
  return a.producerId === b.producerId && a.producerEpoch === b.producerEpoch
}

/** Returns whether a producer that sent its id and epoch may be the known one (KIP-360). */
function isOf(expected: ProducerIdentity, known: Transaction): boolean {
  return (
    known.producerEpoch === noProducerEpoch ||
    expected.producerId === known.producerId ||
    // The epochs of its id were exhausted, and the response with the new id was lost.
    (expected.producerId === known.previousProducerId && isEpochExhausted(expected))
  )
}

function orderOf(transaction: Transaction): MarkerOrder {
  const { transactionalId, producerId, producerEpoch, clientTransactionVersion } = transaction
  return {
    transactionalId,
    producerId,
    producerEpoch,
    isCommit: transaction.state === 'PrepareCommit',
    transactionVersion: clientTransactionVersion,
    topics: topicsOf(transaction.partitions),
  }
}

function fenceOf({ transactionalId, producerId, producerEpoch }: Transaction): Fence {
  return { kind: 'fence', transactionalId, producerId, producerEpoch, newProducerId: null }
}

import { ApiError } from '../protocol/errors.ts'
import { addSequence, type Batch, noProducerEpoch, noSequence } from '../protocol/records/batch.ts'
import { readTransactionMarker, type TransactionMarker } from '../protocol/records/control.ts'
import type { AppendContext } from './log-contract.ts'
import { decodeSnapshot, encodeSnapshot } from './producer-snapshot.ts'
import {
  type Duplicate,
  duplicateOf,
  type ProducerState,
  rememberedBatches,
} from './producer-state.ts'
import { TransactionVerifications, type VerificationGuard } from './transaction-verification.ts'
import type { AbortedTransaction } from './txn-index.ts'

export interface EndedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Offset of the marker. */
  readonly lastOffset: number
  readonly isAborted: boolean
}

/** State of one producer of a partition, for DescribeProducers. */
export interface ProducerSummary {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestampMs: number
  readonly coordinatorEpoch: number
  readonly currentTransactionStartOffset: number
}

/**
 * State of a partition's idempotent and transactional producers (KIP-98): sequences, epochs and
 * open transactions. It is derived only from batches, both live and on replay.
 */
export class Producers {
  private readonly partition: string
  private readonly states = new Map<number, ProducerState>()
  /** First offset by producer id, in the order in which the transactions began, so ascending. */
  private readonly open = new Map<number, number>()

  /** Ended transactions whose markers are not below the high watermark yet, in marker order. */
  private ended: EndedTransaction[] = []
  private readonly verifications = new TransactionVerifications()

  constructor(partition: string) {
    this.partition = partition
  }

  get size(): number {
    return this.states.size
  }

  /** The first offset of the oldest open transaction; null if none is open. */
  get firstOpenOffset(): number | null {
    for (const offset of this.open.values()) return offset
    return null
  }

  /**
   * Returns the first offset of the oldest transaction that is open or whose marker is not below
   * the high watermark yet; Infinity if there is none.
   */
  firstUndecidedOffset(highWatermark: number): number {
    while (this.ended.length > 0 && this.ended[0]!.lastOffset < highWatermark) this.ended.shift()
    let first = this.firstOpenOffset ?? Number.POSITIVE_INFINITY
    for (const { firstOffset } of this.ended) first = Math.min(first, firstOffset)
    return first
  }

  summaries(): ProducerSummary[] {
    return [...this.states].map(([producerId, state]) => ({
      producerId,
      producerEpoch: state.epoch,
      lastSequence: state.batches.at(-1)?.lastSequence ?? noSequence,
      lastTimestampMs: state.lastTimestampMs,
      coordinatorEpoch: state.coordinatorEpoch,
      currentTransactionStartOffset: state.transactionStart,
    }))
  }

  /**
   * Returns the last offset of the producer's newest data (-1 if only a marker is known) and its
   * epoch.
   */
  lastOf(producerId: number): { readonly dataOffset: number; readonly epoch: number } | null {
    const state = this.states.get(producerId)
    if (state === undefined) return null
    return { dataOffset: state.batches.at(-1)?.lastOffset ?? -1, epoch: state.epoch }
  }

  /** Returns whether the producer has an open transaction with this epoch. */
  hasOpenTransaction(producerId: number, producerEpoch: number): boolean {
    const state = this.states.get(producerId)
    return state !== undefined && state.epoch === producerEpoch && state.transactionStart >= 0
  }

  /**
   * Prepares the verification of a transactional batch by the coordinator.
   *
   * @returns the guard to pass to `check`; null if the transaction is open already.
   * @throws ApiError INVALID_PRODUCER_EPOCH
   */
  beginVerification(
    options: Parameters<TransactionVerifications['begin']>[0],
  ): VerificationGuard | null {
    const epoch = this.states.get(options.producerId)?.epoch
    if (epoch !== undefined && options.producerEpoch < epoch)
      throw new ApiError('INVALID_PRODUCER_EPOCH')
    return this.hasOpenTransaction(options.producerId, options.producerEpoch)
      ? null
      : this.verifications.begin(options)
  }

  /**
   * Checks a batch before it is appended at `offset`.
   *
   * @returns the original offsets if the batch is a duplicate, else null.
   * @throws ApiError INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE or
   * TRANSACTION_COORDINATOR_FENCED (Kafka's `ProducerAppendInfo`).
   */
  check(batch: Batch, offset: number, options: AppendContext): Duplicate | null {
    const { origin } = options
    if (origin === 'replication') return null
    const state = this.states.get(batch.producerId)
    if (batch.isControl) {
      if (state === undefined) return null
      this.checkMarkerEpoch(batch, offset, state, options.transactionVersion ?? 0)
      this.checkCoordinator(batch, state)
      return null
    }
    if (origin === 'client' && state !== undefined) {
      const first = duplicateOf(batch, state)
      if (first !== null) return first
    }
    this.checkEpoch(batch, offset, state)
    if (batch.isTransactional) this.checkVerified(batch, options.guard)
    if (origin === 'client') this.checkSequence(batch, offset, state)
    const isOpen = state !== undefined && state.transactionStart >= 0
    if (isOpen && batch.producerEpoch === state.epoch && !batch.isTransactional) {
      throw new ApiError(
        'INVALID_TXN_STATE',
        `Expected transactional write from producer ${batch.producerId} at offset ${offset} in partition ${this.partition}`,
      )
    }
    return null
  }

  /** Updates the state with an appended batch. @returns the transaction that it ended, if any. */
  apply(batch: Batch): EndedTransaction | null {
    const { producerId, producerEpoch } = batch
    if (batch.isTransactional) {
      const { isControl: isMarker } = batch
      this.verifications.appended(producerId, { isMarker, epoch: producerEpoch })
    }
    let state = this.states.get(producerId)
    if (state === undefined) {
      state = {
        epoch: noProducerEpoch,
        coordinatorEpoch: -1,
        lastTimestampMs: -1,
        transactionStart: -1,
        batches: [],
      }
      this.states.set(producerId, state)
    }
    if (batch.isControl) {
      const marker = readTransactionMarker(batch)
      return marker === null ? null : this.applyMarker(batch, marker, state)
    }
    this.bumpEpoch(state, producerEpoch)
    const { lastOffset, lastOffsetDelta, maxTimestamp } = batch
    state.lastTimestampMs = maxTimestamp
    state.batches.push({
      lastSequence: batch.lastSequence,
      lastOffset,
      offsetDelta: lastOffsetDelta,
      timestampMs: maxTimestamp,
    })
    if (state.batches.length > rememberedBatches) state.batches.shift()
    if (batch.isTransactional && state.transactionStart < 0) {
      state.transactionStart = batch.baseOffset
      this.open.set(producerId, batch.baseOffset)
    }
    return null
  }

  /**
   * Returns the transaction index entry of an ended transaction; null if it was committed. Its last
   * stable offset is the start of the oldest open transaction, or the offset after the marker.
   */
  abortedBy(ended: EndedTransaction | null): AbortedTransaction | null {
    if (ended === null || !ended.isAborted) return null
    const { producerId, firstOffset, lastOffset } = ended
    const lastStableOffset = this.firstOpenOffset ?? lastOffset + 1
    return { producerId, firstOffset, lastOffset, lastStableOffset }
  }

  /**
   * Removes producers without an open transaction that were inactive for `expirationMs` or longer.
   */
  expire(nowMs: number, expirationMs: number): void {
    for (const [producerId, state] of this.states) {
      if (state.transactionStart < 0 && nowMs - state.lastTimestampMs >= expirationMs) {
        this.states.delete(producerId)
      }
    }
    this.verifications.expire(nowMs, expirationMs)
  }

  clear(): void {
    this.states.clear()
    this.verifications.clear()
    this.open.clear()
    this.ended = []
  }

  /** Encodes the content of a `.snapshot` file: only the newest batch of each producer. */
  toSnapshot(): Buffer {
    return encodeSnapshot(
      [...this.states].map(([producerId, state]) => {
        const last = state.batches.at(-1)
        return {
          producerId,
          epoch: state.epoch,
          lastSequence: last?.lastSequence ?? noSequence,
          lastOffset: last?.lastOffset ?? -1,
          offsetDelta: last?.offsetDelta ?? 0,
          timestamp: state.lastTimestampMs,
          coordinatorEpoch: state.coordinatorEpoch,
          currentTxnFirstOffset: state.transactionStart,
        }
      }),
    )
  }

  /** Replaces the state with a snapshot. @returns false, without any change, if it is damaged. */
  load(snapshot: Buffer): boolean {
    const entries = decodeSnapshot(snapshot)
    if (entries === null) return false
    this.clear()
    for (const entry of entries) {
      const { lastSequence, lastOffset, offsetDelta, timestamp } = entry
      this.states.set(entry.producerId, {
        epoch: entry.epoch,
        coordinatorEpoch: entry.coordinatorEpoch,
        lastTimestampMs: timestamp,
        transactionStart: entry.currentTxnFirstOffset,
        batches:
          lastOffset >= 0
            ? [{ lastSequence, lastOffset, offsetDelta, timestampMs: timestamp }]
            : [],
      })
    }
    const started = [...this.states].filter(([, state]) => state.transactionStart >= 0)
    started.sort(([, a], [, b]) => a.transactionStart - b.transactionStart)
    for (const [producerId, state] of started) this.open.set(producerId, state.transactionStart)
    return true
  }

  private applyMarker(
    batch: Batch,
    marker: TransactionMarker,
    state: ProducerState,
  ): EndedTransaction | null {
    const firstOffset = state.transactionStart
    this.bumpEpoch(state, batch.producerEpoch)
    state.transactionStart = -1
    state.coordinatorEpoch = marker.coordinatorEpoch
    state.lastTimestampMs = batch.maxTimestamp
    this.open.delete(batch.producerId)
    if (firstOffset < 0) return null
    const ended: EndedTransaction = {
      producerId: batch.producerId,
      firstOffset,
      lastOffset: batch.lastOffset,
      isAborted: marker.kind === 'abort',
    }
    this.ended.push(ended)
    return ended
  }

  /** A new epoch restarts the sequence numbers, so the batches of the old one are removed. */
  private bumpEpoch(state: ProducerState, epoch: number): void {
    if (state.epoch === epoch) return
    state.batches = []
    state.epoch = epoch
  }

  /** A new producer has epoch -1, which is below all others. */
  private checkEpoch(batch: Batch, offset: number, state: ProducerState | undefined): void {
    const seen = state?.epoch ?? noProducerEpoch
    if (batch.producerEpoch < seen) throw this.staleEpoch(batch, offset, seen)
  }

  private checkMarkerEpoch(
    batch: Batch,
    offset: number,
    state: ProducerState,
    transactionVersion: number,
  ): void {
    const isBumped = transactionVersion >= 2
    const { producerEpoch } = batch
    if (isBumped ? producerEpoch > state.epoch : producerEpoch >= state.epoch) return
    // A repeated marker, or one whose epoch was already the maximum and could not be raised.
    const isRetry = state.transactionStart < 0 || producerEpoch === producerEpochMax
    if (isBumped && producerEpoch === state.epoch && isRetry) return
    throw this.staleEpoch(batch, offset, state.epoch)
  }

  private staleEpoch({ producerId, producerEpoch }: Batch, offset: number, seen: number) {
    const detail = `Epoch of producer ${producerId} at offset ${offset} in ${this.partition} is ${producerEpoch}, which is smaller than the last seen epoch ${seen}`
    return new ApiError('INVALID_PRODUCER_EPOCH', detail)
  }

  private checkVerified(
    { producerId, producerEpoch }: Batch,
    guard: VerificationGuard | null | undefined,
  ): void {
    if (guard === undefined || this.hasOpenTransaction(producerId, producerEpoch)) return
    if (guard !== null && guard === this.verifications.get(producerId)?.guard) return
    throw new ApiError('INVALID_TXN_STATE', 'Record was not part of an ongoing transaction')
  }

  private checkCoordinator(batch: Batch, state: ProducerState): void {
    const epoch = readTransactionMarker(batch)?.coordinatorEpoch
    if (epoch === undefined || epoch >= state.coordinatorEpoch) return
    throw new ApiError(
      'TRANSACTION_COORDINATOR_FENCED',
      `Invalid coordinator epoch for producerId ${batch.producerId} in partition ${this.partition}: ${epoch} (zombie), ${state.coordinatorEpoch} (current)`,
    )
  }

  private checkSequence(batch: Batch, offset: number, state: ProducerState | undefined): void {
    const { baseSequence, producerEpoch, producerId } = batch
    const where = () => `producer ${producerId} at offset ${offset} in partition ${this.partition}`
    const waiting = this.verifications.get(producerId)
    const isNew = state === undefined || state.batches.length === 0
    if (waiting?.bumpsEpoch === true && baseSequence !== 0 && isNew) {
      throw outOfOrder(`Invalid sequence number for ${where()}: ${baseSequence}; expected 0`)
    }
    if (waiting !== undefined && baseSequence > waiting.lowestSequence) {
      throw outOfOrder(`${baseSequence} of ${where()} overtakes ${waiting.lowestSequence}`)
    }
    if (state === undefined) return
    if (producerEpoch !== state.epoch) {
      if (baseSequence === 0 || state.epoch === noProducerEpoch) return
      throw outOfOrder(
        `Invalid sequence number for new epoch of ${where()}: ${producerEpoch} (request epoch), ${baseSequence} (seq. number), ${state.epoch} (current producer epoch)`,
      )
    }
    const last = state.batches.at(-1)?.lastSequence ?? noSequence
    const expected = last === noSequence ? 0 : addSequence(last, 1)
    if (baseSequence === expected) return
    throw outOfOrder(
      `Out of order sequence number for ${where()}: ${baseSequence} (incoming seq. number), ${last} (current end sequence number)`,
    )
  }
}

const outOfOrder = (detail: string) => new ApiError('OUT_OF_ORDER_SEQUENCE_NUMBER', detail)

/** Producer epochs are 16-bit integers. */
const producerEpochMax = 32_767

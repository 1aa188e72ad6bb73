import { Refusal } from '../protocol/errors.ts'
import {
  addSequence,
  type Batch,
  noProducerEpoch,
  noSequence,
  subtractSequence,
} from '../protocol/records/batch.ts'
import { readTransactionMarker, type TransactionMarker } from '../protocol/records/control.ts'
import type { AppendContext } from './log-contract.ts'
import { decodeSnapshot, encodeSnapshot } from './producer-snapshot.ts'
import type { AbortedTransaction } from './txn-index.ts'
import { type VerificationGuard, Verifications } from './verification.ts'

/** How many of a producer's newest batches are remembered, to answer a retry as the first try. */
const rememberedBatches = 5

interface BatchMemory {
  readonly lastSequence: number
  readonly lastOffset: number
  readonly offsetDelta: number
  /** The batch's greatest timestamp, or its log append time. */
  readonly timestampMs: number
}

interface ProducerState {
  epoch: number
  /** Of the transaction coordinator whose marker came last; -1 before. */
  coordinatorEpoch: number
  lastTimestampMs: number
  /** Where the open transaction started; -1 while there is none. */
  transactionStart: number
  /** Newest last. */
  batches: BatchMemory[]
}

/** What a producer's retry is answered with: the offsets of the first try. */
export interface Duplicate {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly timestampMs: number
}

export interface EndedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Of the marker. */
  readonly lastOffset: number
  readonly isAborted: boolean
}

/** One producer of a partition, for DescribeProducers. */
export interface ProducerSummary {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestampMs: number
  readonly coordinatorEpoch: number
  readonly currentTransactionStartOffset: number
}

/**
 * What a partition knows of its idempotent and transactional producers (KIP-98): sequences, epochs
 * and open transactions. Changed by batches alone, live and on replay alike.
 */
export class Producers {
  private readonly partition: string
  private readonly states = new Map<number, ProducerState>()
  /** Producer id to first offset, in the order in which the transactions started: offsets grow. */
  private readonly open = new Map<number, number>()

  /** Transactions whose markers the high watermark has not passed yet, in the markers' order. */
  private ended: EndedTransaction[] = []
  private readonly verifications = new Verifications()

  constructor(partition: string) {
    this.partition = partition
  }

  get size(): number {
    return this.states.size
  }

  /** The first offset of the oldest open transaction; null while none is open. */
  get firstOpenOffset(): number | null {
    for (const offset of this.open.values()) return offset
    return null
  }

  /**
   * The first offset of the oldest transaction that is open, or whose marker is not below the high
   * watermark yet; Infinity if there is none.
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

  /** Where the producer's newest data stands (-1: only a marker is known of it) and its epoch. */
  lastOf(producerId: number): { readonly dataOffset: number; readonly epoch: number } | null {
    const state = this.states.get(producerId)
    if (state === undefined) return null
    return { dataOffset: state.batches.at(-1)?.lastOffset ?? -1, epoch: state.epoch }
  }

  /** Whether the producer has a transaction open here with this epoch. */
  hasOpenTransaction(producerId: number, producerEpoch: number): boolean {
    const state = this.states.get(producerId)
    return state !== undefined && state.epoch === producerEpoch && state.transactionStart >= 0
  }

  /**
   * A transactional batch is about to be shown to the coordinator.
   *
   * @returns what `check` wants to see again; null if the transaction is open here already.
   * @throws Refusal INVALID_PRODUCER_EPOCH
   */
  beginVerification(o: Parameters<Verifications['begin']>[0]): VerificationGuard | null {
    const epoch = this.states.get(o.producerId)?.epoch
    if (epoch !== undefined && o.producerEpoch < epoch) throw new Refusal('INVALID_PRODUCER_EPOCH')
    return this.hasOpenTransaction(o.producerId, o.producerEpoch)
      ? null
      : this.verifications.begin(o)
  }

  /**
   * Checks a batch before it is appended at `offset`.
   *
   * @returns the first try's offsets if the batch was appended before, else null.
   * @throws Refusal INVALID_PRODUCER_EPOCH | OUT_OF_ORDER_SEQUENCE_NUMBER | INVALID_TXN_STATE |
   *   TRANSACTION_COORDINATOR_FENCED (`ProducerAppendInfo`).
   */
  check(batch: Batch, offset: number, o: AppendContext): Duplicate | null {
    const { origin } = o
    if (origin === 'replication') return null
    const state = this.states.get(batch.producerId)
    if (batch.isControl) {
      if (state === undefined) return null
      this.checkMarkerEpoch(batch, offset, state, o.transactionVersion ?? 0)
      this.checkCoordinator(batch, state)
      return null
    }
    if (origin === 'client' && state !== undefined) {
      const first = duplicateOf(batch, state)
      if (first !== null) return first
    }
    if (state !== undefined) this.checkEpoch(batch, offset, state)
    if (batch.isTransactional) this.checkVerified(batch, o.guard)
    if (origin === 'client') this.checkSequence(batch, offset, state)
    const isOpen = state !== undefined && state.transactionStart >= 0
    if (isOpen && batch.producerEpoch === state.epoch && !batch.isTransactional) {
      throw new Refusal(
        'INVALID_TXN_STATE',
        `Expected transactional write from producer ${batch.producerId} at offset ${offset} in partition ${this.partition}`,
      )
    }
    return null
  }

  /** Takes in a batch that has its offsets. @returns the transaction that it ended, if it did. */
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
   * What the transaction index must keep of a transaction that `apply` has ended; null if it was
   * committed. The last stable offset is then the start of the oldest transaction that is still open,
   * or the offset after the marker.
   */
  abortedBy(ended: EndedTransaction | null): AbortedTransaction | null {
    if (ended === null || !ended.isAborted) return null
    const { producerId, firstOffset, lastOffset } = ended
    const lastStableOffset = this.firstOpenOffset ?? lastOffset + 1
    return { producerId, firstOffset, lastOffset, lastStableOffset }
  }

  /** Forgets producers that were silent for longer than `expirationMs` and have nothing open. */
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

  /** The content of a `.snapshot` file: of each producer only the newest batch. */
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

  /** Replaces what is known by a snapshot. @returns false, and nothing changed, if it is damaged. */
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

  /** A new epoch starts its sequences anew: what was remembered of the old one is void. */
  private bumpEpoch(state: ProducerState, epoch: number): void {
    if (state.epoch === epoch) return
    state.batches = []
    state.epoch = epoch
  }

  private checkEpoch(batch: Batch, offset: number, state: ProducerState): void {
    if (batch.producerEpoch < state.epoch) throw this.staleEpoch(batch, offset, state)
  }

  private checkMarkerEpoch(
    batch: Batch,
    offset: number,
    state: ProducerState,
    transactionVersion: number,
  ): void {
    const { producerEpoch } = batch
    const isBumped = transactionVersion >= 2
    if (isBumped ? producerEpoch > state.epoch : producerEpoch >= state.epoch) return
    // The same marker once more, or one whose epoch could not be raised any further.
    const isRetry = state.transactionStart < 0 || producerEpoch === producerEpochMax
    if (isBumped && producerEpoch === state.epoch && isRetry) return
    throw this.staleEpoch(batch, offset, state)
  }

  private staleEpoch({ producerId, producerEpoch }: Batch, offset: number, state: ProducerState) {
    return new Refusal(
      'INVALID_PRODUCER_EPOCH',
      `Epoch of producer ${producerId} at offset ${offset} in ${this.partition} is ${producerEpoch}, which is smaller than the last seen epoch ${state.epoch}`,
    )
  }

  private checkVerified(
    { producerId, producerEpoch }: Batch,
    guard: VerificationGuard | null | undefined,
  ): void {
    if (guard === undefined || this.hasOpenTransaction(producerId, producerEpoch)) return
    if (guard !== null && guard === this.verifications.get(producerId)?.guard) return
    throw new Refusal('INVALID_TXN_STATE', 'Record was not part of an ongoing transaction')
  }

  private checkCoordinator(batch: Batch, state: ProducerState): void {
    const epoch = readTransactionMarker(batch)?.coordinatorEpoch
    if (epoch === undefined || epoch >= state.coordinatorEpoch) return
    throw new Refusal(
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

const outOfOrder = (detail: string) => new Refusal('OUT_OF_ORDER_SEQUENCE_NUMBER', detail)

/** Epochs are 16 bits on the wire. */
const producerEpochMax = 32_767

function duplicateOf(batch: Batch, state: ProducerState): Duplicate | null {
  if (batch.producerEpoch !== state.epoch) return null
  const { baseSequence, lastSequence } = batch
  for (const known of state.batches) {
    const first = subtractSequence(known.lastSequence, known.offsetDelta)
    if (known.lastSequence !== lastSequence || first !== baseSequence) continue
    const { lastOffset, offsetDelta, timestampMs } = known
    return { baseOffset: lastOffset - offsetDelta, lastOffset, timestampMs }
  }
  return null
}

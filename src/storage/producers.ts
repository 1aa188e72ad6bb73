import { crc32c } from '../base/crc32c.ts'
import { decodeData, encodeData } from '../protocol/codec.ts'
import { Refusal } from '../protocol/errors.ts'
import { Reader } from '../protocol/reader.ts'
import {
  addSequence,
  type Batch,
  noProducerEpoch,
  noSequence,
  subtractSequence,
} from '../protocol/records/batch.ts'
import { readTransactionMarker, type TransactionMarker } from '../protocol/records/control.ts'
import { producerSnapshot } from '../protocol/stored/storage/producer-snapshot.ts'
import type { AbortedTransaction } from './txn-index.ts'

/** How many of a producer's newest batches are remembered, to answer a retry as the first try. */
const rememberedBatches = 5

/** Who wrote a batch: what is asked of a client is not asked of a coordinator or a leader. */
export type Origin = 'client' | 'coordinator' | 'replication'

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
   * Checks a batch before it is appended at `offset`.
   *
   * @returns the first try's offsets if the batch was appended before, else null.
   * @throws Refusal INVALID_PRODUCER_EPOCH | OUT_OF_ORDER_SEQUENCE_NUMBER | INVALID_TXN_STATE |
   *   TRANSACTION_COORDINATOR_FENCED (`ProducerAppendInfo`).
   */
  check(batch: Batch, offset: number, origin: Origin): Duplicate | null {
    const state = this.states.get(batch.producerId)
    if (state === undefined || origin === 'replication') return null
    const { producerEpoch } = batch
    if (batch.isControl) {
      this.checkEpoch(batch, offset, state)
      this.checkCoordinator(batch, state)
      return null
    }
    if (origin === 'client') {
      const first = duplicateOf(batch, state)
      if (first !== null) return first
    }
    this.checkEpoch(batch, offset, state)
    if (origin === 'client') this.checkSequence(batch, offset, state)
    if (state.transactionStart >= 0 && producerEpoch === state.epoch && !batch.isTransactional) {
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
  }

  clear(): void {
    this.states.clear()
    this.open.clear()
    this.ended = []
  }

  /** The content of a `.snapshot` file: of each producer only the newest batch. */
  toSnapshot(): Buffer {
    const producerEntries = [...this.states].map(([producerId, state]) => {
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
    })
    const body = encodeData(producerSnapshot, snapshotVersion, { crc: 0, producerEntries })
    const bytes = Buffer.allocUnsafe(2 + body.length)
    bytes.writeInt16BE(snapshotVersion)
    body.copy(bytes, 2)
    bytes.writeUInt32BE(crc32c(bytes.subarray(snapshotCrcEnd)), 2)
    return bytes
  }

  /** Replaces what is known by a snapshot. @returns false, and nothing changed, if it is damaged. */
  load(snapshot: Buffer): boolean {
    if (snapshot.length < snapshotCrcEnd || snapshot.readInt16BE(0) !== snapshotVersion)
      return false
    if (snapshot.readUInt32BE(2) !== crc32c(snapshot.subarray(snapshotCrcEnd))) return false
    const { producerEntries } = decodeData(
      producerSnapshot,
      snapshotVersion,
      new Reader(snapshot.subarray(2)),
    )
    this.clear()
    for (const entry of producerEntries) {
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
    if (batch.producerEpoch >= state.epoch) return
    throw new Refusal(
      'INVALID_PRODUCER_EPOCH',
      `Epoch of producer ${batch.producerId} at offset ${offset} in ${this.partition} is ${batch.producerEpoch}, which is smaller than the last seen epoch ${state.epoch}`,
    )
  }

  private checkCoordinator(batch: Batch, state: ProducerState): void {
    const epoch = readTransactionMarker(batch)?.coordinatorEpoch
    if (epoch === undefined || epoch >= state.coordinatorEpoch) return
    throw new Refusal(
      'TRANSACTION_COORDINATOR_FENCED',
      `Invalid coordinator epoch for producerId ${batch.producerId} in partition ${this.partition}: ${epoch} (zombie), ${state.coordinatorEpoch} (current)`,
    )
  }

  private checkSequence(batch: Batch, offset: number, state: ProducerState): void {
    const { baseSequence, producerEpoch, producerId } = batch
    if (producerEpoch !== state.epoch) {
      if (baseSequence === 0 || state.epoch === noProducerEpoch) return
      throw new Refusal(
        'OUT_OF_ORDER_SEQUENCE_NUMBER',
        `Invalid sequence number for new epoch of producer ${producerId} at offset ${offset} in partition ${this.partition}: ${producerEpoch} (request epoch), ${baseSequence} (seq. number), ${state.epoch} (current producer epoch)`,
      )
    }
    const last = state.batches.at(-1)?.lastSequence ?? noSequence
    const expected = last === noSequence ? 0 : addSequence(last, 1)
    if (baseSequence === expected) return
    throw new Refusal(
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      `Out of order sequence number for producer ${producerId} at offset ${offset} in partition ${this.partition}: ${baseSequence} (incoming seq. number), ${last} (current end sequence number)`,
    )
  }
}

const snapshotVersion = 1
/** Version and checksum; the checksum covers what follows. */
const snapshotCrcEnd = 6

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

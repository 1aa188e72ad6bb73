import { type Batch, subtractSequence } from '../protocol/records/batch.ts'

/** Number of newest batches stored per producer, so that a retry gets the same response again. */
export const rememberedBatches = 5

export interface BatchMemory {
  readonly lastSequence: number
  readonly lastOffset: number
  readonly offsetDelta: number
  /** The greatest timestamp of the batch, or its log append time. */
  readonly timestampMs: number
}

/** State of one producer in a partition. */
export interface ProducerState {
  epoch: number
  /** Epoch of the transaction coordinator that wrote the last marker; -1 if there is none. */
  coordinatorEpoch: number
  lastTimestampMs: number
  /** First offset of the open transaction; -1 if none is open. */
  transactionStart: number
  /** Ordered from oldest to newest. */
  batches: BatchMemory[]
}

/** The original offsets, returned to the retry of a producer. */
export interface Duplicate {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly timestampMs: number
}

/** Returns the original offsets if the batch is a retry of a stored one. */
export function duplicateOf(batch: Batch, state: ProducerState): Duplicate | null {
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

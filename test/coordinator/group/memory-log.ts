import type {
  CoordinatorLog,
  KeyValue,
  LoadedBatch,
  Marker,
} from '../../../src/coordinator/coordinator-log.ts'

interface Pending {
  readonly batch: LoadedBatch
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** A coordinator's log in memory; `isHeld` delays its commits. */
export class MemoryLog implements CoordinatorLog {
  readonly batches: LoadedBatch[] = []
  private readonly pending: Pending[] = []
  isHeld = false
  isUnreadable = false
  private failNext = 0

  /** The records below are deleted. */
  startOffset = 0

  /** Batches, not records, have offsets here. */
  get endOffset(): number {
    return this.batches.length + this.pending.length
  }

  append(
    records: readonly KeyValue[],
    o?: { producerId: number; producerEpoch: number; isTransactional: boolean },
  ): Promise<void> {
    return this.write({
      records: records.map((record) => ({ ...record, timestampMs: 0 })),
      producerId: o?.producerId ?? -1,
      producerEpoch: o?.producerEpoch ?? -1,
      isTransactional: o?.isTransactional ?? false,
      marker: null,
    })
  }

  appendMarker({ producerId, producerEpoch, isCommit }: Marker): Promise<void> {
    const marker = isCommit ? 'commit' : 'abort'
    return this.write({ records: [], producerId, producerEpoch, isTransactional: true, marker })
  }

  checkProducer(): void {}

  checkMarker(): void {}

  private write(content: Omit<LoadedBatch, 'baseOffset'>): Promise<void> {
    const batch = { baseOffset: this.batches.length, ...content }
    if (this.failNext > 0) {
      this.failNext--
      return Promise.reject(new Error('the disk is full'))
    }
    return new Promise((resolve, reject) => {
      this.pending.push({ batch, resolve, reject })
      if (!this.isHeld) this.commit()
    })
  }

  /** Commits all appends so far. */
  commit(): void {
    for (const { batch, resolve } of this.pending.splice(0)) {
      this.batches.push(batch)
      resolve()
    }
  }

  /** Fails the held appends, otherwise the next `count`; nothing of them stays. */
  fail(count = 1): void {
    if (this.pending.length === 0) this.failNext = count
    for (const { reject } of this.pending.splice(0)) reject(new Error('the disk is full'))
  }

  deleteRecordsBefore(offset: number): void {
    this.startOffset = offset
  }

  async committed(): Promise<void> {}

  async *load(): AsyncIterable<LoadedBatch> {
    if (this.isUnreadable) throw new Error('the disk cannot be read')
    yield* [...this.batches]
  }
}

import type { Batch } from '../protocol/records/batch.ts'
import { readTransactionMarker } from '../protocol/records/control.ts'
import type { AbortedTransaction } from './txn-index.ts'

/**
 * State of transactions while the cleaner walks over a log from its start: which data was aborted,
 * and which markers have no data of their transaction left before them (Kafka's
 * `CleanedTransactionMetadata`).
 */
export class CleanedTransactions {
  /** Aborted transactions that begin after the current position, sorted by first offset. */
  private readonly coming: AbortedTransaction[]
  private readonly aborted = new Map<
    number,
    { transaction: AbortedTransaction; hasData: boolean }
  >()
  private readonly committed = new Set<number>()
  /**
   * Aborted transactions whose markers are kept, for the transaction index of the cleaned segment.
   */
  readonly kept: AbortedTransaction[] = []

  constructor(aborted: readonly AbortedTransaction[]) {
    this.coming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Returns whether the data of the batch was aborted; such data is removed. */
  isAborted(batch: Batch): boolean {
    this.begin(batch.lastOffset)
    if (!batch.isTransactional) return false
    const found = this.aborted.get(batch.producerId)
    if (found === undefined) {
      this.committed.add(batch.producerId)
      return false
    }
    found.hasData = true
    return true
  }

  /**
   * Returns whether a control batch ends a transaction without remaining data. Such a marker may be
   * removed after its delete horizon.
   */
  isEmptyMarker(batch: Batch): boolean {
    this.begin(batch.lastOffset)
    const { producerId } = batch
    switch (readTransactionMarker(batch)?.kind) {
      case 'commit':
        return !this.committed.delete(producerId)
      case 'abort': {
        const found = this.aborted.get(producerId)
        this.aborted.delete(producerId)
        if (found?.hasData !== true) return true
        this.kept.push(found.transaction)
        return false
      }
      default:
        return false
    }
  }

  private begin(offset: number): void {
    while (this.coming.length > 0 && this.coming[0]!.firstOffset <= offset) {
      const transaction = this.coming.shift()!
      this.aborted.set(transaction.producerId, { transaction, hasData: false })
    }
  }
}

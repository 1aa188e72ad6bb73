import type { Batch } from '../protocol/records/batch.ts'
import { readTransactionMarker } from '../protocol/records/control.ts'
import type { AbortedTransaction } from './txn-index.ts'

/**
 * What the cleaner must know of transactions while it walks over a log from its start: which data was
 * aborted, and which markers have none of their transaction's data before them any more
 * (`CleanedTransactionMetadata`).
 */
export class CleanedTransactions {
  /** Not begun yet where the walk is, by first offset. */
  private readonly coming: AbortedTransaction[]
  private readonly aborted = new Map<
    number,
    { transaction: AbortedTransaction; hasData: boolean }
  >()
  private readonly committed = new Set<number>()
  /** Aborts whose markers stay: what the cleaned segment's transaction index must hold. */
  readonly kept: AbortedTransaction[] = []

  constructor(aborted: readonly AbortedTransaction[]) {
    this.coming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Whether the batch's data was aborted: none of it is kept. */
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

  /** Whether a control batch ends a transaction of which no data was met: it may go in time. */
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

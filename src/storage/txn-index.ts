import { readInt64, writeInt64 } from '../base/int64.ts'

const version = 0
const entryBytes = 34

/** A transaction aborted in this partition (KIP-98); readers must skip its records. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Offset of the abort marker. */
  readonly lastOffset: number
  /** The last stable offset after this abort. */
  readonly lastStableOffset: number
}

/** The aborted transactions with a marker in one segment: Kafka's `.txnindex`. */
export class TxnIndex {
  private readonly aborted: AbortedTransaction[]

  constructor(aborted: AbortedTransaction[] = []) {
    this.aborted = aborted
  }

  /** Parses an index file; returns null if it is invalid. */
  static parse(bytes: Buffer): TxnIndex | null {
    if (bytes.length % entryBytes !== 0) return null
    const aborted: AbortedTransaction[] = []
    for (let at = 0; at < bytes.length; at += entryBytes) {
      if (bytes.readInt16BE(at) !== version) return null
      aborted.push({
        producerId: readInt64(bytes, at + 2),
        firstOffset: readInt64(bytes, at + 10),
        lastOffset: readInt64(bytes, at + 18),
        lastStableOffset: readInt64(bytes, at + 26),
      })
    }
    return new TxnIndex(aborted)
  }

  get length(): number {
    return this.aborted.length
  }

  get all(): readonly AbortedTransaction[] {
    return this.aborted
  }

  append(transaction: AbortedTransaction): void {
    this.aborted.push(transaction)
  }

  /**
   * Adds the transactions to `found` that a reader of [from, upTo) needs; returns true if no later
   * segment can contain another one.
   */
  collect(from: number, upTo: number, found: AbortedTransaction[]): boolean {
    for (const transaction of this.aborted) {
      if (transaction.lastOffset >= from && transaction.firstOffset < upTo) found.push(transaction)
      if (transaction.lastStableOffset >= upTo) return true
    }
    return false
  }

  /** Removes the transactions that ended at or above `offset`. */
  truncateTo(offset: number): void {
    while ((this.aborted.at(-1)?.lastOffset ?? -1) >= offset) this.aborted.pop()
  }

  toBytes(): Buffer {
    const bytes = Buffer.allocUnsafe(this.aborted.length * entryBytes)
    this.aborted.forEach((transaction, i) => {
      const at = i * entryBytes
      bytes.writeInt16BE(version, at)
      writeInt64(bytes, transaction.producerId, at + 2)
      writeInt64(bytes, transaction.firstOffset, at + 10)
      writeInt64(bytes, transaction.lastOffset, at + 18)
      writeInt64(bytes, transaction.lastStableOffset, at + 26)
    })
    return bytes
  }
}

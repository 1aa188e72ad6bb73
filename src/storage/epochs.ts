import { parseCheckpoint, writeCheckpoint } from './checkpoints.ts'

export interface EpochStart {
  readonly epoch: number
  /** The first offset written in this epoch. */
  readonly startOffset: number
}

/** Where a leader epoch ended; -1 and -1 if unknown. */
export interface EpochEnd {
  readonly leaderEpoch: number
  readonly endOffset: number
}

/**
 * Start offset of each leader epoch (KIP-101), stored in Kafka's `leader-epoch-checkpoint`. Epochs
 * and offsets are in ascending order.
 */
export class LeaderEpochs {
  private entries: EpochStart[]

  constructor(entries: EpochStart[] = []) {
    this.entries = entries
  }

  /** Parses the checkpoint; returns null if it is invalid, and must be rebuilt from the log. */
  static parse(text: string): LeaderEpochs | null {
    const rows = parseCheckpoint(text, 2)
    if (rows === null) return null
    const entries = rows.map((row) => ({ epoch: Number(row[0]), startOffset: Number(row[1]) }))
    const grows = entries.every(
      ({ epoch, startOffset }, i) =>
        Number.isSafeInteger(epoch) &&
        Number.isSafeInteger(startOffset) &&
        (i === 0 || (epoch > entries[i - 1]!.epoch && startOffset >= entries[i - 1]!.startOffset)),
    )
    return grows ? new LeaderEpochs(entries) : null
  }

  toText(): string {
    return writeCheckpoint(this.entries.map((e) => `${e.epoch} ${e.startOffset}`))
  }

  get all(): readonly EpochStart[] {
    return this.entries
  }

  /** The newest epoch; -1 if nothing was written yet. */
  get latest(): number {
    return this.entries.at(-1)?.epoch ?? -1
  }

  /** Returns the epoch in which `offset` was written; -1 if unknown. */
  epochOf(offset: number): number {
    return this.entries.findLast((e) => e.startOffset <= offset)?.epoch ?? -1
  }

  /**
   * Records that `epoch` starts at `offset`. Entries with the same or a higher epoch, or the same
   * or a higher offset, are removed. Returns whether anything changed.
   */
  assign(epoch: number, offset: number): boolean {
    const last = this.entries.at(-1)
    if (epoch < 0 || (last !== undefined && last.epoch === epoch && last.startOffset <= offset)) {
      return false
    }
    this.entries = this.entries.filter((e) => e.epoch < epoch && e.startOffset < offset)
    this.entries.push({ epoch, startOffset: offset })
    return true
  }

  /**
   * Returns where the newest epoch not above `leaderEpoch` ended (Kafka's OffsetForLeaderEpoch).
   */
  endOf(leaderEpoch: number, logEndOffset: number): EpochEnd {
    const unknown = { leaderEpoch: -1, endOffset: -1 }
    // Only -1 means no epoch. An epoch below all entries ends where the first entry starts.
    if (leaderEpoch === -1 || leaderEpoch > this.latest || this.latest === -1) return unknown
    if (leaderEpoch === this.latest) return { leaderEpoch, endOffset: logEndOffset }
    const next = this.entries.findIndex((e) => e.epoch > leaderEpoch)
    const endOffset = this.entries[next]!.startOffset
    return { leaderEpoch: this.entries[next - 1]?.epoch ?? leaderEpoch, endOffset }
  }

  /**
   * Removes the epochs that start at or above `offset`, the new log end offset. Returns whether
   * anything changed.
   */
  truncateEnd(offset: number): boolean {
    const before = this.entries.length
    this.entries = this.entries.filter((e) => e.startOffset < offset)
    return this.entries.length !== before
  }

  /**
   * Sets the log start offset: the epoch of `offset` starts there, older epochs are removed.
   * Returns whether anything changed.
   */
  truncateStart(offset: number): boolean {
    const covering = this.entries.findLastIndex((e) => e.startOffset <= offset)
    const first = this.entries[covering]
    if (first === undefined || (covering === 0 && first.startOffset === offset)) return false
    this.entries = [
      { epoch: first.epoch, startOffset: offset },
      ...this.entries.slice(covering + 1),
    ]
    return true
  }

  clear(): void {
    this.entries = []
  }
}

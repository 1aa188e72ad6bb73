import { parseCheckpoint, writeCheckpoint } from './checkpoints.ts'

export interface EpochStart {
  readonly epoch: number
  /** The first offset that was written in this epoch. */
  readonly startOffset: number
}

/** The answer to "where did this epoch end?": -1 and -1 if it is not known. */
export interface EpochEnd {
  readonly leaderEpoch: number
  readonly endOffset: number
}

/**
 * Which leader epoch began at which offset (KIP-101): Kafka's `leader-epoch-checkpoint`. Epochs and
 * offsets both grow.
 */
export class LeaderEpochs {
  private entries: EpochStart[]

  constructor(entries: EpochStart[] = []) {
    this.entries = entries
  }

  /** Null if the file says nothing that could be true: it is rebuilt from the log then. */
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

  /** The newest epoch; -1 while nothing was written. */
  get latest(): number {
    return this.entries.at(-1)?.epoch ?? -1
  }

  /** The epoch in which `offset` was written; -1 if that is not known. */
  epochOf(offset: number): number {
    return this.entries.findLast((e) => e.startOffset <= offset)?.epoch ?? -1
  }

  /**
   * Says that `epoch` starts at `offset`. Older claims of that epoch and above, or of that offset
   * and above, give way. True if this changed anything.
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

  /** Where the newest epoch not above `leaderEpoch` ended (Kafka's OffsetForLeaderEpoch). */
  endOf(leaderEpoch: number, logEndOffset: number): EpochEnd {
    if (leaderEpoch < 0 || leaderEpoch > this.latest) return { leaderEpoch: -1, endOffset: -1 }
    if (leaderEpoch === this.latest) return { leaderEpoch, endOffset: logEndOffset }
    const next = this.entries.findIndex((e) => e.epoch > leaderEpoch)
    const endOffset = this.entries[next]!.startOffset
    return { leaderEpoch: this.entries[next - 1]?.epoch ?? leaderEpoch, endOffset }
  }

  /** The log now ends at `offset`. True if this changed anything. */
  truncateEnd(offset: number): boolean {
    const before = this.entries.length
    this.entries = this.entries.filter((e) => e.startOffset < offset)
    return this.entries.length !== before
  }

  /** The log now starts at `offset`: the epoch in which it was written starts there too. */
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

import { type Batch, batchesIn } from '../../protocol/records/batch.ts'
import { ObserverFault } from './observer-fault.ts'

/** An offset of the metadata log and the epoch of the record before it: the name of a snapshot. */
export interface OffsetAndEpoch {
  readonly endOffset: number
  readonly epoch: number
}

interface HeldBatch {
  readonly bytes: Buffer
  readonly nextOffset: number
  readonly epoch: number
}

/** Maximum bytes of batches that are held until the high watermark passes them. */
const heldBytesMax = 64 * 1024 * 1024

/** The result of adding records from the leader. */
export interface Appended {
  /** Number of batches that were added. */
  readonly count: number
  /** Why the next batch was not added; null if all complete batches were. */
  readonly problem: string | null
}

/**
 * The end of the metadata log as an observer knows it (KIP-595): the part below the high watermark
 * only as an offset and an epoch, the part above it as batches, which are not decoded because the
 * leader may have them truncated.
 */
export class FollowedLog {
  /** The end of the committed part. */
  private committed: OffsetAndEpoch = { endOffset: 0, epoch: 0 }
  private held: HeldBatch[] = []
  private heldBytes = 0
  private known = -1

  /** -1 until a leader has named it. It never goes back. */
  get highWatermark(): number {
    return this.known
  }

  get endOffset(): number {
    return this.held.at(-1)?.nextOffset ?? this.committed.endOffset
  }

  /** The epoch of the last record, or of the snapshot; 0 if the log is empty. */
  get lastEpoch(): number {
    return this.held.at(-1)?.epoch ?? this.committed.epoch
  }

  /** The offset behind the last committed batch. */
  get committedOffset(): number {
    return this.committed.endOffset
  }

  /**
   * Adds the complete batches up to the first that cannot be the next one in this log. A batch cut
   * off at the end is ignored: the leader cuts its answers by bytes.
   */
  append(bytes: Buffer, leaderEpoch: number): Appended {
    let count = 0
    for (const batch of batchesIn(bytes)) {
      const problem = this.problemWith(batch, leaderEpoch)
      if (problem !== null) return { count, problem: `the batch at ${this.endOffset} ${problem}` }
      const { slice, nextOffset, leaderEpoch: epoch } = batch
      this.held.push({ bytes: slice, nextOffset, epoch })
      this.heldBytes += slice.length
      count++
    }
    const problem = count === 0 && bytes.length > 0 ? 'no batch is complete' : null
    return { count, problem }
  }

  /** Whether more uncommitted batches are held than the limit allows. */
  get isTooLong(): boolean {
    return this.heldBytes > heldBytesMax
  }

  /** Drops all uncommitted batches; they have to be fetched again. */
  dropUncommitted(): void {
    this.hold([])
  }

  /**
   * Raises the high watermark to that of the leader, -1 if it does not know it yet, but not beyond
   * the end of this log. Returns the batches that are committed now.
   */
  advance(leaderHighWatermark: number): Buffer[] {
    const next = Math.min(this.endOffset, leaderHighWatermark)
    if (next <= this.known) return []
    this.known = next
    const above = this.held.findIndex(({ nextOffset }) => nextOffset > next)
    const count = above === -1 ? this.held.length : above
    const passed = this.held.slice(0, count)
    const last = passed.at(-1)
    if (last !== undefined) this.committed = { endOffset: last.nextOffset, epoch: last.epoch }
    this.hold(this.held.slice(count))
    return passed.map(({ bytes }) => bytes)
  }

  /**
   * Truncates to the greatest offset that the leader's log may share with this one.
   *
   * @param leaderEnd the leader's largest epoch not above this log's last one, and its end there.
   * @returns whether anything was removed.
   * @throws ObserverFault if committed records would have to go: the controllers have lost data.
   */
  truncate(leaderEnd: OffsetAndEpoch): boolean {
    const kept = this.held.filter(
      ({ nextOffset, epoch }) => epoch <= leaderEnd.epoch && nextOffset <= leaderEnd.endOffset,
    )
    const hasCommitted =
      leaderEnd.epoch >= this.committed.epoch && leaderEnd.endOffset >= this.committed.endOffset
    if (!hasCommitted) {
      throw new ObserverFault(
        `the leader's log ends at offset ${leaderEnd.endOffset} in epoch ${leaderEnd.epoch}, ` +
          `below the high watermark ${this.known} of epoch ${this.committed.epoch}: committed ` +
          'metadata has been lost at the controllers',
      )
    }
    const isShorter = kept.length < this.held.length
    this.hold(kept)
    return isShorter
  }

  /** Starts again behind a snapshot, whose records are all committed. */
  replaceBy(snapshot: OffsetAndEpoch): void {
    this.committed = snapshot
    this.known = Math.max(this.known, snapshot.endOffset)
    this.hold([])
  }

  private problemWith(batch: Batch, leaderEpoch: number): string | null {
    if (batch.magic !== 2 || !batch.isIntact()) return 'is damaged'
    if (batch.baseOffset !== this.endOffset) return `begins at ${batch.baseOffset}`
    if (batch.lastOffsetDelta < 0) return 'ends before it begins'
    const { leaderEpoch: epoch } = batch
    if (epoch < this.lastEpoch || epoch > leaderEpoch) {
      return `is of epoch ${epoch}, behind epoch ${this.lastEpoch} and under epoch ${leaderEpoch}`
    }
    return null
  }

  private hold(batches: HeldBatch[]): void {
    this.held = batches
    this.heldBytes = batches.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }
}

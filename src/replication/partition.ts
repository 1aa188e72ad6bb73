import { Refusal } from '../protocol/errors.ts'
import { nothingFrom, type ReadLimits, type ReadResult } from '../storage/cut.ts'
import type { Log } from '../storage/log.ts'
import type { AppendContext, Appended } from '../storage/log-contract.ts'
import { type Validated, validate } from '../storage/validate.ts'
import { Waiters } from './waiters.ts'

export interface PartitionIdentity {
  readonly topic: string
  readonly topicId: string
  readonly index: number
}

/** Records were taken in; `committed` resolves when the high watermark has passed them, null where it has. */
export interface Committing extends Appended {
  readonly committed: Promise<void> | null
}

type Context = Omit<AppendContext, 'leaderEpoch'>

export const isolationLevels = { readUncommitted: 0, readCommitted: 1 } as const

/**
 * A partition as clients see it: a log, who leads it in which epoch, and up to where it is committed.
 * With one replica all that is written is committed; with several, what the in-sync ones have.
 */
export class Partition {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  /** `topic-3` */
  readonly name: string
  readonly log: Log
  readonly waiters = new Waiters()
  /** -1 while this broker is not the leader. */
  private ledEpoch = -1
  /** Keeps batches in order while the validation of an earlier one waits for a codec. */
  private validating: Promise<unknown> | null = null

  constructor({ topic, topicId, index }: PartitionIdentity, log: Log) {
    this.topic = topic
    this.topicId = topicId
    this.index = index
    this.name = `${topic}-${index}`
    this.log = log
    // Not while the append is under way: who waits answers at once, and may do much.
    log.onWritten = () => {
      if (this.waiters.size > 0) queueMicrotask(() => this.waiters.wake())
    }
  }

  get isLeader(): boolean {
    return this.ledEpoch >= 0
  }

  get leaderEpoch(): number {
    return this.ledEpoch
  }

  /** All below is committed: it will survive a change of leader, and may be read. */
  get highWatermark(): number {
    return this.log.writtenOffset
  }

  get logStartOffset(): number {
    return this.log.logStartOffset
  }

  /** Up to here every transaction is decided. */
  get lastStableOffset(): number {
    return this.log.lastStableOffset(this.highWatermark)
  }

  /** Begins to lead in an epoch: the epoch's first offset is the log's end. */
  lead(leaderEpoch: number): void {
    if (leaderEpoch === this.ledEpoch) return
    this.ledEpoch = leaderEpoch
    this.log.assignEpochStart(leaderEpoch, this.log.logEndOffset)
    this.waiters.wake()
  }

  resign(): void {
    this.ledEpoch = -1
    this.waiters.wake()
  }

  /**
   * Checks that a client means this leader in this epoch; -1 means that it does not know (KIP-320).
   * @throws Refusal KAFKA_STORAGE_ERROR, NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH,
   *   UNKNOWN_LEADER_EPOCH
   */
  checkLeader(clientEpoch: number): void {
    this.checkOnline()
    if (!this.isLeader) throw new Refusal('NOT_LEADER_OR_FOLLOWER')
    if (clientEpoch === -1 || clientEpoch === this.ledEpoch) return
    throw new Refusal(clientEpoch < this.ledEpoch ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH')
  }

  /** @throws Refusal KAFKA_STORAGE_ERROR when its files cannot be used. */
  checkOnline(): void {
    if (this.log.isOffline) {
      throw new Refusal('KAFKA_STORAGE_ERROR', `The log of ${this.name} is offline.`)
    }
  }

  /**
   * Validates and appends what a client or a coordinator sent. Calls take effect in order.
   * @throws Refusal, at once or as a rejection, of validation, sequence checks and storage.
   */
  append(records: Buffer, o: Context, nowMs: number): Committing | Promise<Committing> {
    if (!this.isLeader) throw new Refusal('NOT_LEADER_OR_FOLLOWER')
    const validated = validate(records, { partition: this.name, config: this.log.config, nowMs })
    if (!(validated instanceof Promise) && this.validating === null) {
      return this.appendValidated(validated, o)
    }
    return this.appendInTurn(Promise.resolve(validated), o)
  }

  /**
   * Appends a batch that the broker itself made, in the epoch in which it was made.
   *
   * @param transactionVersion of a transaction's marker.
   * @throws Refusal NOT_LEADER_OR_FOLLOWER when leadership has moved since, and those of storage.
   */
  appendTrusted(bytes: Buffer, leaderEpoch: number, transactionVersion = 0): Committing {
    if (!this.isLeader || leaderEpoch !== this.ledEpoch) {
      throw new Refusal('NOT_LEADER_OR_FOLLOWER')
    }
    const o = { origin: 'coordinator', transactionVersion } as const
    return this.appendValidated({ bytes, logAppendTimeMs: -1 }, o)
  }

  /**
   * Whole batches from `offset` on, as far as the isolation level lets a client see.
   * @throws Refusal OFFSET_OUT_OF_RANGE
   */
  read(
    offset: number,
    o: Omit<ReadLimits, 'upTo'> & { readonly isolation: number },
  ): ReadResult | Promise<ReadResult> {
    const upTo = this.endFor(o.isolation)
    if (offset > this.highWatermark && offset <= this.log.logEndOffset) return nothingFrom(offset)
    const { maxBytes, minOneBatch, mayBeLater } = o
    return this.log.read(offset, { maxBytes, minOneBatch, mayBeLater, upTo })
  }

  /**
   * Moves the log start offset up; -1 means to the high watermark. Answers where the log starts then.
   * @throws Refusal NOT_LEADER_OR_FOLLOWER; OFFSET_OUT_OF_RANGE beyond the high watermark.
   */
  deleteRecordsBefore(offset: number): number {
    if (!this.isLeader) throw new Refusal('NOT_LEADER_OR_FOLLOWER')
    const target = offset === -1 ? this.highWatermark : offset
    if (target < 0 || target > this.highWatermark) throw new Refusal('OFFSET_OUT_OF_RANGE')
    this.log.advanceLogStartOffset(target)
    this.waiters.wake()
    return this.log.logStartOffset
  }

  /** The first offset that a reader of this isolation level cannot see. */
  endFor(isolation: number): number {
    return isolation === isolationLevels.readCommitted ? this.lastStableOffset : this.highWatermark
  }

  private async appendInTurn(validated: Promise<Validated>, o: Context): Promise<Committing> {
    const before = this.validating
    const mine = (async () => {
      // What comes before has taken effect (or been refused) first; its fate is not ours.
      await before?.catch(() => {})
      return this.appendValidated(await validated, o)
    })()
    this.validating = mine
    // A rejection is the caller's; here it only says that the turn is over.
    validated.catch(() => {})
    try {
      return await mine
    } finally {
      if (this.validating === mine) this.validating = null
    }
  }

  private appendValidated(validated: Validated, o: Context): Committing {
    const { origin, guard, transactionVersion } = o
    const leaderEpoch = this.ledEpoch
    const context = { leaderEpoch, origin, guard, transactionVersion }
    const appended = this.log.append(validated, context)
    const { baseOffset, lastOffset, logAppendTimeMs, logStartOffset, isDuplicate } = appended
    const { written } = appended
    // Spelt out, as in other objects made for each request: a spread and a field more is slow in V8.
    return {
      baseOffset,
      lastOffset,
      logAppendTimeMs,
      logStartOffset,
      isDuplicate,
      written,
      committed: written,
    }
  }
}

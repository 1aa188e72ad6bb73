import type { Turns } from '../base/turns.ts'
import { ApiError } from '../protocol/errors.ts'
import { nothingFrom, type ReadLimits, type ReadResult } from '../storage/batch-read.ts'
import type { Log } from '../storage/log.ts'
import type { AppendContext, Appended } from '../storage/log-contract.ts'
import { type Validated, validate } from '../storage/validate.ts'

export interface PartitionIdentity {
  readonly topic: string
  readonly topicId: string
  readonly index: number
}

/** Appended records; `committed` resolves when the high watermark is past them, null if it is. */
export interface Committing extends Appended {
  readonly committed: Promise<void> | null
}

type Context = Omit<AppendContext, 'leaderEpoch'>

export const isolationLevels = { readUncommitted: 0, readCommitted: 1 } as const

/**
 * A partition as clients see it: its log, leader epoch and high watermark. With one replica all
 * written records are committed; with several, those that the in-sync replicas have.
 */
export class Partition {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  /** The partition's name, e.g. `topic-3`. */
  readonly name: string
  readonly log: Log
  private readonly turns: Turns
  /** -1 if this broker is not the leader. */
  private ledEpoch = -1
  /** The last validation that waits for a codec; later batches wait for it to keep their order. */
  private validating: Promise<unknown> | null = null

  constructor({ topic, topicId, index }: PartitionIdentity, log: Log, turns: Turns) {
    this.turns = turns
    this.topic = topic
    this.topicId = topicId
    this.index = index
    this.name = `${topic}-${index}`
    this.log = log
  }

  get isLeader(): boolean {
    return this.ledEpoch >= 0
  }

  get leaderEpoch(): number {
    return this.ledEpoch
  }

  /** Records below are committed: they survive a change of leader and can be read. */
  get highWatermark(): number {
    return this.log.highWatermark.offset
  }

  get logStartOffset(): number {
    return this.log.logStartOffset
  }

  /** The offset below which every transaction is decided. */
  get lastStableOffset(): number {
    return this.log.highWatermark.lastStableOffset
  }

  /** Becomes leader in an epoch that starts at the log end offset. */
  lead(leaderEpoch: number): void {
    if (leaderEpoch === this.ledEpoch) return
    this.ledEpoch = leaderEpoch
    this.log.assignEpochStart(leaderEpoch, this.log.logEndOffset)
    this.log.highWatermark.wake()
  }

  resign(): void {
    this.ledEpoch = -1
    this.log.highWatermark.wake()
  }

  /**
   * Checks leadership and a client's leader epoch; -1 means unknown (KIP-320).
   * @throws ApiError KAFKA_STORAGE_ERROR, NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH or
   * UNKNOWN_LEADER_EPOCH
   */
  checkLeader(clientEpoch: number): void {
    this.checkOnline()
    if (!this.isLeader) throw new ApiError('NOT_LEADER_OR_FOLLOWER')
    if (clientEpoch === -1 || clientEpoch === this.ledEpoch) return
    throw new ApiError(clientEpoch < this.ledEpoch ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH')
  }

  /** @throws ApiError KAFKA_STORAGE_ERROR if the log is offline. */
  checkOnline(): void {
    if (this.log.isOffline) {
      throw new ApiError('KAFKA_STORAGE_ERROR', `The log of ${this.name} is offline.`)
    }
  }

  /**
   * Validates and appends records of a client or a coordinator, in call order.
   * @throws ApiError, synchronously or as a rejection, of validation, sequence checks and storage.
   */
  append(records: Buffer, options: Context, nowMs: number): Committing | Promise<Committing> {
    if (!this.isLeader) throw new ApiError('NOT_LEADER_OR_FOLLOWER')
    const { name: partition, turns } = this
    const validated = validate(records, { partition, config: this.log.config, nowMs, turns })
    if (!(validated instanceof Promise) && this.validating === null) {
      return this.appendValidated(validated, options)
    }
    return this.appendInTurn(Promise.resolve(validated), options)
  }

  /**
   * Appends a batch of the broker itself, in the epoch in which it was created.
   *
   * @param transactionVersion for a transaction marker.
   * @throws ApiError NOT_LEADER_OR_FOLLOWER if leadership has changed since, and errors of storage.
   */
  appendTrusted(bytes: Buffer, leaderEpoch: number, transactionVersion = 0): Committing {
    if (!this.isLeader || leaderEpoch !== this.ledEpoch) {
      throw new ApiError('NOT_LEADER_OR_FOLLOWER')
    }
    const options = { origin: 'coordinator', transactionVersion } as const
    return this.appendValidated({ bytes, logAppendTimeMs: -1 }, options)
  }

  /**
   * Reads complete batches from `offset` on, as far as the isolation level allows.
   * @throws ApiError OFFSET_OUT_OF_RANGE
   */
  read(
    offset: number,
    options: Omit<ReadLimits, 'upTo'> & { readonly isolation: number },
  ): ReadResult | Promise<ReadResult> {
    const upTo = this.endFor(options.isolation)
    if (offset > this.highWatermark && offset <= this.log.logEndOffset) return nothingFrom(offset)
    const { maxBytes, minOneBatch, mayBeLater } = options
    return this.log.read(offset, { maxBytes, minOneBatch, mayBeLater, upTo })
  }

  /**
   * Raises the log start offset (-1: to the high watermark) and returns the new one.
   * @throws ApiError NOT_LEADER_OR_FOLLOWER; OFFSET_OUT_OF_RANGE above the high watermark.
   */
  deleteRecordsBefore(offset: number): number {
    if (!this.isLeader) throw new ApiError('NOT_LEADER_OR_FOLLOWER')
    const target = offset === -1 ? this.highWatermark : offset
    if (target < 0 || target > this.highWatermark) throw new ApiError('OFFSET_OUT_OF_RANGE')
    this.log.advanceLogStartOffset(target)
    this.log.highWatermark.wake()
    return this.log.logStartOffset
  }

  /** Returns the first offset that is not visible at this isolation level. */
  endFor(isolation: number): number {
    return isolation === isolationLevels.readCommitted ? this.lastStableOffset : this.highWatermark
  }

  private async appendInTurn(validated: Promise<Validated>, options: Context): Promise<Committing> {
    const before = this.validating
    const mine = (async () => {
      // Earlier batches are appended (or rejected) first; their errors do not matter here.
      await before?.catch(() => {})
      const valid = await validated
      // Leadership may have been lost meanwhile.
      if (!this.isLeader) throw new ApiError('NOT_LEADER_OR_FOLLOWER')
      return this.appendValidated(valid, options)
    })()
    this.validating = mine
    // The caller gets a rejection through `mine`.
    validated.catch(() => {})
    try {
      return await mine
    } finally {
      if (this.validating === mine) this.validating = null
    }
  }

  private appendValidated(validated: Validated, options: Context): Committing {
    const { origin, guard, transactionVersion } = options
    const leaderEpoch = this.ledEpoch
    const context = { leaderEpoch, origin, guard, transactionVersion }
    const appended = this.log.append(validated, context)
    const { baseOffset, lastOffset, logAppendTimeMs, logStartOffset, isDuplicate } = appended
    const { written } = appended
    // Listed one by one, as in other per-request objects: spread plus a field is slow in V8.
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

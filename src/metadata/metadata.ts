import type { Clock } from '../base/clock.ts'
import { asError } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { runInTurns, type Turns, toEnd } from '../base/turns.ts'
import { ApiError } from '../protocol/errors.ts'
import { noOpRecord } from '../protocol/stored/metadata/20-no-op-record.ts'
import { Audience, type ImageListener } from './audience.ts'
import type { BrokerSettings } from './config/settings.ts'
import type { Command, Decision } from './controller/controller.ts'
import { ImageDelta, type TopicChanges } from './delta.ts'
import type { Image } from './image.ts'
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
  metadataRecord,
} from './records.ts'
import { replayRecord } from './replay-records.ts'

/** Destination of the controller's records: this process's metadata partition, later a quorum. */
export interface MetadataLog {
  readonly nextOffset: number
  readonly epoch: number
  /** Whether nodes in other processes follow, which are to see even an idle log move. */
  readonly isFollowedRemotely: boolean
  /** Begins an epoch above this one; resolves when that is committed. */
  leadAbove(epoch: number, quorum: Image['quorum']): Promise<void>
  /**
   * Appends one atomic batch; resolves when it is committed.
   * @param options.isSynced false if a power loss may lose the batch: no client is sent its
   * contents.
   */
  append(values: readonly Buffer[], options: { readonly isSynced: boolean }): Promise<void>
}

/** A broker's view of the metadata: the image and its changes. */
export interface BrokerMetadata {
  readonly image: Image
  /**
   * Registers a listener; returns a function that removes it.
   * @param name for log lines, if the listener fails or is slow.
   */
  listen(name: string, listener: ImageListener): () => void
  /** Resolves when the listeners have processed all that has come so far. Never rejects. */
  inStep(): Promise<void>
  /**
   * Resolves when they have processed all that was committed at the time of the call: before that,
   * a topic missing from the image may have just been created.
   * @throws (rejects) the reason if the controller's log cannot be followed any more.
   */
  refreshed(): Promise<void>
}

/**
 * A decision with more records than `recordsAtOnce` is replayed in turns, and yields after every
 * `recordsBetween` records.
 */
const recordsAtOnce = 256
const recordsBetween = 64

/** Records to append, and the image that results from them. */
interface Replayed {
  readonly values: readonly Buffer[]
  readonly image: Image
  readonly changes: TopicChanges
}

/**
 * The controller's decisions. Commands are decided one after the other on the newest state; their
 * answers wait until the records are committed and the controller's own listeners have processed
 * them.
 */
export class MetadataController {
  private readonly log: MetadataLog
  private readonly settings: BrokerSettings
  private readonly clock: Clock
  private readonly random: Random
  private readonly logger: Logger
  private readonly turns: Turns
  private readonly own: Audience
  /** The image that commands are decided on. */
  private newest: Image
  private committing: Promise<void> = Promise.resolve()
  /** Set while a decision takes turns; resolves when the next may be made. */
  private deciding: Promise<void> | null = null
  private failure: Error | null = null

  constructor(options: {
    readonly log: MetadataLog
    readonly image: Image
    readonly settings: BrokerSettings
    readonly clock: Clock
    readonly random: Random
    readonly logger: Logger
    readonly turns: Turns
  }) {
    this.turns = options.turns
    this.log = options.log
    this.newest = options.image
    this.settings = options.settings
    this.clock = options.clock
    this.random = options.random
    this.logger = options.logger
    const { image, clock, logger } = options
    this.own = new Audience({ name: 'the controller', image, clock, logger })
  }

  get image(): Image {
    return this.own.image
  }

  listen(name: string, listener: ImageListener): () => void {
    return this.own.listen(name, listener)
  }

  /**
   * Decides a command, appends its records and waits until they are committed.
   * @throws (rejects) ApiError of the command; KAFKA_STORAGE_ERROR if the log cannot be written.
   */
  async submit<R>(command: Command<R>): Promise<R> {
    // Asked again after every wait: another command may have begun to take turns.
    while (this.deciding !== null) await this.deciding
    this.checkWritable()
    const decision = command({
      image: this.newest,
      settings: this.settings,
      random: this.random,
      nowMs: this.clock.nowMs(),
      nextOffset: this.log.nextOffset,
    })
    const isLong = 'next' in decision || decision.records.length > recordsAtOnce
    const answer = isLong ? await this.decideInTurns(decision) : this.decide(decision)
    await this.committing
    await this.own.inStep()
    return answer
  }

  /**
   * Appends a NoOpRecord. Unless other processes follow it is not synced, so that the disk can
   * rest; the next record is synced together with all before it.
   * @throws (rejects) ApiError KAFKA_STORAGE_ERROR if the metadata log cannot be written.
   */
  async writeNoOp(): Promise<void> {
    while (this.deciding !== null) await this.deciding
    this.checkWritable()
    const replayed = toEnd(this.replayed([metadataRecord(noOpRecord, {})]))
    this.committing = this.carryOut(replayed, { isSynced: this.log.isFollowedRemotely })
    await this.committing
    await this.own.inStep()
  }

  /**
   * Begins an epoch above `epoch`, between two decisions; does nothing if it has begun.
   * @throws (rejects) ApiError KAFKA_STORAGE_ERROR if the metadata log cannot be written.
   */
  async leadAbove(epoch: number): Promise<void> {
    while (this.deciding !== null) await this.deciding
    this.checkWritable()
    if (epoch < this.log.epoch) return
    const begun = this.log.leadAbove(epoch, this.newest.quorum)
    this.committing = this.orFail(Promise.all([this.committing, begun]))
    await this.committing
  }

  private decide<R>({ records, answer }: Decision<R>): R {
    if (records.length > 0) this.committing = this.carryOut(toEnd(this.replayed(records)))
    return answer
  }

  /** Decides and replays a long command in turns; no other command is decided until then. */
  private decideInTurns<R>(decision: Decision<R> | Generator<void, Decision<R>>): Promise<R> {
    const { turns } = this
    const work = (async () => {
      const { records, answer } = 'next' in decision ? await runInTurns(turns, decision) : decision
      if (records.length > 0) {
        this.committing = this.carryOut(await runInTurns(turns, this.replayed(records)))
      }
      return answer
    })()
    const done = work.then(
      () => {},
      () => {},
    )
    this.deciding = done
    void done.then(() => {
      if (this.deciding === done) this.deciding = null
    })
    return work
  }

  private checkWritable(): void {
    if (this.failure === null) return
    throw new ApiError('KAFKA_STORAGE_ERROR', this.failure.message)
  }

  /** Replays the encoded records rather than the originals: a restart reads only these bytes. */
  private *replayed(records: readonly MetadataRecord[]): Generator<void, Replayed> {
    const { nextOffset, epoch } = this.log
    const delta = new ImageDelta(this.newest)
    const values: Buffer[] = []
    for (const [i, record] of records.entries()) {
      const value = encodeMetadataRecord(record)
      // Before the write: a record that cannot be replayed would make every later start fail.
      replayRecord(delta, decodeMetadataRecord(value), nextOffset + i)
      values.push(value)
      if (i % recordsBetween === recordsBetween - 1) yield
    }
    return { values, image: delta.apply(epoch), changes: delta.changes() }
  }

  private carryOut(
    { values, image, changes }: Replayed,
    durability: { readonly isSynced: boolean } = { isSynced: true },
  ): Promise<void> {
    const appended = this.log.append(values, durability)
    this.newest = image
    return this.orFail(
      Promise.all([this.committing, appended]).then(() => this.own.tell(image, changes)),
    )
  }

  /** Refuses all further changes once the log could not be written. */
  private async orFail(written: Promise<unknown>): Promise<void> {
    try {
      await written
    } catch (error) {
      this.failure ??= asError(error)
      this.logger.error('the metadata log cannot be written; no more changes are accepted', {
        error: this.failure.message,
      })
      throw new ApiError('KAFKA_STORAGE_ERROR', this.failure.message)
    }
  }
}

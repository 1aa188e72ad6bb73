import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { Refusal } from '../protocol/errors.ts'
import { noOpRecord } from '../protocol/stored/metadata/20-no-op-record.ts'
import type { BrokerSettings } from './config/settings.ts'
import type { Command } from './controller/controller.ts'
import { ImageDelta, type TopicChanges } from './delta.ts'
import type { Image } from './image.ts'
import { decodeMetadataRecord, encodeMetadataRecord, metadataRecord } from './records.ts'

/** Where the controller's records go: the metadata partition of this process, later a quorum. */
export interface MetadataLog {
  readonly nextOffset: number
  readonly epoch: number
  /**
   * Appends one atomic batch; resolves when it is committed.
   * @param o.isSynced false where a loss of power may take it back: nobody is told what it says.
   */
  append(values: readonly Buffer[], o: { readonly isSynced: boolean }): Promise<void>
}

/** Follows the image: told of every new one, in order, before it can be seen by requests. */
export type ImageListener = (image: Image, changes: TopicChanges) => void | Promise<void>

/** The cluster's memory as a broker uses it: what is, word of changes, and a way to ask for some. */
export interface Metadata {
  readonly image: Image
  /** Calls the listener until the function that it answers is called. */
  listen(listener: ImageListener): () => void
  /** @throws Refusal of the command; KAFKA_STORAGE_ERROR when the metadata log cannot be written. */
  submit<R>(command: Command<R>): Promise<R>
}

/**
 * Resolves once the image holds all that the controller had decided by now: before that, what the image
 * does not know may have just been made.
 *
 * @throws (rejects) Refusal KAFKA_STORAGE_ERROR when the metadata log cannot be written.
 */
export function inStep(metadata: Metadata): Promise<void> {
  return metadata.submit(() => ({ records: [], answer: undefined }))
}

/**
 * The controller and the image that brokers follow. Commands are decided one after the other on the
 * newest state; their answers wait until the records are committed and the listeners are in step,
 * so that whoever is told "created" finds it.
 */
export class MetadataController implements Metadata {
  private readonly log: MetadataLog
  private readonly settings: BrokerSettings
  private readonly clock: Clock
  private readonly random: Random
  private readonly logger: Logger
  private readonly listeners = new Set<ImageListener>()
  /** What commands are decided on. */
  private newest: Image
  /** What requests see. */
  private published: Image
  private publishing: Promise<void> = Promise.resolve()
  private failure: Error | null = null

  constructor(o: {
    readonly log: MetadataLog
    readonly image: Image
    readonly settings: BrokerSettings
    readonly clock: Clock
    readonly random: Random
    readonly logger: Logger
  }) {
    this.log = o.log
    this.newest = this.published = o.image
    this.settings = o.settings
    this.clock = o.clock
    this.random = o.random
    this.logger = o.logger
  }

  get image(): Image {
    return this.published
  }

  listen(listener: ImageListener): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  /** Decides a command and carries it out. */
  async submit<R>(command: Command<R>): Promise<R> {
    if (this.failure !== null) throw new Refusal('KAFKA_STORAGE_ERROR', this.failure.message)
    const { records, answer } = command({
      image: this.newest,
      settings: this.settings,
      random: this.random,
      nowMs: this.clock.nowMs(),
      nextOffset: this.log.nextOffset,
    })
    if (records.length > 0) this.publishing = this.carryOut(records.map(encodeMetadataRecord))
    await this.publishing
    return answer
  }

  /**
   * Has the log grow by a record that says nothing. It is not synced: a disk would never rest, and what
   * comes next is synced with all that stands before.
   *
   * @throws (rejects) Refusal KAFKA_STORAGE_ERROR when the metadata log cannot be written.
   */
  async writeNoOp(): Promise<void> {
    if (this.failure !== null) throw new Refusal('KAFKA_STORAGE_ERROR', this.failure.message)
    const record = encodeMetadataRecord(metadataRecord(noOpRecord, {}))
    this.publishing = this.carryOut([record], { isSynced: false })
    await this.publishing
  }

  /** Replays what was written, not what was meant: a restart will see no more than these bytes. */
  private carryOut(
    values: readonly Buffer[],
    durability: { readonly isSynced: boolean } = { isSynced: true },
  ): Promise<void> {
    const { nextOffset, epoch } = this.log
    const committed = this.log.append(values, durability)
    const delta = new ImageDelta(this.newest)
    values.forEach((value, i) => {
      delta.replay(decodeMetadataRecord(value), nextOffset + i)
    })
    const image = delta.apply(epoch)
    const changes = delta.changes()
    this.newest = image
    return Promise.all([this.publishing, committed]).then(
      () => this.publish(image, changes),
      (error: unknown) => {
        this.failure ??= error instanceof Error ? error : new Error(String(error))
        this.logger.error('the metadata log cannot be written; no more changes are accepted', {
          error: this.failure.message,
        })
        throw new Refusal('KAFKA_STORAGE_ERROR', this.failure.message)
      },
    )
  }

  private async publish(image: Image, changes: TopicChanges): Promise<void> {
    for (const listener of this.listeners) await listener(image, changes)
    this.published = image
  }
}

/** The cluster's memory as one broker sees it: when the broker goes, its listeners go with it. */
export class MetadataFollower implements Metadata {
  private readonly metadata: Metadata
  private readonly leave: (() => void)[] = []

  constructor(metadata: Metadata) {
    this.metadata = metadata
  }

  get image(): Image {
    return this.metadata.image
  }

  listen(listener: ImageListener): () => void {
    const stop = this.metadata.listen(listener)
    this.leave.push(stop)
    return stop
  }

  submit<R>(command: Command<R>): Promise<R> {
    return this.metadata.submit(command)
  }

  close(): void {
    for (const stop of this.leave.splice(0)) stop()
  }
}

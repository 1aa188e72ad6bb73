import type { Clock, Timer } from '../base/clock.ts'
import { messageOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import type { Machine } from '../machine/machine.ts'
import { Runtime } from '../machine/runtime.ts'
import { ApiError } from '../protocol/errors.ts'
import { Malformed } from '../protocol/schema.ts'
import type { CoordinatorLog, LoadedBatch } from './coordinator-log.ts'

/** Delay in ms before the log is read again after a failure; it doubles with each failure. */
const reloadDelayMsMin = 100
const reloadDelayMsMax = 60_000

/** Receives the answer: a value, or the ApiError that becomes the error of the whole response. */
export type To<T> = (answer: T | ApiError) => void

/**
 * The parts in which coordinators differ: how to create a shard's machine, read and write its log.
 */
export interface ShardKind<Command, R, Effect, M extends Machine<Command, R, Effect>> {
  /** The topic of the coordinator's records, for log messages. */
  readonly topic: string
  newMachine(): M
  /** Returns the records to replay of one batch of the log. */
  recordsOf(batch: LoadedBatch): Iterable<R>
  append(records: readonly R[], log: CoordinatorLog): Promise<void>
  /** Begins an effect; its result comes back to the shard as a command. */
  perform(effect: Effect, shard: HostedShard<Command, R, Effect, M>): void
  /**
   * Returns the command to run after a command failed because its records exceed the topic's limit.
   */
  afterRefusal?(command: Command): Command | null
  /** The command that a machine gets once its log is read to the end. */
  readonly loaded: Command
}

export interface HostedShardOptions<Command, R, Effect, M extends Machine<Command, R, Effect>> {
  readonly kind: ShardKind<Command, R, Effect, M>
  readonly partition: number
  readonly leaderEpoch: number
  readonly log: CoordinatorLog
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * One partition of a coordinator's topic that this broker leads. Reads the log, then runs the
 * machine; after a failed append it discards the machine and reads the log again.
 */
export class HostedShard<Command, R, Effect, M extends Machine<Command, R, Effect>> {
  readonly leaderEpoch: number
  readonly log: CoordinatorLog
  private readonly options: HostedShardOptions<Command, R, Effect, M>
  private runtime: Runtime<Command, R, Effect> | null = null
  private hosted: M | null = null
  /** The callers whose requests are parked or wait for a commit. */
  private readonly waiting = new Set<(refusal: ApiError) => void>()
  private reloadDelayMs = reloadDelayMsMin
  private reload: Timer | null = null
  private closed = false
  /**
   * True if the last attempt to read the log failed; requests get NOT_COORDINATOR until one
   * succeeds.
   */
  private isUnreadable = false

  constructor(options: HostedShardOptions<Command, R, Effect, M>) {
    this.options = options
    this.leaderEpoch = options.leaderEpoch
    this.log = options.log
    void this.load()
  }

  /**
   * Returns whether the log is being read; false after a failed attempt, also during the next one.
   */
  get isLoading(): boolean {
    return this.runtime === null && !this.isUnreadable
  }

  /** The machine, for checks of its state; null while the shard loads. */
  get machine(): M | null {
    return this.hosted
  }

  /**
   * @throws (rejects) ApiError COORDINATOR_LOAD_IN_PROGRESS | NOT_COORDINATOR | the errors of the
   *   machine
   */
  call<T>(command: (to: To<T>) => Command): Promise<T> {
    const { runtime } = this
    if (runtime === null) {
      const reason = this.isUnreadable ? 'NOT_COORDINATOR' : 'COORDINATOR_LOAD_IN_PROGRESS'
      return Promise.reject(new ApiError(reason))
    }
    return new Promise<T>((resolve, reject) => {
      let isAnswered = false
      const answered = command((answer) => {
        isAnswered = true
        this.waiting.delete(reject)
        if (answer instanceof ApiError) reject(answer)
        else resolve(answer)
      })
      try {
        runtime.submit(answered)
      } catch {
        reject(new ApiError('UNKNOWN_SERVER_ERROR'))
        return
      }
      if (!isAnswered) this.waiting.add(reject)
    })
  }

  /**
   * Submits a command without an answer. A shard that loads ignores it: it takes its state from the
   * log and submits its own commands afterwards.
   */
  tell(command: Command): void {
    try {
      this.runtime?.submit(command)
    } catch {
      // The shard reports the failure itself.
    }
  }

  close(): void {
    this.closed = true
    this.reload?.clear()
    this.drop()
  }

  private drop(): void {
    this.runtime?.close()
    this.runtime = null
    this.hosted = null
    for (const reject of this.waiting) reject(new ApiError('NOT_COORDINATOR'))
    this.waiting.clear()
  }

  private async load(): Promise<void> {
    const { kind, log, clock } = this.options
    const machine = kind.newMachine()
    try {
      for await (const batch of log.load()) {
        if (this.closed) return
        let offset = batch.baseOffset
        for (const record of kind.recordsOf(batch)) machine.replay(record, offset++)
      }
    } catch (error) {
      if (this.closed) return
      this.isUnreadable = true
      this.failed('could not load a partition of a coordinator', error)
      return
    }
    if (this.closed) return
    this.hosted = machine
    this.isUnreadable = false
    this.reloadDelayMs = reloadDelayMsMin
    this.runtime = new Runtime({
      machine,
      log: {
        get endOffset() {
          return log.endOffset
        },
        append: (records) => kind.append(records, log),
      },
      clock,
      perform: (effect) => kind.perform(effect, this),
      onRefused: (command, error) => this.refused(command, error),
      onFailure: (error) => this.failed('a coordinator failed and is loaded anew', error),
    })
    this.tell(kind.loaded)
  }

  private refused(command: Command, error: unknown) {
    if (!(error instanceof ApiError)) return null
    const { reason, detail } = error
    const { kind, logger, partition } = this.options
    logger.warn('a coordinator did not write records that its topic does not take', {
      partition: `${kind.topic}-${partition}`,
      reason,
      detail,
    })
    return {
      answer: new ApiError('UNKNOWN_SERVER_ERROR'),
      next: kind.afterRefusal?.(command) ?? null,
    }
  }

  private failed(message: string, error: unknown): void {
    const { clock, kind, logger, partition } = this.options
    // For errors in the log's bytes the message is enough; any other error is a bug and needs the
    // stack.
    const isOfLog = error instanceof ApiError || error instanceof Malformed
    const stack = error instanceof Error && !isOfLog ? error.stack : undefined
    const why = stack ?? messageOf(error)
    logger.error(message, { partition: `${kind.topic}-${partition}`, error: why })
    this.drop()
    this.reload = clock.after(this.reloadDelayMs, () => void this.load())
    this.reloadDelayMs = Math.min(this.reloadDelayMs * 2, reloadDelayMsMax)
  }
}

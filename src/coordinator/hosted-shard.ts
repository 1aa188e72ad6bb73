import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Machine } from '../machine/machine.ts'
import { Runtime } from '../machine/runtime.ts'
import { Refusal } from '../protocol/errors.ts'
import type { CoordinatorLog, LoadedBatch } from './coordinator-log.ts'

/** After a failure the log is read anew this much later, twice as late each time. */
const reloadDelayMsMin = 100
const reloadDelayMsMax = 60_000

/** Takes the answer: a value, or the Refusal that becomes the whole response's error. */
export type To<T> = (answer: T | Refusal) => void

/** What a coordinator's shards have in common: how one is made, written and read. */
export interface ShardKind<Command, R, M extends Machine<Command, R>> {
  /** The topic that keeps them, for what is logged. */
  readonly topic: string
  newMachine(): M
  /** A batch of the log, as records to replay. */
  recordsOf(batch: LoadedBatch): Iterable<R>
  append(records: readonly R[], log: CoordinatorLog): Promise<void>
  /** To be done after a command was refused because its records are larger than the topic takes. */
  afterRefusal?(command: Command): Command | null
  /** Told a machine once its log is read to the end. */
  readonly loaded: Command
}

export interface HostedShardOptions<Command, R, M extends Machine<Command, R>> {
  readonly kind: ShardKind<Command, R, M>
  readonly partition: number
  readonly leaderEpoch: number
  readonly log: CoordinatorLog
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * One partition of a coordinator's topic that this broker leads: reads its log, then runs its
 * machine; after a failed append drops the machine and begins again.
 */
export class HostedShard<Command, R, M extends Machine<Command, R>> {
  readonly leaderEpoch: number
  readonly log: CoordinatorLog
  private readonly o: HostedShardOptions<Command, R, M>
  private runtime: Runtime<Command, R> | null = null
  private hosted: M | null = null
  /** Callers that are parked or wait for a commit. */
  private readonly waiting = new Set<(refusal: Refusal) => void>()
  private reloadDelayMs = reloadDelayMsMin
  private reload: Timer | null = null
  private closed = false

  constructor(o: HostedShardOptions<Command, R, M>) {
    this.o = o
    this.leaderEpoch = o.leaderEpoch
    this.log = o.log
    void this.load()
  }

  get isLoading(): boolean {
    return this.runtime === null
  }

  /** For a checker: the machine as it is, or null while it loads. */
  get machine(): M | null {
    return this.hosted
  }

  /** @throws (rejects) Refusal COORDINATOR_LOAD_IN_PROGRESS | NOT_COORDINATOR | what the machine says. */
  call<T>(command: (to: To<T>) => Command): Promise<T> {
    const { runtime } = this
    if (runtime === null) return Promise.reject(new Refusal('COORDINATOR_LOAD_IN_PROGRESS'))
    return new Promise<T>((resolve, reject) => {
      let isAnswered = false
      const answered = command((answer) => {
        isAnswered = true
        this.waiting.delete(reject)
        if (answer instanceof Refusal) reject(answer)
        else resolve(answer)
      })
      try {
        runtime.submit(answered)
      } catch {
        reject(new Refusal('UNKNOWN_SERVER_ERROR'))
        return
      }
      if (!isAnswered) this.waiting.add(reject)
    })
  }

  /** While the shard loads nothing is lost: it starts from the log and asks for itself. */
  tell(command: Command): void {
    try {
      this.runtime?.submit(command)
    } catch {
      // Reported as the shard's failure.
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
    for (const reject of this.waiting) reject(new Refusal('NOT_COORDINATOR'))
    this.waiting.clear()
  }

  private async load(): Promise<void> {
    const { kind, log, clock } = this.o
    const machine = kind.newMachine()
    try {
      for await (const batch of log.load()) {
        if (this.closed) return
        for (const record of kind.recordsOf(batch)) machine.replay(record)
      }
    } catch (error) {
      if (!this.closed) this.failed('could not load a partition of a coordinator', error)
      return
    }
    if (this.closed) return
    this.hosted = machine
    this.reloadDelayMs = reloadDelayMsMin
    this.runtime = new Runtime({
      machine,
      log: { append: (records) => kind.append(records, log) },
      clock,
      onRefused: (command, error) => this.refused(command, error),
      onFailure: (error) => this.failed('a coordinator failed and is loaded anew', error),
    })
    this.tell(kind.loaded)
  }

  private refused(command: Command, error: unknown) {
    if (!(error instanceof Refusal)) return null
    const { reason, detail } = error
    const { kind, logger, partition } = this.o
    logger.warn('a coordinator did not write records that its topic does not take', {
      partition: `${kind.topic}-${partition}`,
      reason,
      detail,
    })
    return {
      answer: new Refusal('UNKNOWN_SERVER_ERROR'),
      next: kind.afterRefusal?.(command) ?? null,
    }
  }

  private failed(message: string, error: unknown): void {
    const { clock, kind, logger, partition } = this.o
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
    logger.error(message, { partition: `${kind.topic}-${partition}`, error: why })
    this.drop()
    this.reload = clock.after(this.reloadDelayMs, () => void this.load())
    this.reloadDelayMs = Math.min(this.reloadDelayMs * 2, reloadDelayMsMax)
  }
}

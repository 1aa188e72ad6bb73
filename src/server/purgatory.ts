import type { Clock, Timer } from '../base/clock.ts'
import type { Partition } from '../replication/partition.ts'
import type { Session } from './session.ts'

/** The condition, deadline and completion of a delayed request (Kafka's `DelayedOperation`). */
export interface Delay<T> {
  readonly session: Session
  /** It tries again whenever one of these has news. */
  readonly partitions: readonly Partition[]
  readonly maxWaitMs: number
  /**
   * Returns the result, or null to wait on; not null at the deadline, or if the client has gone.
   * Not called again before the promise has settled, except at the end.
   */
  tryComplete(isLast: boolean): Promise<T | null>
}

/** One request that waits. */
export class DelayedOperation<T> {
  readonly session: Session
  readonly partitions: readonly Partition[]
  /** Monotonic time in ms. */
  readonly deadlineMs: number
  /** Settles when the operation completes. */
  readonly result: Promise<T>
  private readonly tryComplete: Delay<T>['tryComplete']
  private readonly timer: Timer
  private settle!: { resolve(value: T): void; reject(error: unknown): void }
  private isTrying = false
  private isStale = false
  private isOver = false

  constructor(delay: Delay<T>, clock: Clock) {
    this.session = delay.session
    this.partitions = delay.partitions
    this.deadlineMs = clock.monotonicMs() + delay.maxWaitMs
    this.tryComplete = (isLast) => delay.tryComplete(isLast)
    this.result = new Promise((resolve, reject) => {
      this.settle = { resolve, reject }
    })
    this.timer = clock.after(delay.maxWaitMs, this.complete)
    this.session.closed.addEventListener('abort', this.complete)
    for (const { log } of this.partitions) log.highWatermark.add(this.wake)
    // There may have been news between the first attempt and now.
    this.wake()
  }

  /** Tries to complete because there is news. */
  readonly wake = (): void => {
    if (this.isOver) return
    this.isStale = true
    if (this.isTrying) return
    this.isTrying = true
    this.isStale = false
    void this.attempt(false).finally(() => {
      this.isTrying = false
      if (this.isStale) this.wake()
    })
  }

  /** Completes with what is there: at the deadline, or when the client has gone. */
  readonly complete = (): void => void this.attempt(true)

  private async attempt(isLast: boolean): Promise<void> {
    try {
      const value = await this.tryComplete(isLast)
      if (value !== null) this.end(() => this.settle.resolve(value))
    } catch (error) {
      this.end(() => this.settle.reject(error))
    }
  }

  private end(settle: () => void): void {
    if (this.isOver) return
    this.isOver = true
    this.timer.clear()
    this.session.closed.removeEventListener('abort', this.complete)
    for (const { log } of this.partitions) log.highWatermark.remove(this.wake)
    settle()
  }
}

/** The requests of a broker that wait. */
export class Purgatory {
  private readonly clock: Clock
  private readonly all = new Set<DelayedOperation<unknown>>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  get delayed(): ReadonlySet<DelayedOperation<unknown>> {
    return this.all
  }

  async wait<T>(delay: Delay<T>): Promise<T> {
    const operation = new DelayedOperation(delay, this.clock)
    this.all.add(operation)
    try {
      return await operation.result
    } finally {
      this.all.delete(operation)
    }
  }
}

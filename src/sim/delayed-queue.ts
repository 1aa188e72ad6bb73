import type { Clock, Timer } from '../base/clock.ts'

/** An entry that waits for its time, and for those before it. */
export interface DelayedEntry {
  atMs: number
  readonly run: () => void
}

/** Runs entries in the order of their arrival, each not before its time. */
export class DelayedQueue {
  private readonly clock: Clock
  private readonly queue: DelayedEntry[] = []
  private timer: Timer | null = null

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Runs it at once if nothing precedes it and it has no delay. */
  push(delayMs: number, run: () => void): DelayedEntry {
    const entry = { atMs: this.clock.monotonicMs() + delayMs, run }
    this.queue.push(entry)
    this.runDue()
    return entry
  }

  /** Takes away the rest of an entry's delay. */
  hurry(entry: DelayedEntry): void {
    entry.atMs = Number.NEGATIVE_INFINITY
    this.runDue()
  }

  clear(): void {
    this.queue.length = 0
    this.timer?.clear()
    this.timer = null
  }

  private runDue(): void {
    this.timer?.clear()
    this.timer = null
    const nowMs = this.clock.monotonicMs()
    while (this.queue.length > 0 && this.queue[0]!.atMs <= nowMs) this.queue.shift()!.run()
    const next = this.queue[0]
    if (next === undefined || this.timer !== null) return
    this.timer = this.clock.after(next.atMs - nowMs, () => this.runDue())
  }
}

import type { Clock } from '../base/clock.ts'

/** A delay below this (ms) is postponed, because a timer costs more. */
const debtMsMin = 50
/** Maximum length (ms) of one wait, so that `lift` takes effect soon. */
const waitMsMax = 300

/**
 * Limits work to a number of bytes per second, counted from its first bytes (Kafka's `Throttler`).
 * Bytes are spent first; the delay follows.
 */
export class Throttle {
  private readonly clock: Clock
  private readonly bytesPerSecond: () => number
  private isLifted = false
  private freeAtMs = 0

  constructor(clock: Clock, bytesPerSecond: () => number) {
    this.clock = clock
    this.bytesPerSecond = bytesPerSecond
  }

  /**
   * Records spent bytes; returns null if the work may continue at once, else a promise to await.
   */
  spend(bytes: number): Promise<void> | null {
    const nowMs = this.clock.monotonicMs()
    this.freeAtMs = Math.max(this.freeAtMs, nowMs) + (bytes / this.bytesPerSecond()) * 1000
    return this.isLifted || this.freeAtMs - nowMs < debtMsMin ? null : this.wait()
  }

  /** Ends all waits and disables the limit. */
  lift(): void {
    this.isLifted = true
  }

  private async wait(): Promise<void> {
    for (;;) {
      const leftMs = this.freeAtMs - this.clock.monotonicMs()
      if (this.isLifted || leftMs < 1) return
      await new Promise<void>((resolve) => {
        this.clock.after(Math.ceil(Math.min(leftMs, waitMsMax)), resolve)
      })
    }
  }
}

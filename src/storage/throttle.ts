import type { Clock } from '../base/clock.ts'

/** So much of a debt is not waited for yet: timers are dearer than that. */
const debtMsMin = 50
/** A wait is cut in pieces of this length, so that it ends soon when the throttle is lifted. */
const waitMsMax = 300

/**
 * Slows work down to so many bytes a second, counted from its first ones (Kafka's `Throttler`). Bytes
 * are spent first and waited for after.
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

  /** Null if the work may go on at once. */
  spend(bytes: number): Promise<void> | null {
    const nowMs = this.clock.monotonicMs()
    this.freeAtMs = Math.max(this.freeAtMs, nowMs) + (bytes / this.bytesPerSecond()) * 1000
    return this.isLifted || this.freeAtMs - nowMs < debtMsMin ? null : this.wait()
  }

  /** Nothing waits any more. */
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

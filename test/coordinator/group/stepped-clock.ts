import type { Clock } from '../../../src/base/clock.ts'

/** A clock that a test advances; timers fire one by one, each at its own time. */
export class SteppedClock implements Clock {
  private now = 1_700_000_000_000
  private timers: { atMs: number; ring: () => void }[] = []

  nowMs = () => this.now
  monotonicMs = () => this.now

  after(delayMs: number, ring: () => void) {
    const timer = { atMs: this.now + delayMs, ring }
    this.timers.push(timer)
    return {
      clear: () => {
        this.timers = this.timers.filter((each) => each !== timer)
      },
    }
  }

  /** Number of timers that have neither rung nor been cleared. */
  get pending(): number {
    return this.timers.length
  }

  /** Promises settle after each timer, as between two real ones. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.now + ms
    for (;;) {
      const next = this.timers
        .filter(({ atMs }) => atMs <= untilMs)
        .reduce<(typeof this.timers)[number] | null>(
          (first, timer) => (first === null || timer.atMs < first.atMs ? timer : first),
          null,
        )
      if (next === null) break
      this.timers = this.timers.filter((timer) => timer !== next)
      this.now = Math.max(this.now, next.atMs)
      next.ring()
      await settle()
    }
    this.now = untilMs
    await settle()
  }
}

/** Resolves when all promises that can settle have done so. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

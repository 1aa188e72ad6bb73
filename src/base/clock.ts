import { performance } from 'node:perf_hooks'
// By named import, never the globals: a test's fake timers would freeze an in-process broker.
import { clearTimeout, setTimeout } from 'node:timers'

/** A timer that was set and may be cleared; clearing it twice does no harm. */
export interface Timer {
  clear(): void
}

/** The only source of time in the broker. A simulation hands in a seeded twin. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch: what goes into records. */
  nowMs(): number
  /** Time in milliseconds that never goes back: what deadlines are measured with. */
  monotonicMs(): number
  /** Calls `ring` once after at least `delayMs`. A pending timer does not keep the process alive. */
  after(delayMs: number, ring: () => void): Timer
}

/** The longest delay that Node's timers take; longer ones would ring at once. */
const delayMsMax = 2 ** 31 - 1

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, ring) {
    const handle = setTimeout(ring, Math.min(Math.max(delayMs, 0), delayMsMax))
    handle.unref()
    return { clear: () => clearTimeout(handle) }
  },
}

import { performance } from 'node:perf_hooks'
// Imported by name because fake timers of tests replace the globals, also for an in-process broker.
import { clearTimeout, setTimeout } from 'node:timers'

/** A pending timer; clearing it more than once is allowed. */
export interface Timer {
  clear(): void
}

/** The only source of time in the broker. Simulations use a deterministic implementation. */
export interface Clock {
  /** Wall-clock time in ms since the epoch, used in records. */
  nowMs(): number
  /** Monotonic time in ms, used for deadlines. */
  monotonicMs(): number
  /** Calls `ring` once after at least `delayMs`. */
  after(delayMs: number, ring: () => void): Timer
}

/** Resolves after at least `delayMs`. */
export const pause = (clock: Pick<Clock, 'after'>, delayMs: number): Promise<void> =>
  new Promise((resolve) => clock.after(delayMs, resolve))

/** Maximum delay of Node's timers in ms; a longer one would fire at once. */
const delayMsMax = 2 ** 31 - 1

/** @param keepsAlive whether a pending timer keeps the process alive. */
function clockOfProcess(keepsAlive: boolean): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after(delayMs, ring) {
      const handle = setTimeout(ring, Math.min(Math.max(delayMs, 0), delayMsMax))
      if (!keepsAlive) handle.unref()
      return { clear: () => clearTimeout(handle) }
    },
  }
}

export const systemClock = clockOfProcess(false)

/** For a command that may have nothing but a timer while it waits. */
export const commandClock = clockOfProcess(true)

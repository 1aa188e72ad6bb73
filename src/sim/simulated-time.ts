import type { Clock, Timer } from '../base/clock.ts'
import { soon } from '../base/turns.ts'

/** The wall-clock time in ms at which every simulation begins. */
const epochMs = 1_700_000_000_000

/** Turns of the event loop between two timers, in which promises and streams settle. */
const turnsBetween = 3

interface Pending {
  readonly atMs: number
  readonly owner: object
  readonly ring: () => void
}

/**
 * One time for all processes of a simulation, which goes on only while `run` is awaited: timers
 * ring one by one, those of the same moment in the order in which they were set.
 */
export class SimulatedTime {
  private nowMs = 0
  /** Sorted by time. */
  private readonly timers: Pending[] = []
  private readonly dead = new Set<object>()

  /** Time since the begin of the simulation in ms. */
  get elapsedMs(): number {
    return this.nowMs
  }

  /** Returns the clock of a process, which `stop` ends together with its timers. */
  clockOf(owner: object): Clock {
    return {
      nowMs: () => epochMs + this.nowMs,
      monotonicMs: () => this.nowMs,
      after: (delayMs, ring) => this.add({ atMs: this.nowMs + Math.max(delayMs, 0), owner, ring }),
    }
  }

  /** Stops the clock of a process for ever: it never hears of a timer again. */
  stop(owner: object): void {
    this.dead.add(owner)
    const left = this.timers.filter((timer) => timer.owner !== owner)
    this.timers.splice(0, this.timers.length, ...left)
  }

  /** Goes on by this time in ms. */
  async run(forMs: number): Promise<void> {
    const untilMs = this.nowMs + forMs
    await settled()
    for (;;) {
      const next = this.timers[0]
      if (next === undefined || next.atMs > untilMs) break
      this.timers.shift()
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.ring()
      await settled()
    }
    this.nowMs = untilMs
  }

  private add(timer: Pending): Timer {
    const { timers } = this
    if (this.dead.has(timer.owner)) return { clear: () => {} }
    let at = timers.length
    while (at > 0 && timers[at - 1]!.atMs > timer.atMs) at--
    timers.splice(at, 0, timer)
    return {
      clear: () => {
        const found = timers.indexOf(timer)
        if (found >= 0) timers.splice(found, 1)
      },
    }
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < turnsBetween; i++) await new Promise<void>((resolve) => soon(resolve))
}

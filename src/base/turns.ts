import { setImmediate } from 'node:timers'
import type { Clock } from './clock.ts'

/**
 * Shares the event loop among long tasks. A long loop checks `isOver` regularly and awaits `next`
 * when it is true. Between two turns the event loop handles other events.
 */
export interface Turns {
  /** Returns whether long tasks have used up their total time in this turn of the event loop. */
  isOver(): boolean
  /** Resolves when the caller may continue: one caller per turn, in the order of the calls. */
  next(): Promise<void>
}

/** Calls `run` in the next turn of the event loop, after all readable sockets have been read. */
export function soon(run: () => void): void {
  setImmediate(run)
}

/** Total time of long tasks per turn in ms: a tenth of the longest acceptable delay of a client. */
export const turnMsMax = 10

/** The turns of this process's event loop. */
export class LoopTurns implements Turns {
  private readonly clock: Pick<Clock, 'monotonicMs'>
  private readonly waiting: (() => void)[] = []
  private startedMs: number | null = null
  private isScheduled = false

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.clock = clock
  }

  isOver(): boolean {
    const nowMs = this.clock.monotonicMs()
    if (this.startedMs === null) {
      this.startedMs = nowMs
      this.schedule()
      return false
    }
    return nowMs - this.startedMs >= turnMsMax
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve)
      this.schedule()
    })
  }

  private schedule(): void {
    if (this.isScheduled) return
    this.isScheduled = true
    soon(() => this.begin())
  }

  private begin(): void {
    this.isScheduled = false
    const next = this.waiting.shift()
    if (next === undefined) {
      this.startedMs = null
      return
    }
    this.startedMs = this.clock.monotonicMs()
    this.schedule()
    next()
  }
}

/** Runs a generator to its end without pausing. */
export function toEnd<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** Runs a generator to its end; returns a promise only if that takes more than one turn. */
export function runInTurns<T>(turns: Turns, work: Generator<void, T>): T | Promise<T> {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    if (turns.isOver()) return runOn(turns, work)
  }
}

async function runOn<T>(turns: Turns, work: Generator<void, T>): Promise<T> {
  for (;;) {
    if (turns.isOver()) await turns.next()
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** Number of items processed between two checks of the clock. */
const itemsBetween = 16

/** Maps the items in order; returns a promise only if that takes more than one turn. */
export function mapInTurns<T, R>(
  turns: Turns,
  items: readonly T[],
  make: (item: T, index: number) => R,
): R[] | Promise<R[]> {
  const made: R[] = []
  for (let i = 0; i < items.length; i++) {
    if (i % itemsBetween === 0 && turns.isOver()) return goOn(turns, items, make, made)
    made.push(make(items[i]!, i))
  }
  return made
}

async function goOn<T, R>(
  turns: Turns,
  items: readonly T[],
  make: (item: T, index: number) => R,
  made: R[],
): Promise<R[]> {
  await turns.next()
  for (let i = made.length; i < items.length; i++) {
    if (i % itemsBetween === 0 && turns.isOver()) await turns.next()
    made.push(make(items[i]!, i))
  }
  return made
}

/** Number of promises created before they are awaited. */
const promisesBetween = 64

/** Like `mapInTurns`, for a `make` that may return a promise. */
export async function mapWaiting<T, R>(
  turns: Turns,
  items: readonly T[],
  make: (item: T, index: number) => R | Promise<R>,
): Promise<R[]> {
  const made: R[] = []
  for (let from = 0; from < items.length; from += promisesBetween) {
    if (turns.isOver()) await turns.next()
    const some = items.slice(from, from + promisesBetween)
    made.push(...(await Promise.all(some.map((item, i) => make(item, from + i)))))
  }
  return made
}

/** Never pauses: for a command line or a test, where nothing else uses the event loop. */
export const endlessTurn: Turns = {
  isOver: () => false,
  next: () => Promise.resolve(),
}

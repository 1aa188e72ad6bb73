import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { RE2JS, RE2JSSyntaxException } from 're2js'
import type { Clock, Timer } from './clock.ts'

/** Operations on regular expressions: validation, and matching of complete names. */
export interface Expressions {
  /** Resolves with null if RE2 accepts the expression, otherwise with the error. */
  faultOf(expression: string): Promise<string | null>
  /** Resolves with the names that the expression matches. @throws (rejects) ExpressionTooCostly */
  fitting(expression: string, names: readonly string[]): Promise<readonly string[]>
  /** Cancels pending operations. */
  close(): void
}

/** An expression takes more time or memory than one client may use. */
export class ExpressionTooCostly extends Error {
  override readonly name = 'ExpressionTooCostly'
}

/** Up to this cost an expression is compiled and matched with some hundred names in about 1 ms. */
const quickCostMax = 400
const quickNamesMax = 500
/** Cost of a Unicode class such as `\pL`, which consists of some hundred ranges. */
const classCost = 300
/** Maximum product of nested counts in RE2. */
const countMax = 1000

/**
 * Estimates the steps of RE2 for an expression: its length times the counts in it. Counts of a
 * bracket may be nested.
 */
export function costOf(expression: string): number {
  const counts = [...expression.matchAll(/(.)\{(\d+)(?:,(\d*))?\}/g)].map(
    ([, before, from, to]) => ({ isNested: before === ')', count: Number(to || from) }),
  )
  const nested = counts.some(({ isNested }) => isNested)
  const times = nested
    ? counts.reduce((product, { count }) => product * Math.max(1, count), 1)
    : Math.max(1, ...counts.map(({ count }) => count))
  const classes = [...expression.matchAll(/\\[pP]/g)].length
  return (expression.length + classes * classCost) * Math.min(times, countMax)
}

/** Returns whether the expression is cheap enough for the event loop. */
export function isQuick(expression: string, names: number): boolean {
  return (
    expression.length <= quickCostMax &&
    names <= quickNamesMax &&
    costOf(expression) <= quickCostMax
  )
}

/** Returns the error of a cheap expression; null if it is valid. */
export function quickFaultOf(expression: string): string | null {
  try {
    RE2JS.compile(expression)
    return null
  } catch (error) {
    return error instanceof RE2JSSyntaxException ? error.getDescription() : String(error)
  }
}

/** Time limit of a job in ms, equal to a client's default `request.timeout.ms`. */
const jobMs = 30_000
/** The thread ends after this time (ms) without jobs. */
const idleMs = 2_000
/** Memory limit of the thread in MB; exceeding it does not affect the broker. */
const memoryMbMax = 256

/**
 * Source of the thread; not a separate file, so that it is included in every build of the broker.
 */
const program = `
const { parentPort, workerData } = require('node:worker_threads')
const { RE2JS } = require(workerData)
parentPort.on('message', ({ expression, names }) => {
  try {
    const compiled = RE2JS.compile(expression)
    parentPort.postMessage({ found: names.filter((name) => compiled.matches(name)) })
  } catch (error) {
    const fault = typeof error.getDescription === 'function' ? error.getDescription() : String(error)
    parentPort.postMessage({ fault })
  }
})
`

interface Job {
  readonly expression: string
  readonly names: readonly string[]
  readonly resolve: (answer: { found?: readonly string[]; fault?: string }) => void
  readonly reject: (error: Error) => void
}

/**
 * Compiles and matches clients' expressions on a separate thread, one at a time: some valid
 * expressions take longer than all other work of a broker.
 */
export class ExpressionThread implements Expressions {
  private readonly clock: Pick<Clock, 'after'>
  private readonly waiting: Job[] = []
  private current: Job | null = null
  private worker: Worker | null = null
  private timer: Timer | null = null

  constructor(clock: Pick<Clock, 'after'>) {
    this.clock = clock
  }

  async faultOf(expression: string): Promise<string | null> {
    if (isQuick(expression, 0)) return quickFaultOf(expression)
    try {
      return (await this.ask(expression, [])).fault ?? null
    } catch (error) {
      if (!(error instanceof ExpressionTooCostly)) throw error
      return error.message
    }
  }

  async fitting(expression: string, names: readonly string[]): Promise<readonly string[]> {
    return (await this.ask(expression, names)).found ?? []
  }

  close(): void {
    // Emptied first: `end` starts the next job.
    const waiting = this.waiting.splice(0)
    this.end(new ExpressionTooCostly('the broker stops'))
    for (const { reject } of waiting) reject(new ExpressionTooCostly('the broker stops'))
  }

  private ask(expression: string, names: readonly string[]) {
    return new Promise<{ found?: readonly string[]; fault?: string }>((resolve, reject) => {
      this.waiting.push({ expression, names, resolve, reject })
      this.next()
    })
  }

  private next(): void {
    if (this.current !== null) return
    this.timer?.clear()
    const job = this.waiting.shift()
    if (job === undefined) {
      this.timer = this.clock.after(idleMs, () => this.end(null))
      return
    }
    this.current = job
    this.worker ??= this.start()
    this.timer = this.clock.after(jobMs, () =>
      this.end(new ExpressionTooCostly(`the expression takes more than ${jobMs / 1000} s`)),
    )
    const { expression, names } = job
    this.worker.postMessage({ expression, names })
  }

  private start(): Worker {
    const workerData = createRequire(import.meta.url).resolve('re2js')
    const resourceLimits = { maxOldGenerationSizeMb: memoryMbMax }
    const worker = new Worker(program, { eval: true, workerData, resourceLimits })
    worker.unref()
    worker.on('message', (answer) => {
      this.current?.resolve(answer)
      this.current = null
      this.next()
    })
    worker.on('error', () => {
      if (this.worker === worker) {
        this.end(new ExpressionTooCostly(`the expression takes more than ${memoryMbMax} MB`))
      }
    })
    return worker
  }

  /** @param error rejects the current job; null if there is none. */
  private end(error: Error | null): void {
    const { worker, current } = this
    this.timer?.clear()
    this.worker = null
    this.current = null
    void worker?.terminate()
    if (current !== null && error !== null) current.reject(error)
    if (this.waiting.length > 0) this.next()
  }
}

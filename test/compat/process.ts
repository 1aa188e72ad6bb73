import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'

/** The result of a program. `code` is null if a signal ended it. */
export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Maximum number of characters kept of each output stream; the oldest are dropped. */
const outputCharsMax = 64 * 1024 * 1024

/** A running program, with its output so far. */
export class Running {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
  /** Start time on the clock of `performance.now`. */
  readonly startedAtMs = performance.now()
  stdout = ''
  stderr = ''
  #watchers = new Set<() => void>()
  readonly #title: string

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.#title = [command, ...args].join(' ').slice(0, 300)
    this.child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
    running.add(this)
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout = (this.stdout + text).slice(-outputCharsMax)
      this.#changed()
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-outputCharsMax)
      this.#changed()
    })
    this.child.stdin?.on('error', () => {}) // a program may leave without reading its input
    this.finished = new Promise((resolve, reject) => {
      this.child.once('error', reject)
      this.child.once('close', (code) => {
        resolve({ code, stdout: this.stdout, stderr: this.stderr })
      })
    })
    const done = () => {
      running.delete(this)
      this.#changed()
    }
    this.finished.then(done, done)
  }

  get pid(): number {
    return this.child.pid ?? -1
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** Resolves with the match as soon as the output (either stream) matches `pattern`. */
  async until(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    const look = () => pattern.exec(this.stdout) ?? pattern.exec(this.stderr)
    return new Promise((resolve, reject) => {
      const finish = () => {
        clearTimeout(timer)
        this.#watchers.delete(check)
      }
      const check = () => {
        const match = look()
        if (match !== null) {
          finish()
          resolve(match)
        } else if (this.ended) {
          finish()
          reject(new Error(`ended before it printed ${pattern}: ${this.describe()}`))
        }
      }
      const timer = setTimeout(() => {
        finish()
        reject(new Error(`no ${pattern} within ${timeoutMs} ms: ${this.describe()}`))
      }, timeoutMs)
      this.#watchers.add(check)
      this.finished.catch((error: Error) => {
        finish()
        reject(error)
      })
      check()
    })
  }

  /** Waits for the end; at the deadline kills the program and rejects. */
  async end(timeoutMs: number): Promise<Finished> {
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.child.kill('SIGKILL')
        reject(new Error(`not ended within ${timeoutMs} ms: ${this.describe()}`))
      }, timeoutMs)
    })
    try {
      return await Promise.race([this.finished, deadline])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Sends `signal` and waits for the end. */
  async kill(signal: NodeJS.Signals, timeoutMs = 30_000): Promise<Finished> {
    if (!this.ended) this.child.kill(signal)
    return this.end(timeoutMs)
  }

  describe(charsMax = 4000): string {
    const status = `${this.#title}\n(exit code ${this.child.exitCode}, signal ${this.child.signalCode})`
    return `${status}\n--- stdout\n${this.stdout.slice(-charsMax)}\n--- stderr\n${this.stderr.slice(-charsMax)}`
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }
}

/**
 * Asks a program that answers each line, in order, with a line of `ok NUMBER...` or `wrong WHY`.
 * @returns a function that resolves with the numbers, and rejects with the reason.
 */
export function asker<Question extends string>(program: Running, answerMsMax: number) {
  let answers = 0
  return async (what: Question): Promise<number[]> => {
    answers++
    program.child.stdin?.write(`${what}\n`)
    const nth = new RegExp(`^(?:(?:ok|wrong) .*\\n){${answers - 1}}(ok|wrong) (.*)\\n`, 'm')
    const [, verdict, rest = ''] = await program.until(nth, answerMsMax)
    if (verdict !== 'ok') throw new Error(`${what}: ${rest}`)
    return rest.split(' ').map(Number)
  }
}

/**
 * Ends this process with its program, whatever is still open: with 1 and the message of an error.
 */
export function exitAfter(program: Promise<void>): void {
  program.then(
    () => process.exit(0),
    (error: Error) => {
      console.error(error.message)
      process.exit(1)
    },
  )
}

const running = new Set<Running>()
process.once('exit', () => {
  for (const each of running) each.child.kill('SIGKILL')
})

/** Runs a program to its end. Rejects at the deadline, or if it cannot be started. */
export async function run(
  command: string,
  args: readonly string[],
  options: SpawnOptions & { readonly input?: string | Buffer; readonly timeoutMs?: number } = {},
): Promise<Finished> {
  const { input, timeoutMs = 60_000, ...rest } = options
  const program = new Running(command, args, rest)
  program.child.stdin?.end(input ?? '')
  return program.end(timeoutMs)
}

/** Like {@link run}, but rejects with the whole output if the exit code is not 0. */
export async function runWell(...given: Parameters<typeof run>): Promise<string> {
  const { code, stdout, stderr } = await run(...given)
  if (code !== 0) {
    throw new Error(`${given[0]} ${given[1].join(' ')} ended with ${code}\n${stderr}\n${stdout}`)
  }
  return stdout
}

import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'vitest'

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js')

/** One run of the command, with all that it has printed so far. */
export interface Run {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
  readonly exit: Promise<number | null>
}

/** Runs the built command in a folder. */
export class Command {
  readonly #dir: string
  readonly #running: ChildProcess[] = []

  constructor(dir: string) {
    this.#dir = dir
  }

  /** @param node arguments of Node itself. */
  run(args: readonly string[], node: readonly string[] = []): Run {
    const child = spawn(process.execPath, [...node, cli, ...args], { cwd: this.#dir })
    this.#running.push(child)
    const text = { out: '', err: '' }
    child.stdout.on('data', (piece) => {
      text.out += piece
    })
    child.stderr.on('data', (piece) => {
      text.err += piece
    })
    const exit = new Promise<number | null>((done) => child.on('close', (code) => done(code)))
    return { child, out: () => text.out, err: () => text.err, exit }
  }

  /** Ends whatever still runs. */
  kill(): void {
    for (const child of this.#running.splice(0)) child.kill('SIGKILL')
  }
}

/** Waits for the line with the addresses; returns their ports. */
export async function listening({ out, err, exit }: Run): Promise<number[]> {
  await Promise.race([
    expect.poll(out, { timeout: 20_000, interval: 20 }).toContain('cluster '),
    exit.then((code) => expect.fail(`ended with ${code}: ${err()}`)),
  ])
  const line = out().split('\n')[0]!
  expect(line).toMatch(/^odradek listening on /)
  return [...line.matchAll(/[\w.\]]+:(\d+)/g)].map(([, port]) => Number(port))
}

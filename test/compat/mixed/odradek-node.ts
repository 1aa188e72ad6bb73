import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeAddress } from '../../../src/channel/channel.ts'
import { Running } from '../process.ts'
import { projectRoot } from '../project-root.ts'
import { writeProperties } from '../properties-file.ts'
import type { Settings } from '../targets.ts'

const command = join(projectRoot, 'dist', 'cli.js')
const startMs = 60_000

/** A node of odradek in a process of its own: the built command with a server.properties. */
export class OdradekNode {
  readonly dataDir: string
  readonly #dir = mkdtempSync(join(tmpdir(), 'odradek-node-'))
  readonly #file = join(this.#dir, 'server.properties')
  #program: Running | null = null

  constructor(settings: Settings) {
    this.dataDir = join(this.#dir, 'data')
    writeProperties(this.#file, { 'log.dirs': this.dataDir, ...settings })
  }

  get pid(): number {
    return this.#running.pid
  }

  /** Its log lines since its last start. */
  get log(): string {
    return this.#running.stderr
  }

  /** Resolves when clients can be served. */
  async start(): Promise<void> {
    this.launch()
    await this.serves()
  }

  /** Starts the process, and does not wait for it. */
  launch(): void {
    this.#program = new Running(process.execPath, [command, 'start', '--config', this.#file])
  }

  async serves(): Promise<void> {
    await this.#running.until(/^odradek listening on /m, startMs)
  }

  /** Resolves as soon as its output contains what is looked for. */
  async says(pattern: RegExp): Promise<void> {
    await this.#running.until(pattern, startMs)
  }

  /** Suspends the process, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#running.child.kill(signal)
  }

  async kill9(): Promise<void> {
    await this.#running.kill('SIGKILL')
  }

  /** Stops normally. @throws Error if the exit code is not 0. */
  async stop(): Promise<void> {
    const { code } = await this.#running.kill('SIGTERM')
    if (code !== 0) throw new Error(this.describe())
  }

  async close(): Promise<void> {
    await this.#program?.kill('SIGKILL')
    rmSync(this.#dir, { recursive: true, force: true })
  }

  describe(): string {
    return this.#running.describe()
  }

  get #running(): Running {
    if (this.#program === null) throw new Error('the node was not started')
    return this.#program
  }
}

/** The settings of a broker that joins a quorum and takes replicas. */
export function joining(
  { bootstrap }: { readonly bootstrap: readonly NodeAddress[] },
  id: number,
  port: number,
  more: Settings = {},
): Settings {
  return {
    ...{ 'process.roles': 'broker', 'node.id': id, 'odradek.join.cordoned': false },
    ...{ listeners: `PLAINTEXT://127.0.0.1:${port}`, 'controller.listener.names': 'CONTROLLER' },
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'controller.quorum.bootstrap.servers': bootstrap.map((one) => `${one.host}:${one.port}`).join(),
    ...more,
  }
}

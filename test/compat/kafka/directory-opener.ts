import { freePort } from '../free-port.ts'
import type { Running } from '../process.ts'
import type { Settings } from '../targets.ts'
import { getKafka } from './jars.ts'
import { compile, startJava } from './java.ts'

/** The result of opening a directory: the port, or the reason why Kafka did not start. */
export type Opened = { readonly port: number } | { readonly refused: string }

const answerMs = 120_000

/** Apache Kafka in a JVM that opens one data directory after the other. */
export class DirectoryOpener {
  readonly #program: Running

  private constructor(program: Running) {
    this.#program = program
  }

  static async start(): Promise<DirectoryOpener> {
    await getKafka()
    const classes = await compile()
    return new DirectoryOpener(
      startJava('DirectoryOpener', [], { classes: 'server', extra: [classes], jvm: ['-Xmx1G'] }),
    )
  }

  async open(dir: string, settings: Settings): Promise<Opened> {
    const [port, controllerPort] = [await freePort(), await freePort()]
    const properties: Settings = {
      'process.roles': 'broker,controller',
      'node.id': 1,
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
      'controller.listener.names': 'CONTROLLER',
      'inter.broker.listener.name': 'PLAINTEXT',
      'log.dirs': dir,
      'offsets.topic.replication.factor': 1,
      'transaction.state.log.replication.factor': 1,
      'transaction.state.log.min.isr': 1,
      ...settings,
    }
    const words = Object.entries(properties).map(([key, value]) =>
      Buffer.from(`${key}=${value}`).toString('base64'),
    )
    const [, word, reason] = await this.#ask(
      `start ${words.join(' ')}`,
      /^(started|refused|late) ?(.*)$/m,
    )
    if (word === 'started') return { port }
    // Neither result within the time: a busy machine must not count as a refused directory.
    if (word === 'late') throw new Error('Apache Kafka has neither started nor refused a directory')
    return { refused: Buffer.from(reason!, 'base64').toString('utf8') }
  }

  async stop(): Promise<void> {
    await this.#ask('stop', /^(stopped)$/m)
  }

  /** The broker's log since the last call. */
  takeLog(): string {
    const { stderr } = this.#program
    this.#program.stderr = ''
    return stderr
  }

  async close(): Promise<void> {
    await this.#program.kill('SIGKILL')
  }

  #ask(line: string, answer: RegExp): Promise<RegExpExecArray> {
    this.#program.stdout = ''
    this.#program.child.stdin!.write(`${line}\n`)
    return this.#program.until(answer, answerMs)
  }
}

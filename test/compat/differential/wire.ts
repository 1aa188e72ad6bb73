import { compile, startJava } from '../kafka/java.ts'
import type { Running } from '../process.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

/**
 * Sends requests one by one, written and read by Kafka's own classes: see `java/WireClient.java`.
 */
export class WireClient {
  readonly #jvm: Running
  readonly #waiting = new Map<string, (answer: string) => void>()
  #lastId = 0
  #unread = ''

  private constructor(jvm: Running) {
    this.#jvm = jvm
    jvm.child.stdout?.on('data', (text: string) => this.#answers(text))
  }

  static async start(): Promise<WireClient> {
    const folder = await compile()
    return new WireClient(startJava('WireClient', [], { classes: 'server', extra: [folder] }))
  }

  /** Requests of one connection are answered in order. Rejects if the broker closes it. */
  async send(
    o: {
      readonly connection: string
      readonly bootstrap: string
      readonly api: string
      readonly version: number
    },
    body: JsonObject,
  ): Promise<JsonObject> {
    const { connection, bootstrap, api, version } = o
    const line = [connection, bootstrap, api, version, JSON.stringify(body)].join('\t')
    const answer = await this.#ask(line)
    if (answer.startsWith('=')) return JSON.parse(answer.slice(1))
    throw new Error(`${api} v${version}: ${answer.slice(1)}`)
  }

  async hangUp(connection: string): Promise<void> {
    await this.#ask(`${connection}\tclose`)
  }

  async close(): Promise<void> {
    this.#jvm.child.stdin?.end()
    await this.#jvm.end(10_000)
  }

  #ask(line: string): Promise<string> {
    const id = String(++this.#lastId)
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#jvm.child.stdin?.write(`${id}\t${line}\n`)
    })
  }

  #answers(text: string): void {
    const lines = (this.#unread + text).split('\n')
    this.#unread = lines.pop() ?? ''
    for (const line of lines) {
      const [id = '', answer = ''] = line.split('\t', 2)
      this.#waiting.get(id)?.(answer)
      this.#waiting.delete(id)
    }
  }
}

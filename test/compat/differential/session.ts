import type { Json, JsonObject, WireClient } from './wire.ts'

/**
 * The requests and answers of a scenario, with everything that differs from run to run replaced by
 * names.
 */
export interface Transcript {
  readonly requests: number
  readonly lines: readonly string[]
}

/** Fields with times or durations. */
const vague = new Set(['throttleTimeMs', 'assignmentTimestamp'])

const randomId = /(?:[\w.-]*-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|^[\w-]{22}$/

/** One scenario on one broker: sends requests and keeps the answers for comparison. */
export class Session {
  readonly name: string
  readonly #wire: WireClient
  readonly #bootstrap: string
  readonly #target: string
  readonly #topicIds: ReadonlyMap<string, string>
  readonly #lines: string[] = []
  readonly #names = new Map<string, string>()
  readonly #connections = new Set<string>()
  #requests = 0

  constructor(o: {
    readonly name: string
    readonly target: string
    readonly wire: WireClient
    readonly bootstrap: string
    /** Ids of the scenarios' topics by name. */
    readonly topicIds: ReadonlyMap<string, string>
  }) {
    this.name = o.name
    this.#target = o.target
    this.#wire = o.wire
    this.#bootstrap = o.bootstrap
    this.#topicIds = o.topicIds
    for (const [name, id] of o.topicIds) this.#names.set(id, `id of ${name}`)
  }

  topicId(name: string): string {
    const id = this.#topicIds.get(name)
    if (id === undefined) throw new Error(`no topic ${name}`)
    return id
  }

  /** Sends a request and keeps its answer under `label`; an unanswered one is awaited later. */
  send(
    api: string,
    version: number,
    body: JsonObject,
    o: { readonly on?: string; readonly quiet?: boolean } = {},
  ): Promise<JsonObject> {
    const connection = `${this.#target}/${this.name}/${o.on ?? 'main'}`
    this.#connections.add(connection)
    this.#requests++
    const label = `${api} v${version}${o.on === undefined ? '' : ` on ${o.on}`}`
    const at = { connection, bootstrap: this.#bootstrap, api, version }
    const place = this.#lines.length
    if (o.quiet !== true) this.#lines.push(label)
    const answered = this.#wire.send(at, body).then(
      (answer) => {
        if (o.quiet !== true) this.#lines[place] = `${label}: ${this.#told(answer)}`
        return answer
      },
      (error: unknown) => {
        if (o.quiet !== true) this.#lines[place] = `${label}: hung up`
        throw error
      },
    )
    answered.catch(() => {})
    return answered
  }

  /** Repeats the request until the answer is as wanted, and keeps only that one. */
  async until(
    wanted: (answer: JsonObject) => boolean,
    ask: () => Promise<JsonObject>,
    timeoutMs = 15_000,
  ): Promise<JsonObject> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const kept = this.#lines.length
      const answer = await ask()
      if (wanted(answer)) return answer
      if (performance.now() > deadline) throw new Error(`${this.name}: ${JSON.stringify(answer)}`)
      this.#lines.length = kept
      await pause(50)
    }
  }

  /** Keeps the answer to a request that was sent without keeping it. */
  note(label: string, answer: Json): void {
    this.#lines.push(`${label}: ${this.#told(answer)}`)
  }

  hangUp(on: string): Promise<void> {
    return this.#wire.hangUp(`${this.#target}/${this.name}/${on}`)
  }

  async end(): Promise<Transcript> {
    for (const connection of this.#connections) await this.#wire.hangUp(connection)
    return { requests: this.#requests, lines: this.#lines }
  }

  #told(answer: Json): string {
    return JSON.stringify(this.#plain(answer))
  }

  #plain(value: Json): Json {
    if (typeof value === 'string') return this.#named(value)
    if (Array.isArray(value)) {
      const plain = value.map((each) => this.#plain(each))
      return plain.every((each) => typeof each === 'number')
        ? plain.toSorted((a, b) => Number(a) - Number(b))
        : plain.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    }
    if (value === null || typeof value !== 'object') return value
    const fields = Object.entries(value).filter(([key]) => !vague.has(key))
    return Object.fromEntries(fields.map(([key, each]) => [key, this.#plain(each)]))
  }

  /** Random ids are named in the order of their appearance. */
  #named(text: string): string {
    let plain = text
    for (const [id, name] of this.#names) plain = plain.replaceAll(id, name)
    const [id] = randomId.exec(plain) ?? []
    if (id === undefined) return plain
    const prefix = /^(.*-)?[0-9a-f]{8}-/.exec(id)?.[1] ?? ''
    const name = `${prefix}#${this.#names.size - this.#topicIds.size + 1}`
    this.#names.set(id, name)
    return plain.replace(id, name)
  }
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

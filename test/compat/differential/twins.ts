import { expect } from 'vitest'
import { type Settings, startKafka, startOdradek, type Target } from '../targets.ts'
import { pause, Session } from './session.ts'
import { type JsonObject, WireClient } from './wire.ts'

/** One of the two brokers, with the topics of the scenarios and loaded coordinators. */
export interface Side {
  readonly target: Target
  /** Topic ids by name. */
  readonly topicIds: ReadonlyMap<string, string>
}

export type Ask = (api: string, version: number, body: JsonObject) => Promise<JsonObject>

/** Apache Kafka and odradek, which get the same requests and must give the same answers. */
export class Twins {
  readonly sides: readonly [Side, Side]
  readonly #wire: WireClient
  /** The number of sequences and requests, and of what else a suite compares. */
  readonly compared: Record<string, number> = { sequences: 0, requests: 0 }

  private constructor(sides: readonly [Side, Side], wire: WireClient) {
    this.sides = sides
    this.#wire = wire
  }

  /** Starts both brokers with the same settings. */
  static async start(
    settings: Settings,
    prepare: (target: Target, wire: WireClient) => Promise<Side>,
  ): Promise<Twins> {
    const wire = await WireClient.start()
    const targets = [startKafka({ settings }), startOdradek({ settings })] as const
    const [kafka, odradek] = await Promise.all(targets)
    return new Twins([await prepare(kafka, wire), await prepare(odradek, wire)], wire)
  }

  /** Runs a scenario on both; its transcripts must be the same, line by line. */
  async compare(name: string, run: (session: Session, side: Side) => Promise<unknown>) {
    const both = this.sides.map((side) => this.#transcript(name, side, run))
    const [kafka, odradek] = await Promise.all(both)
    this.compared.sequences!++
    this.compared.requests! += kafka!.requests
    expect(odradek!.lines).toEqual(kafka!.lines)
    expect(kafka!.lines.join()).not.toContain('broken off')
  }

  async close(): Promise<void> {
    process.stdout.write(`compared ${JSON.stringify(this.compared)}\n`)
    await this.#wire.close()
    for (const { target } of this.sides) await target.close()
  }

  async #transcript(
    name: string,
    side: Side,
    run: (session: Session, side: Side) => Promise<unknown>,
  ) {
    const { target, topicIds } = side
    const { bootstrap } = target
    const session = new Session({
      name,
      target: target.name,
      wire: this.#wire,
      bootstrap,
      topicIds,
    })
    try {
      await run(session, side)
    } catch (error) {
      session.note('broken off', String(error))
    }
    return session.end()
  }
}

const attemptsMax = 200
const attemptPauseMs = 100

/**
 * Returns a `prepare` of `Twins.start`: creates topics by their numbers of partitions, and waits
 * for coordinators.
 *
 * @param warm asks for the coordinators; its answers have no error once these are there.
 */
export function withTopics(
  topics: Readonly<Record<string, number>>,
  warm: (ask: Ask, topicIds: Side['topicIds']) => Promise<JsonObject[]>,
) {
  return async (target: Target, wire: WireClient): Promise<Side> => {
    const ask: Ask = (api, version, body) =>
      wire.send({ connection: target.name, bootstrap: target.bootstrap, api, version }, body)
    const made = await ask('CreateTopics', 7, {
      topics: Object.entries(topics).map(([name, numPartitions]) => ({
        ...{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] },
      })),
      timeoutMs: 10_000,
      validateOnly: false,
    })
    const found = made.topics as { name: string; topicId: string }[]
    const topicIds = new Map(found.map(({ name, topicId }) => [name, topicId]))
    for (let i = 0; ; i++) {
      const answers = JSON.stringify(await warm(ask, topicIds))
      const codes = answers.match(/"errorCode":(?!0\b)-?\d+/g) ?? []
      if (codes.length === 0) return { target, topicIds }
      if (i > attemptsMax) throw new Error(`${target.name} has no coordinators: ${codes}`)
      await pause(attemptPauseMs)
    }
  }
}

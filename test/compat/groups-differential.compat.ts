import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { classicScenarios, type Scenario } from './differential/classic.ts'
import { consumerScenarios } from './differential/consumer.ts'
import { largeScenarios } from './differential/large.ts'
import { offsetScenarios } from './differential/offsets.ts'
import { Requests } from './differential/requests.ts'
import { Session } from './differential/session.ts'
import { WireClient } from './differential/wire.ts'
import { startKafka, startOdradek, type Target } from './targets.ts'

const settings = {
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 100,
  'group.consumer.min.session.timeout.ms': 2000,
  'group.consumer.session.timeout.ms': 2000,
  'group.consumer.heartbeat.interval.ms': 500,
  'group.consumer.min.heartbeat.interval.ms': 500,
  'group.consumer.assignment.interval.ms': 0,
  'group.consumer.max.size': 4,
  'offset.metadata.max.bytes': 64,
  'offsets.topic.num.partitions': 5,
  'message.max.bytes': 20_000,
}

const topics = { t: 2, u: 1, w: 3, many: 400 }

interface Side {
  readonly target: Target
  readonly topicIds: ReadonlyMap<string, string>
}

/**
 * Sends the same requests to Apache Kafka and to odradek: the answers must be the same, field by
 * field.
 */
describe.skipIf(inject('javaMissing') !== null)('groups answer as Apache Kafka does', () => {
  let wire: WireClient
  let sides: readonly [Side, Side]
  const compared = { sequences: 0, requests: 0 }

  beforeAll(async () => {
    wire = await WireClient.start()
    const targets = [startKafka({ settings }), startOdradek({ settings })] as const
    const [kafka, odradek] = await Promise.all(targets)
    sides = [await prepare(kafka), await prepare(odradek)]
  })

  afterAll(async () => {
    process.stdout.write(`compared ${JSON.stringify(compared)}\n`)
    await wire?.close()
    for (const { target } of sides ?? []) await target.close()
  })

  async function prepare(target: Target): Promise<Side> {
    const ask = (api: string, version: number, body: never) =>
      wire.send({ connection: target.name, bootstrap: target.bootstrap, api, version }, body)
    const made = await ask('CreateTopics', 7, {
      topics: Object.entries(topics).map(([name, numPartitions]) => ({
        name,
        numPartitions,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      })),
      timeoutMs: 10_000,
      validateOnly: false,
    } as never)
    const found = made.topics as { name: string; topicId: string }[]
    for (let i = 0; ; i++) {
      // Creates __consumer_offsets, and waits for its coordinator.
      await ask('FindCoordinator', 4, { keyType: 0, coordinatorKeys: ['warm'] } as never)
      const listed = await ask('DescribeGroups', 5, {
        groups: ['a', 'b', 'c', 'd', 'e'],
        includeAuthorizedOperations: false,
      } as never)
      const codes = (listed.groups as { errorCode: number }[]).map(({ errorCode }) => errorCode)
      if (codes.every((code) => code === 0)) break
      if (i > 100) throw new Error(`${target.name} has no coordinator: ${codes}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return { target, topicIds: new Map(found.map(({ name, topicId }) => [name, topicId])) }
  }

  async function transcript([name, run]: Scenario, { target, topicIds }: Side) {
    const { bootstrap } = target
    const session = new Session({ name, target: target.name, wire, bootstrap, topicIds })
    try {
      await run(new Requests(session))
    } catch (error) {
      session.note('broken off', String(error))
    }
    return session.end()
  }

  const all = [...classicScenarios, ...offsetScenarios, ...consumerScenarios, ...largeScenarios]
  test.each(all.map((scenario) => [scenario[0], scenario] as const))('%s', async (_, scenario) => {
    const [kafka, odradek] = await Promise.all(sides.map((side) => transcript(scenario, side)))
    compared.sequences++
    compared.requests += kafka!.requests
    expect(odradek!.lines).toEqual(kafka!.lines)
    expect(kafka!.lines.join()).not.toContain('broken off')
  })
})

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { newSeeds } from '../seeded.ts'
import { pause, Session } from './differential/session.ts'
import {
  ShareStateRequests,
  type ShareStateScenario,
  shareStateScenarios,
} from './differential/share-state.ts'
import { type JsonObject, WireClient } from './differential/wire.ts'
import { javaTools } from './kafka/tools.ts'
import { isLongForm } from './long-form.ts'
import { startKafka, startOdradek, type Target } from './targets.ts'

const settings = {
  'share.coordinator.state.topic.num.partitions': 3,
  'share.coordinator.snapshot.update.records.per.snapshot': 3,
}
const topics = { t: 2 }

interface Side {
  readonly target: Target
  readonly topicIds: ReadonlyMap<string, string>
}

/**
 * Sends the same requests for share state to Apache Kafka and to odradek: the answers, and then the
 * records in the log, must be the same.
 */
describe.skipIf(inject('javaMissing') !== null)('share state is as Apache Kafka keeps it', () => {
  let wire: WireClient
  let sides: readonly [Side, Side]
  const compared = { sequences: 0, requests: 0, records: 0 }
  const first = newSeeds()[0]!
  const seeds = Array.from({ length: isLongForm ? 500 : 40 }, (_, i) => first + i)

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
    const ask = (api: string, version: number, body: JsonObject) =>
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
    const topicId = topicIds.get('t')!
    // Creates __share_group_state, and waits for its coordinator.
    const coordinatorKeys = Array.from({ length: 20 }, (_, i) => `warm-${i}:${topicId}:0`)
    for (let i = 0; ; i++) {
      await ask('FindCoordinator', 6, { keyType: 2, coordinatorKeys })
      const partitions = [{ partition: 0 }]
      const answers = await Promise.all(
        coordinatorKeys.map((key) =>
          ask('DeleteShareGroupState', 0, {
            groupId: key.split(':')[0]!,
            topics: [{ topicId, partitions }],
          }),
        ),
      )
      const codes = JSON.stringify(answers).match(/"errorCode":(?!0\b)-?\d+/g) ?? []
      if (codes.length === 0) break
      if (i > 200) throw new Error(`${target.name} has no coordinator: ${codes}`)
      await pause(100)
    }
    return { target, topicIds }
  }

  async function transcript([name, run]: ShareStateScenario, { target, topicIds }: Side) {
    const { bootstrap } = target
    const session = new Session({ name, target: target.name, wire, bootstrap, topicIds })
    try {
      await run(new ShareStateRequests(session))
    } catch (error) {
      session.note('broken off', String(error))
    }
    return session.end()
  }

  const all = shareStateScenarios(seeds)
  test.each(all.map((scenario) => [scenario[0], scenario] as const))(
    `%s (ODRADEK_SEED=${first})`,
    async (_, scenario) => {
      const [kafka, odradek] = await Promise.all(sides.map((side) => transcript(scenario, side)))
      compared.sequences++
      compared.requests += kafka!.requests
      expect(odradek!.lines).toEqual(kafka!.lines)
      expect(kafka!.lines.join()).not.toContain('broken off')
    },
  )

  test('the records in the log are the same', async () => {
    const [kafka, odradek] = await Promise.all(sides.map(records))
    expect(kafka!.length).toBeGreaterThan(100)
    compared.records = kafka!.length
    expect(odradek).toEqual(kafka)
  })

  /** The records of the topic, without times, by share partition and in their order. */
  async function records({ target, topicIds }: Side): Promise<string[]> {
    const names = readdirSync(target.dataDir).filter((name) => name.startsWith('__share_group_'))
    const files = names.map((name) => join(target.dataDir, name, `${'0'.repeat(20)}.log`))
    const tools = await javaTools()
    const args = ['--share-group-state-decoder', '--files', files.join(',')]
    const { stdout } = await tools.call('dump-log', args)
    const found = [...stdout.matchAll(/ key: (\{.*\}) payload: (.*)$/gm)]
    expect(found.length).toBeGreaterThan(0)
    const plain = found.map(([, key, payload]) => {
      const text = `${key} ${payload!.replaceAll(/"(create|write)Timestamp":"?\d+"?/g, '"$1"')}`
      return text.replaceAll(topicIds.get('t')!, 'id of t')
    })
    const group = (text: string) => /"groupId":"[^"]*".*?"partition":\d+/.exec(text)?.[0] ?? ''
    // The sort is stable.
    return plain.sort((a, b) => (group(a) < group(b) ? -1 : group(a) > group(b) ? 1 : 0))
  }
})

import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Scenario } from './differential/classic.ts'
import { Requests } from './differential/requests.ts'
import { pause, Session } from './differential/session.ts'
import { shareGroupScenarios } from './differential/share-groups.ts'
import { type JsonObject, WireClient } from './differential/wire.ts'
import { javaTools, type Tool } from './kafka/tools.ts'
import { startKafka, startOdradek, type Target } from './targets.ts'

const settings = {
  'group.share.min.session.timeout.ms': 2000,
  'group.share.session.timeout.ms': 4000,
  'group.share.min.heartbeat.interval.ms': 500,
  'group.share.heartbeat.interval.ms': 500,
  'group.share.max.size': 4,
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 3,
  'share.coordinator.state.topic.num.partitions': 3,
}
const topics = { t: 2, u: 1, w: 3 }

interface Side {
  readonly target: Target
  readonly topicIds: ReadonlyMap<string, string>
}

/** Sends the same requests of share groups to Apache Kafka and to odradek. */
describe.skipIf(inject('javaMissing') !== null)('share groups are as Apache Kafka has them', () => {
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
    const shares = Array.from({ length: 20 }, (_, i) => `warm-${i}:${topicIds.get('t')}:0`)
    // Creates the internal topics, and waits for their coordinators.
    for (let i = 0; ; i++) {
      const groups = ['a', 'b', 'c', 'd', 'e']
      await ask('FindCoordinator', 6, { keyType: 0, coordinatorKeys: groups })
      const answers = [
        await ask('FindCoordinator', 6, { keyType: 2, coordinatorKeys: shares }),
        await ask('DescribeGroups', 5, { groups, includeAuthorizedOperations: false }),
        await ask('DeleteShareGroupState', 0, {
          groupId: 'warm-0',
          topics: [
            { topicId: topicIds.get('t')!, partitions: [{ partition: 0 }, { partition: 1 }] },
          ],
        }),
      ]
      const codes = JSON.stringify(answers).match(/"errorCode":(?!0\b)-?\d+/g) ?? []
      if (codes.length === 0) break
      if (i > 200) throw new Error(`${target.name} has no coordinators: ${codes}`)
      await pause(100)
    }
    return { target, topicIds }
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

  const all = shareGroupScenarios.map((scenario) => [scenario[0], scenario] as const)
  test.concurrent.each(all)(
    '%s',
    async (_, scenario) => {
      const [kafka, odradek] = await Promise.all(sides.map((side) => transcript(scenario, side)))
      compared.sequences++
      compared.requests += kafka!.requests
      expect(odradek!.lines).toEqual(kafka!.lines)
      expect(kafka!.lines.join()).not.toContain('broken off')
    },
    60_000,
  )

  const ofGroup = ['--group', 'by-tool']
  const topicT = ['--topic', 't']
  const calls: readonly [Tool, string[]][] = [
    ['share-groups', ['--describe', ...ofGroup]],
    ['share-groups', ['--reset-offsets', ...ofGroup, ...topicT, '--to-earliest', '--dry-run']],
    ['share-groups', ['--reset-offsets', ...ofGroup, ...topicT, '--to-earliest', '--execute']],
    ['share-groups', ['--describe', ...ofGroup]],
    ['share-groups', ['--describe', ...ofGroup, '--offsets', '--verbose']],
    ['share-groups', ['--describe', ...ofGroup, '--state']],
    ['share-groups', ['--describe', ...ofGroup, '--members']],
    ['share-groups', ['--list']],
    ['groups', ['--list', '--share']],
    ['share-groups', ['--reset-offsets', ...ofGroup, '--all-topics', '--to-latest', '--execute']],
    ['share-groups', ['--delete-offsets', ...ofGroup, ...topicT]],
    ['share-groups', ['--delete-offsets', ...ofGroup, ...topicT]],
    ['share-groups', ['--delete', ...ofGroup]],
    ['share-groups', ['--delete', ...ofGroup]],
    ['share-groups', ['--describe', ...ofGroup]],
  ]
  test.each(calls)('kafka-%s %j prints the same', async (tool, args) => {
    const tools = await javaTools()
    const said = sides.map(async ({ target }) => {
      const all = ['--bootstrap-server', target.bootstrap, ...args]
      const { code, stdout, stderr } = await tools.call(tool, all)
      // Columns are as wide as what stands in them, such as the address of the broker.
      const plain = `${stdout}\n${stderr}`.replaceAll(String(target.port), 'PORT')
      const lines = plain
        .replaceAll(/[ \t]+/g, ' ')
        .split('\n')
        .sort()
      return [code, ...lines]
    })
    const [kafka, odradek] = await Promise.all(said)
    expect(odradek).toEqual(kafka)
  })
})

import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Broker } from '../../src/server/broker.ts'
import { javaTools, type Tool } from './kafka/tools.ts'

/** Enough records that a round takes longer than three restarts, on a fast machine too. */
const records = 300_000

/** Java clients and tools on three brokers of one process. */
describe.skipIf(inject('javaMissing') !== null)(
  'Java clients and three brokers in one process',
  () => {
    let cluster: Broker
    beforeAll(async () => {
      const settings = { 'offsets.topic.num.partitions': 6, 'num.partitions': 6 }
      cluster = await Broker.start({ brokers: 3, port: 0, memory: true, settings })
    })
    afterAll(() => cluster?.stop())

    const ask = async (tool: Tool, args: readonly string[], brokerId = 1) => {
      const { address } = cluster.brokers[brokerId - 1]!
      return (await javaTools()).ask(tool, ['--bootstrap-server', address, ...args])
    }

    test('the tools see leaders, replicas and directories of all brokers', async () => {
      await ask('topics', ['--create', '--topic', 'spread', '--partitions', '6'], 2)
      const described = await ask('topics', ['--describe', '--topic', 'spread'], 3)
      const leaders = [...described.matchAll(/Leader: (\d)\s+Replicas: (\d)\s+Isr: (\d)/g)]
      expect(
        leaders
          .map(([, leader]) => leader)
          .toSorted()
          .join(''),
      ).toBe('112233')
      for (const [, leader, replicas, isr] of leaders)
        expect([replicas, isr]).toEqual([leader, leader])
      const dirs = await ask('log-dirs', ['--describe', '--topic-list', 'spread'])
      const { brokers } = JSON.parse(dirs.split('\n').find((line) => line.startsWith('{'))!)
      const held = (brokers as { broker: number; logDirs: { partitions: unknown[] }[] }[]).map(
        ({ broker, logDirs }) => [broker, logDirs[0]!.partitions.length],
      )
      expect(held.toSorted()).toEqual([1, 2, 3].map((id) => [id, 2]))
      const versions = await ask('broker-api-versions', [], 2)
      expect(versions.match(/id: \d rack: null/g)).toHaveLength(3)
      const quorum = await ask('metadata-quorum', ['describe', '--replication'])
      expect(quorum).toMatch(/^3000\s.*Leader/m)
      expect(quorum.match(/Observer/g)).toHaveLength(3)
    })

    test('a broker keeps settings of its own, and all share those of the cluster', async () => {
      const entity = ['--entity-type', 'brokers', '--entity-name', '2']
      await ask('configs', [...entity, '--alter', '--add-config', 'log.retention.ms=777777'])
      expect(await ask('configs', [...entity, '--describe'], 1)).toContain(
        'log.retention.ms=777777',
      )
      const third = ['--entity-type', 'brokers', '--entity-name', '3', '--describe']
      expect(await ask('configs', third)).not.toContain('777777')
    })

    test('more copies than there are is refused', async () => {
      const { address } = cluster
      const args = ['--create', '--topic', 'copies', '--replication-factor', '3']
      const { stdout, code } = await (await javaTools()).call('topics', [
        ...['--bootstrap-server', address],
        ...args,
      ])
      expect(stdout).toContain('Unable to replicate the partition 3 time(s)')
      expect(code).not.toBe(0)
    })

    test.each(['classic', 'consumer'])(
      'a round trip in a %s group while each broker is restarted in its turn',
      async (protocol) => {
        const topic = `trip-${protocol}`
        await ask('topics', ['--create', '--topic', topic])
        const args = [
          cluster.address,
          topic,
          `g-${protocol}`,
          String(records),
          `group.protocol=${protocol}`,
        ]
        let restarts = 0
        let isOver = false
        const trip = (async () => {
          const output = await (await javaTools()).ask('round-trip', args, { timeoutMs: 100_000 })
          isOver = true
          return output
        })()
        trip.catch(() => {
          isOver = true
        })
        while (!isOver) {
          await new Promise((resolve) => setTimeout(resolve, 200))
          if (restarts < 9) await cluster.restartBroker((restarts++ % 3) + 1)
        }
        expect(await trip).toContain(`${records} from`)
        expect(restarts).toBeGreaterThan(2)
      },
    )
  },
)

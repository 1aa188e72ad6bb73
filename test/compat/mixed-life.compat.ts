import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { freePort } from './free-port.ts'
import { KafkaQuorum } from './kafka/quorum.ts'
import { javaTools, type Tool } from './kafka/tools.ts'
import { until } from './kafkajs/client.ts'
import { isLongForm } from './long-form.ts'
import { changesOf } from './mixed/changes.ts'
import { joining, OdradekNode } from './mixed/odradek-node.ts'
import { Seen } from './mixed/seen.ts'
import { soon } from './targets.ts'
import { Line } from './wire/peer.ts'

const odradekId = 7
const controllerId = 3000
const apacheIds = [1, 2]

/** The session of a broker at the controller; Apache Kafka's default in the long form. */
const sessionMs = isLongForm ? 9_000 : 4_000
/** Time from one heartbeat to the next, which a session may lack at its beginning. */
const heartbeatMs = 2_000
/** Restarts of each Apache Kafka broker, with odradek and without. */
const rounds = isLongForm ? 3 : 1

/** How an Apache Kafka quorum and its brokers see odradek live, die and come back. */
describe.skipIf(inject('javaMissing') !== null)('the life of a broker beside Apache Kafka', () => {
  let quorum: KafkaQuorum
  let apache: string
  let seen: Seen
  let node: OdradekNode
  const ids = new Map<string, string>()

  const create = async (name: string, ...brokerIds: number[]) => {
    const line = new Line(Number(apache.split(':')[1]), 20_000)
    const assignments = [{ partitionIndex: 0, brokerIds }]
    const topic = { name, numPartitions: -1, replicationFactor: -1, assignments, configs: [] }
    const { topics } = await line.ask(createTopics, 7, { topics: [topic], timeoutMs: 15_000 })
    line.close()
    expect(topics[0].errorMessage).toBe(null)
    ids.set(name, topics[0].topicId)
  }
  const tool = async (name: Tool, args: readonly string[], input = '') =>
    (await javaTools()).ask(name, ['--bootstrap-server', apache, ...args], { input })
  const produce = (topic: string, ...values: string[]) =>
    tool('console-producer', ['--topic', topic], `${values.join('\n')}\n`)
  const consume = async (topic: string, count: number) => {
    const wanted = ['--from-beginning', '--max-messages', String(count), '--timeout-ms', '30000']
    return (await tool('console-consumer', ['--topic', topic, ...wanted])).trim().split('\n')
  }
  const leads = (topic: string) =>
    until(`${odradekId} leads ${topic}`, async () => {
      const found = await seen.partition(topic)
      if (found?.leader !== odradekId) return false
      return found.isr.join() === String(odradekId) && found.elr.length === 0
    })
  const changes = (topic: string) => changesOf(ids.get(topic)!, quorum.logFiles(controllerId))

  beforeAll(async () => {
    quorum = await KafkaQuorum.start({
      controllers: 1,
      voters: 'in the log',
      settings: {
        'broker.session.timeout.ms': sessionMs,
        'offsets.topic.num.partitions': 1,
        'offsets.topic.replication.factor': 1,
        'group.initial.rebalance.delay.ms': 0,
      },
    })
    const [first] = await Promise.all(apacheIds.map((id) => quorum.startBroker(id)))
    apache = `127.0.0.1:${first!.port}`
    seen = new Seen(first!.port)
    node = new OdradekNode(joining(quorum, odradekId, await freePort()))
    await node.start()
    await seen.unfenced(odradekId)
    await create('__consumer_offsets', apacheIds[0]!)
    await create('kept', odradekId)
    await leads('kept')
    await produce('kept', 'a', 'b')
  }, 240_000)

  afterAll(async () => {
    await node?.close()
    await quorum?.close()
  })

  test('it is fenced while it is suspended, and unfenced when it goes on', async () => {
    const before = (await changes('kept')).length
    node.signal('SIGSTOP')
    const sinceMs = performance.now()
    await expect.poll(async () => (await seen.fenced())[odradekId], soon).toBe(true)
    const tookMs = performance.now() - sinceMs
    expect(tookMs).toBeGreaterThan(sessionMs - heartbeatMs - 500)
    expect(tookMs).toBeLessThan(sessionMs + 5_000)
    expect(await seen.live()).toEqual(apacheIds)
    expect((await seen.partition('kept'))!.leader).toBe(-1)

    node.signal('SIGCONT')
    await seen.unfenced(odradekId)
    expect(await seen.live()).toEqual([...apacheIds, odradekId])
    await leads('kept')
    await produce('kept', 'c')
    expect(await consume('kept', 3)).toEqual(['a', 'b', 'c'])
    // It was the same broker all the time, whose log may be trusted.
    const states = (await changes('kept')).slice(before).map((one) => one.leaderRecoveryState)
    expect(states.length).toBeGreaterThanOrEqual(2)
    expect(states).not.toContain(1)
    const described = await tool('metadata-quorum', ['describe', '--replication'])
    expect(described).toMatch(new RegExp(`^${odradekId}\\s.*\\s0\\s.*Observer`, 'm'))
  })

  test('after a clean stop it keeps its place among the eligible leaders', async () => {
    const before = (await changes('kept')).length
    await node.stop()
    await expect
      .poll(() => seen.partition('kept'), soon)
      .toEqual({ leader: -1, isr: [], elr: [odradekId] })
    await node.start()
    await leads('kept')
    const states = (await changes('kept')).slice(before).map((one) => one.leaderRecoveryState)
    expect(states.length).toBeGreaterThanOrEqual(2)
    expect(states).not.toContain(1)
    expect(await consume('kept', 3)).toEqual(['a', 'b', 'c'])
  })

  test('after kill -9 it waits for the end of its session, and has lost its place', async () => {
    const before = (await changes('kept')).length
    await node.kill9()
    const sinceMs = performance.now()
    node.launch()
    await node.says(/cannot be registered yet.*DUPLICATE_BROKER_REGISTRATION/)
    expect(performance.now() - sinceMs).toBeLessThan(sessionMs)
    await node.serves()
    expect(performance.now() - sinceMs).toBeGreaterThan(sessionMs - heartbeatMs - 500)
    await leads('kept')
    // It is elected as the last known leader only: its log may lack what the disk had not.
    const states = (await changes('kept')).slice(before).map((one) => one.leaderRecoveryState)
    expect(states).toContain(1)
    expect(await consume('kept', 3)).toEqual(['a', 'b', 'c'])
  })

  test("it does not slow down a rolling restart of Apache Kafka's brokers", async () => {
    await create('rolled', ...apacheIds)
    await create('rolled.2', ...apacheIds.toReversed())
    await produce('rolled', 'a')
    /** Both brokers have all replicas, and each leads one. */
    const settled = async () => {
      for (const topic of ['rolled', 'rolled.2']) {
        const isr = async () => (await seen.partition(topic))!.isr.length
        await expect.poll(isr, soon).toBe(apacheIds.length)
        const where = ['--topic', topic, '--partition', '0', '--election-type', 'preferred']
        await tool('leader-election', where)
      }
    }
    const roll = async () => {
      const stops: number[] = []
      for (let round = 0; round < rounds; round++) {
        for (const id of isLongForm ? apacheIds : apacheIds.slice(-1)) {
          await settled()
          const sinceMs = performance.now()
          await quorum.stopNode(id, 'SIGTERM')
          stops.push(performance.now() - sinceMs)
          await quorum.startNode(id)
          await seen.unfenced(id)
        }
      }
      return Math.max(...stops)
    }
    const withMs = await roll()
    await node.stop()
    const withoutMs = await roll()
    await node.start()
    process.stderr.write(
      `  slowest stop of an Apache Kafka broker: ${Math.round(withMs)} ms with odradek, ` +
        `${Math.round(withoutMs)} ms without\n`,
    )
    expect(withMs).toBeLessThan(2 * withoutMs + heartbeatMs)
    await seen.unfenced(odradekId)
    await leads('kept')
  })
})

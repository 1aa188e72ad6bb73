import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { javaHashCode } from '../../src/base/java-hash.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../../src/protocol/messages/20-delete-topics.ts'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.ts'
import { writeBatch } from '../../src/protocol/records/record.ts'
import type { AnyApi } from '../../src/protocol/schema.ts'
import { freePort } from './free-port.ts'
import { KafkaQuorum } from './kafka/quorum.ts'
import { javaTools, type Tool } from './kafka/tools.ts'
import { client, readAll } from './kafkajs/client.ts'
import { isLongForm } from './long-form.ts'
import { joining, OdradekNode } from './mixed/odradek-node.ts'
import { Seen } from './mixed/seen.ts'
import { runWell } from './process.ts'
import { projectRoot } from './project-root.ts'
import { soon } from './targets.ts'
import { Line } from './wire/peer.ts'

const odradekId = 7
const apacheId = 1
const python = process.env.ODRADEK_PYTHON ?? 'python3'
const hasLibrdkafka = spawnSync(python, ['-c', 'import confluent_kafka']).status === 0

/** Times that the same topic is created and deleted. */
const turns = isLongForm ? 100 : 20
/** Restarts of each broker. */
const restarts = isLongForm ? 10 : 3

const often = { ...soon, interval: 20 }

/** Short, so that a broker that was killed is soon registered again. */
const sessionMs = 3_000

/** The partitions of `__consumer_offsets`, by their leaders. */
const offsetsLeaders = [apacheId, odradekId]

/** Returns the name of a group whose coordinator is this broker. */
function groupOf(what: string, brokerId: number): string {
  for (let i = 0; ; i++) {
    const name = `${what}.${brokerId}.${i}`
    const hash = javaHashCode(name) & 0x7fffffff
    if (offsetsLeaders[hash % offsetsLeaders.length] === brokerId) return name
  }
}

/** A batch of small records, of now, so that retention leaves them alone. */
function batchOf(count: number, timestampMs = Date.now()): Buffer {
  const one = { key: null, value: Buffer.from('a value'), timestampMs }
  return writeBatch({ records: Array.from({ length: count }, () => one) })
}

/** Clients of a cluster of Apache Kafka that find odradek's topics, groups and settings there. */
describe.skipIf(inject('javaMissing') !== null)('clients of a mixed cluster', () => {
  let quorum: KafkaQuorum
  let node: OdradekNode
  let apache: string
  const ports = new Map<number, number>()

  const ask = async (id: number, api: AnyApi, version: number, body: object): Promise<any> => {
    const line = new Line(ports.get(id)!, 20_000)
    const answer = await line.ask(api, version, body)
    line.close()
    if (typeof answer === 'string') throw new Error(`${api.name}: ${answer}`)
    return answer
  }
  const create = async (name: string, ...leaders: number[]): Promise<string> => {
    const assignments = leaders.map((id, partitionIndex) => ({ partitionIndex, brokerIds: [id] }))
    const topic = { name, numPartitions: -1, replicationFactor: -1, assignments, configs: [] }
    const asked = { topics: [topic], timeoutMs: 15_000 }
    const { topics } = await ask(apacheId, createTopics, 7, asked)
    if (topics[0].errorCode !== 0) throw new Error(`${name}: ${errorName(topics[0].errorCode)}`)
    return topics[0].topicId
  }
  /** Produces to the first partition of a topic of odradek's. */
  const send = async (topicId: string, records = batchOf(1)) => {
    const partitionData = [{ index: 0, records }]
    const asked = { acks: -1, timeoutMs: 10_000, topicData: [{ topicId, partitionData }] }
    const { responses } = await ask(odradekId, produce, 13, asked)
    const { errorCode, ...rest } = responses[0].partitionResponses[0]
    return { error: errorName(errorCode), ...rest }
  }
  const tool = async (name: Tool, ...args: string[]) =>
    (await javaTools()).ask(name, ['--bootstrap-server', apache, ...args])
  const unfenced = async () => {
    for (const port of ports.values()) {
      for (const id of ports.keys()) await new Seen(port).unfenced(id)
    }
  }

  beforeAll(async () => {
    const common = {
      'broker.session.timeout.ms': sessionMs,
      'broker.heartbeat.interval.ms': 500,
      'offsets.topic.num.partitions': offsetsLeaders.length,
      'group.initial.rebalance.delay.ms': 0,
      'log.retention.check.interval.ms': 500,
      'log.initial.task.delay.ms': 500,
    }
    quorum = await KafkaQuorum.start({ controllers: 1, voters: 'in the log', settings: common })
    ports.set(apacheId, (await quorum.startBroker(apacheId)).port)
    apache = `127.0.0.1:${ports.get(apacheId)}`
    ports.set(odradekId, await freePort())
    node = new OdradekNode(joining(quorum, odradekId, ports.get(odradekId)!, common))
    await node.start()
    await unfenced()
    await create('__consumer_offsets', ...offsetsLeaders)
  }, 240_000)

  afterAll(async () => {
    await node?.close()
    await quorum?.close()
  })

  test.each([apacheId, odradekId])('the Java clients, group at broker %i', async (coordinator) => {
    const topic = `java.${coordinator}`
    const placed = `${odradekId},${apacheId},${odradekId}`
    await tool('topics', '--create', '--topic', topic, '--replica-assignment', placed)
    const group = groupOf('java', coordinator)
    const said = await (await javaTools()).ask('round-trip', [apache, topic, group, '300'])
    expect(said).toMatch(/^300 from \{0=0, 1=0, 2=0\} to /)
    const described = await tool('consumer-groups', '--describe', '--group', group, '--offsets')
    expect(described.match(new RegExp(`^${group}\\s+${topic}\\s`, 'gm'))).toHaveLength(3)
  })

  test.skipIf(!hasLibrdkafka).each([apacheId, odradekId])(
    'librdkafka, group at broker %i',
    async (coordinator) => {
      const topic = `librdkafka.${coordinator}`
      await create(topic, odradekId)
      const program = join(projectRoot, 'test', 'compat', 'python', 'round_trip.py')
      const args = [program, apache, topic, groupOf('librdkafka', coordinator), '300']
      expect(await runWell(python, args, { timeoutMs: 80_000 })).toBe('same 300\n')
    },
  )

  test('kafkajs', async () => {
    await create('kafkajs', odradekId, apacheId)
    const kafka = client(apache)
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const messages = Array.from({ length: 40 }, (_, i) => ({ value: `${i}`, partition: i % 2 }))
    const sent = await producer.send({ topic: 'kafkajs', acks: -1, messages })
    await producer.disconnect()
    expect(sent.map(({ errorCode, baseOffset }) => [errorCode, baseOffset])).toEqual([
      [0, '0'],
      [0, '0'],
    ])
    const read = (await readAll(kafka, 'kafkajs', 40)).map(({ message }) => Number(message.value))
    expect(read.toSorted((a, b) => a - b)).toEqual(messages.map((_, i) => i))
  })

  test(`the same topic created and deleted ${turns} times`, async () => {
    const ids = new Set<string>()
    for (let turn = 0; turn < turns; turn++) {
      const topicId = await create('again', odradekId)
      ids.add(topicId)
      await expect
        .poll(async () => {
          const { error, baseOffset } = await send(topicId, batchOf(turn + 1))
          return [error, baseOffset]
        }, often)
        .toEqual(['NONE', 0])
      const end = {
        topics: [{ name: 'again', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
      }
      const found = await ask(odradekId, listOffsets, 7, { replicaId: -1, ...end })
      expect(found.topics[0].partitions[0].offset).toBe(turn + 1)
      const gone = { topics: [{ name: 'again' }], timeoutMs: 15_000 }
      const { responses } = await ask(apacheId, deleteTopics, 6, gone)
      expect(errorName(responses[0].errorCode)).toBe('NONE')
      await expect.poll(async () => (await send(topicId)).error, often).toBe('UNKNOWN_TOPIC_ID')
    }
    expect(ids.size).toBe(turns)
    const left = () => readdirSync(node.dataDir).filter((name) => /^again-\d+$/.test(name))
    await expect.poll(left, soon).toEqual([])
  })

  test('kafka-configs changes topics and brokers of odradek', async () => {
    const topicId = await create('set', odradekId)
    const alter = (type: string, name: string, ...config: string[]) =>
      tool('configs', '--alter', '--entity-type', type, ...entity(name), ...config)
    const entity = (name: string) => (name === '' ? ['--entity-default'] : ['--entity-name', name])
    const outcome = (records?: Buffer) => async () => (await send(topicId, records)).error
    await expect.poll(outcome(), soon).toBe('NONE')

    const large = batchOf(200)
    await alter('topics', 'set', '--add-config', 'max.message.bytes=1000')
    await expect.poll(outcome(large), soon).toBe('MESSAGE_TOO_LARGE')
    await alter('topics', 'set', '--delete-config', 'max.message.bytes')
    await expect.poll(outcome(large), soon).toBe('NONE')

    await alter('brokers', String(odradekId), '--add-config', 'message.max.bytes=1000')
    await expect.poll(outcome(large), soon).toBe('MESSAGE_TOO_LARGE')
    const told = await tool('configs', '--describe', '--entity-type', 'brokers', ...entity('7'))
    expect(told).toContain('DYNAMIC_BROKER_CONFIG:message.max.bytes=1000')
    await alter('brokers', String(odradekId), '--delete-config', 'message.max.bytes')
    await alter('brokers', '', '--add-config', 'message.max.bytes=2000')
    await expect.poll(outcome(large), soon).toBe('MESSAGE_TOO_LARGE')
    await alter('brokers', '', '--delete-config', 'message.max.bytes')
    await expect.poll(outcome(large), soon).toBe('NONE')

    const stamped = async () => (await send(topicId)).logAppendTimeMs > 0
    expect(await stamped()).toBe(false)
    await alter('topics', 'set', '--add-config', 'message.timestamp.type=LogAppendTime')
    await expect.poll(stamped, soon).toBe(true)
    await alter('topics', 'set', '--delete-config', 'message.timestamp.type')
    await alter('topics', 'set', '--add-config', 'message.timestamp.before.max.ms=1000')
    const old = batchOf(1, Date.now() - 60_000)
    await expect.poll(outcome(old), soon).toBe('INVALID_TIMESTAMP')
    await alter('topics', 'set', '--delete-config', 'message.timestamp.before.max.ms')
    await expect.poll(outcome(old), soon).toBe('NONE')

    const edge = async (timestamp: number) => {
      const partitions = [{ partitionIndex: 0, timestamp }]
      const asked = { replicaId: -1, topics: [{ name: 'set', partitions }] }
      return (await ask(odradekId, listOffsets, 7, asked)).topics[0].partitions[0].offset
    }
    expect(await edge(-2)).toBe(0)
    await alter('topics', 'set', '--add-config', 'retention.ms=1')
    await expect.poll(async () => (await edge(-2)) === (await edge(-1)), soon).toBe(true)
    expect(await edge(-1)).toBeGreaterThan(200)
  })

  test(`no two producers get the same id in ${restarts} restarts of each broker`, async () => {
    const given: number[] = []
    const take = async (id: number) => {
      for (let i = 0; i < 5; i++) {
        const asked = { transactionalId: null, transactionTimeoutMs: 0 }
        let producerId = -1
        await expect
          .poll(async () => {
            const answer = await ask(id, initProducerId, 4, asked)
            producerId = answer.producerId
            return errorName(answer.errorCode)
          }, soon)
          .toBe('NONE')
        given.push(producerId)
      }
    }
    for (const id of ports.keys()) await take(id)
    for (let round = 0; round < restarts; round++) {
      const isClean = round % 2 === 0
      const restart = [
        async () => {
          await (isClean ? node.stop() : node.kill9())
          await node.start()
          await take(odradekId)
        },
        async () => {
          await quorum.stopNode(apacheId, isClean ? 'SIGTERM' : 'SIGKILL')
          await quorum.startNode(apacheId)
          await take(apacheId)
        },
      ]
      await Promise.all(restart.map((one) => one()))
      await take(odradekId)
    }
    expect(given.length).toBe(5 * (2 + 3 * restarts))
    expect(new Set(given).size).toBe(given.length)
    await unfenced()
  })
})

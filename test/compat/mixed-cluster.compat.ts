import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Broker } from '../../src/index.ts'
import { describeCluster } from '../../src/protocol/messages/60-describe-cluster.ts'
import { RawClient } from '../server/raw-client.ts'
import { freePort } from './free-port.ts'
import { getKafka } from './kafka/jars.ts'
import { startJava } from './kafka/java.ts'
import { KafkaQuorum } from './kafka/quorum.ts'
import { observe } from './observer/follow.ts'
import type { Running } from './process.ts'

const odradekId = 7
const apacheId = 1

/** An Apache Kafka controller and broker, and a broker of odradek that joins them. */
describe('a broker in a cluster of Apache Kafka', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'mixed-'))
  let quorum: KafkaQuorum
  let apache: string
  let broker: Broker

  const join7 = () =>
    Broker.start({
      dataDir,
      properties: {
        'process.roles': 'broker',
        'node.id': String(odradekId),
        'odradek.join.cordoned': 'false',
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'controller.listener.names': 'CONTROLLER',
        'controller.quorum.bootstrap.servers': quorum.bootstrap
          .map(({ host, port }) => `${host}:${port}`)
          .join(),
      },
    })
  const brokersAt = async (address: string) => {
    const client = await RawClient.open(Number(address.split(':')[1]))
    const { brokers } = await client.request(describeCluster, 0, {
      includeClusterAuthorizedOperations: false,
    })
    client.close()
    return brokers.map(({ brokerId }) => brokerId).sort()
  }

  beforeAll(async () => {
    quorum = await KafkaQuorum.start({ controllers: 1, voters: 'in the log' })
    apache = `127.0.0.1:${(await quorum.startBroker(apacheId)).port}`
    broker = await join7()
  }, 180_000)

  afterAll(async () => {
    await broker?.stop()
    await quorum?.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  test('is listed by both brokers', async () => {
    await expect.poll(() => brokersAt(apache), { timeout: 20_000 }).toEqual([apacheId, odradekId])
    expect(await brokersAt(broker.address)).toEqual([apacheId, odradekId])
  })

  test('leads a topic that is assigned to it; clients find it through Apache Kafka', async () => {
    const client = new kafkajs.Kafka({ brokers: [apache], logLevel: 0 })
    const admin = client.admin()
    await admin.connect()
    await admin.createTopics({
      topics: [{ topic: 't', replicaAssignment: [{ partition: 0, replicas: [odradekId] }] }],
      waitForLeaders: true,
    })
    const producer = client.producer()
    await producer.connect()
    const [sent] = await producer.send({ topic: 't', messages: [{ value: 'a' }, { value: 'b' }] })
    expect(sent!.errorCode).toBe(0)
    await producer.disconnect()
    const offsets = await admin.fetchTopicOffsets('t')
    expect(offsets.map(({ high }) => high)).toEqual(['2'])
    await admin.disconnect()
  })

  test('forwards what admins ask of it', async () => {
    const admin = new kafkajs.Kafka({ brokers: [broker.address], logLevel: 0 }).admin()
    await admin.connect()
    expect(await admin.createTopics({ topics: [{ topic: 'u', numPartitions: 3 }] })).toBe(true)
    await expect
      .poll(async () => (await admin.listTopics()).includes('u'), { timeout: 10_000 })
      .toBe(true)
    await admin.deleteTopics({ topics: ['u'] })
    await admin.disconnect()
  })

  test('comes back after a clean stop with its data', async () => {
    await broker.stop()
    await expect.poll(() => brokersAt(apache), { timeout: 20_000 }).toEqual([apacheId])
    broker = await join7()
    await expect.poll(() => brokersAt(apache), { timeout: 20_000 }).toEqual([apacheId, odradekId])
    const admin = new kafkajs.Kafka({ brokers: [apache], logLevel: 0 }).admin()
    await admin.connect()
    await expect
      .poll(
        async () => (await admin.fetchTopicOffsets('t').catch(() => [])).map(({ high }) => high),
        { timeout: 20_000 },
      )
      .toEqual(['2'])
    await admin.disconnect()
  })

  /** Kafka's leader says that it has recovered when its in-sync replicas change: never, if alone. */
  test('says no more of an unclean election than Apache Kafka', { timeout: 120_000 }, async () => {
    const places = { ours: odradekId, theirs: apacheId }
    const admin = new kafkajs.Kafka({ brokers: [broker.address], logLevel: 0 }).admin()
    await admin.connect()
    await admin.createTopics({
      topics: Object.entries(places).map(([topic, id]) => ({
        topic,
        replicaAssignment: [{ partition: 0, replicas: [id] }],
      })),
      waitForLeaders: true,
    })
    await admin.disconnect()
    const { observer } = observe(quorum.bootstrap)
    await observer.caughtUp()
    const stateOf = (topic: string) => observer.image.topics.get(topic)!.partitions[0]!
    const leaders = () => Object.keys(places).map((topic) => stateOf(topic).leader)
    await broker.stop()
    // Without this file its end was not a clean one.
    rmSync(join(dataDir, '.kafka_cleanshutdown'))
    await quorum.stopNode(apacheId, 'SIGKILL')
    await expect.poll(leaders, { timeout: 30_000 }).toEqual([-1, -1])
    await quorum.startNode(apacheId)
    broker = await join7()
    await expect.poll(leaders, { timeout: 30_000 }).toEqual([odradekId, apacheId])
    await observer.refreshed()
    const [ours, theirs] = Object.keys(places).map((topic) => {
      const { leaderEpoch, partitionEpoch, leaderRecoveryState } = stateOf(topic)
      return { leaderEpoch, partitionEpoch, leaderRecoveryState }
    })
    await observer.close()
    expect(ours).toEqual(theirs)
    expect(theirs!.leaderRecoveryState).toBe(1)
  })
})

/** A controller of odradek, and a broker of Apache Kafka that joins it. */
describe('a broker of Apache Kafka in a cluster of odradek', () => {
  const dir = mkdtempSync(join(tmpdir(), 'reverse-'))
  let controller: Broker
  let program: Running
  let apache: string

  beforeAll(async () => {
    const where = `127.0.0.1:${await freePort()}`
    controller = await Broker.start({
      dataDir: join(dir, 'controller'),
      properties: {
        'process.roles': 'controller',
        'node.id': '3000',
        listeners: `CONTROLLER://${where}`,
        'controller.listener.names': 'CONTROLLER',
        'controller.quorum.bootstrap.servers': where,
      },
    })
    const port = await freePort()
    apache = `127.0.0.1:${port}`
    const file = join(dir, 'server.properties')
    const settings = {
      ...{ 'process.roles': 'broker', 'node.id': apacheId, listeners: `PLAINTEXT://${apache}` },
      ...{ 'controller.listener.names': 'CONTROLLER', 'log.dirs': join(dir, 'broker') },
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      'controller.quorum.bootstrap.servers': controller.address,
      ...{ 'offsets.topic.replication.factor': 1, 'offsets.topic.num.partitions': 1 },
    }
    const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
    writeFileSync(file, lines.join(''))
    await getKafka()
    const format = ['format', '-t', controller.clusterId, '-c', file]
    const { code } = await startJava('kafka.tools.StorageTool', format, { classes: 'server' }).end(
      60_000,
    )
    expect(code).toBe(0)
    program = startJava('kafka.Kafka', [file], { classes: 'server', jvm: ['-Xmx384m'] })
    await program.until(/Kafka Server started/, 120_000)
  }, 240_000)

  afterAll(async () => {
    await program?.kill('SIGKILL', 10_000)
    await controller?.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  test('registers, leads topics and serves clients', async () => {
    const client = new kafkajs.Kafka({ brokers: [apache], logLevel: 0 })
    const admin = client.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 't', numPartitions: 2 }], waitForLeaders: true })
    const producer = client.producer()
    await producer.connect()
    await producer.send({ topic: 't', messages: [{ value: 'a', partition: 0 }] })
    await producer.disconnect()
    const consumer = client.consumer({ groupId: 'g' })
    await consumer.connect()
    await consumer.subscribe({ topic: 't', fromBeginning: true })
    const read = await new Promise<string>((resolve) => {
      void consumer.run({ eachMessage: async ({ message }) => resolve(String(message.value)) })
    })
    expect(read).toBe('a')
    await consumer.disconnect()
    await admin.disconnect()
  }, 60_000)
})

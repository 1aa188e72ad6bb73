import kafkajs, { type Admin, type Kafka } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBroker, type Target, targetName } from '../targets.ts'
import { client, compressionTypes, groupTimings, readAll, until } from './client.ts'

/** Unmodified kafkajs against one broker: admin, producer, and consumer alone. */
describe(`kafkajs on ${targetName}`, () => {
  let broker: Target
  let kafka: Kafka
  let admin: Admin
  beforeAll(async () => {
    broker = await startBroker({ settings: { 'group.initial.rebalance.delay.ms': 0 } })
    kafka = client(broker.bootstrap)
    admin = kafka.admin()
    await admin.connect()
  })
  afterAll(async () => {
    await admin?.disconnect()
    await broker?.close()
  })

  const makeTopic = (topic: string, numPartitions = 1) =>
    admin.createTopics({ topics: [{ topic, numPartitions }] })

  test('admin: topics come, grow and go', async () => {
    expect(await makeTopic('admin-a', 3)).toBe(true)
    expect(await makeTopic('admin-b')).toBe(true)
    expect(await makeTopic('admin-b')).toBe(false) // TOPIC_ALREADY_EXISTS is no error in kafkajs
    expect(await admin.listTopics()).toEqual(expect.arrayContaining(['admin-a', 'admin-b']))

    const { topics } = await admin.fetchTopicMetadata({ topics: ['admin-a'] })
    expect(topics[0]?.partitions.map((one) => one.partitionId).toSorted()).toEqual([0, 1, 2])
    const { nodeId } = (await admin.describeCluster()).brokers[0]!
    for (const { leader, replicas, isr, partitionErrorCode } of topics[0]!.partitions) {
      expect({ leader, replicas, isr, partitionErrorCode }).toEqual({
        leader: nodeId,
        replicas: [nodeId],
        isr: [nodeId],
        partitionErrorCode: 0,
      })
    }
    await admin.createPartitions({ topicPartitions: [{ topic: 'admin-a', count: 5 }] })
    await until('five partitions', async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: ['admin-a'] })
      return topics[0]?.partitions.length === 5
    })
    await expect(
      admin.createPartitions({ topicPartitions: [{ topic: 'admin-a', count: 2 }] }),
    ).rejects.toThrow()

    await admin.deleteTopics({ topics: ['admin-a', 'admin-b'] })
    await until('the topics are gone', async () => {
      const left = await admin.listTopics()
      return !left.includes('admin-a') && !left.includes('admin-b')
    })
    await expect(
      client(broker.bootstrap, { retry: { retries: 0 } })
        .admin()
        .deleteTopics({ topics: ['admin-a'], timeout: 1000 }),
    ).rejects.toThrow()
  })

  test('admin: the cluster and its configuration', async () => {
    const cluster = await admin.describeCluster()
    expect(cluster.brokers).toEqual([
      { nodeId: expect.any(Number), host: '127.0.0.1', port: broker.port },
    ])
    expect(cluster.controller).toBe(cluster.brokers[0]!.nodeId)
    expect(cluster.clusterId).toMatch(/^[\w-]{22}$/)

    await admin.createTopics({
      topics: [
        { topic: 'configured', configEntries: [{ name: 'retention.ms', value: '12345678' }] },
      ],
    })
    const { resources } = await admin.describeConfigs({
      includeSynonyms: true,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: 'configured' }],
    })
    const entries = resources[0]!.configEntries
    const find = (name: string) => entries.find((one) => one.configName === name)
    expect(find('retention.ms')).toMatchObject({ configValue: '12345678', isDefault: false })
    expect(find('cleanup.policy')).toMatchObject({ configValue: 'delete' })
  })

  test('offsets of a topic, also by timestamp', async () => {
    await makeTopic('offsets', 2)
    const producer = kafka.producer()
    await producer.connect()
    const messages = [1000, 2000, 3000].map((timestamp) => ({
      value: `at ${timestamp}`,
      partition: 1,
      timestamp: String(timestamp),
    }))
    await producer.send({ topic: 'offsets', messages })
    await producer.disconnect()
    const byPartition = (list: { partition: number; offset: string }[]) =>
      Object.fromEntries(list.map(({ partition, offset }) => [partition, offset]))
    const offsets = await admin.fetchTopicOffsets('offsets')
    expect(byPartition(offsets)).toEqual({ 0: '0', 1: '3' })
    expect(offsets.map(({ low, high }) => [low, high]).toSorted()).toEqual([
      ['0', '0'],
      ['0', '3'],
    ])
    expect(byPartition(await admin.fetchTopicOffsetsByTimestamp('offsets', 1500))).toEqual({
      0: '0',
      1: '1',
    })
    expect(byPartition(await admin.fetchTopicOffsetsByTimestamp('offsets', 9000))).toEqual({
      0: '0',
      1: '3',
    })
  })

  test.each(Object.entries(compressionTypes))(
    '%s batches come back as sent',
    async (name, type) => {
      const topic = `codec-${name}`
      await makeTopic(topic)
      const producer = kafka.producer({ idempotent: name === 'gzip' })
      await producer.connect()
      const messages = Array.from({ length: 500 }, (_, i) => ({
        key: i % 7 === 0 ? null : `key ${i}`,
        value: i % 11 === 0 ? null : `${name} ${i} `.repeat(1 + (i % 40)),
        headers: i % 5 === 0 ? { index: String(i), empty: '' } : {},
        timestamp: String(1_700_000_000_000 + i),
      }))
      for (let from = 0; from < messages.length; from += 100) {
        const sent = await producer.send({
          topic,
          compression: type,
          acks: -1,
          messages: messages.slice(from, from + 100),
        })
        expect(sent[0]).toMatchObject({ errorCode: 0, baseOffset: String(from) })
      }
      await producer.disconnect()

      const read = await readAll(kafka, topic, messages.length)
      expect(
        read.map(({ message }) => ({
          offset: message.offset,
          key: message.key?.toString() ?? null,
          value: message.value?.toString() ?? null,
          headers: Object.fromEntries(
            Object.entries(message.headers ?? {}).map(([k, v]) => [k, String(v)]),
          ),
          timestamp: message.timestamp,
        })),
      ).toEqual(messages.map((message, i) => ({ offset: String(i), ...message })))
    },
  )

  test('acks 0 and 1 are honoured, and a topic is made by producing to it', async () => {
    const producer = kafka.producer({ allowAutoTopicCreation: true })
    await producer.connect()
    await producer.send({ topic: 'made', acks: 1, messages: [{ value: 'with acks 1' }] })
    await producer.send({ topic: 'made', acks: 0, messages: [{ value: 'with acks 0' }] })
    await producer.send({ topic: 'made', acks: -1, messages: [{ value: 'with acks all' }] })
    await producer.disconnect()
    const read = await readAll(kafka, 'made', 3)
    expect(read.map(({ message }) => String(message.value))).toEqual([
      'with acks 1',
      'with acks 0',
      'with acks all',
    ])
  })

  test('seek goes back and forth', async () => {
    await makeTopic('seek')
    const producer = kafka.producer()
    await producer.connect()
    const messages = Array.from({ length: 50 }, (_, i) => ({ value: `v${i}` }))
    await producer.send({ topic: 'seek', messages })

    const consumer = kafka.consumer({ groupId: 'seekers', ...groupTimings })
    const seen: string[] = []
    await consumer.connect()
    await consumer.subscribe({ topics: ['seek'], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => {
        seen.push(String(message.value))
      },
    })
    const through = (last: string) => until(last, () => seen.at(-1) === last)
    await through('v49')
    expect(seen).toEqual(messages.map(({ value }) => value))
    seen.length = 0
    consumer.seek({ topic: 'seek', partition: 0, offset: '20' })
    await through('v49')
    expect(seen).toEqual(messages.slice(20).map(({ value }) => value))
    seen.length = 0
    consumer.seek({ topic: 'seek', partition: 0, offset: '48' })
    await through('v49')
    expect(seen).toEqual(['v48', 'v49'])
    await producer.send({ topic: 'seek', messages: [{ value: 'v50' }] })
    await through('v50')
    await consumer.disconnect()
    await producer.disconnect()
  })

  test('a manual commit is where the group goes on, and the admin sees and moves it', async () => {
    await makeTopic('manual')
    const producer = kafka.producer()
    await producer.connect()
    const messages = Array.from({ length: 10 }, (_, i) => ({ value: `m${i}` }))
    await producer.send({ topic: 'manual', messages })
    await producer.disconnect()

    const first = kafka.consumer({ groupId: 'manuals', ...groupTimings })
    let firstSaw = 0
    await first.connect()
    await first.subscribe({ topics: ['manual'], fromBeginning: true })
    await first.run({
      autoCommit: false,
      eachMessage: async () => {
        firstSaw++
      },
    })
    await until('all ten', () => firstSaw === 10)
    await first.commitOffsets([
      { topic: 'manual', partition: 0, offset: '4', metadata: 'four are done' },
    ])
    await first.disconnect()
    const fetched = await admin.fetchOffsets({ groupId: 'manuals', topics: ['manual'] })
    expect(fetched).toEqual([
      {
        topic: 'manual',
        partitions: [{ partition: 0, offset: '4', metadata: 'four are done' }],
      },
    ])

    const second = kafka.consumer({ groupId: 'manuals', ...groupTimings })
    const seen: string[] = []
    await second.connect()
    await second.subscribe({ topics: ['manual'], fromBeginning: true })
    await second.run({
      eachMessage: async ({ message }) => {
        seen.push(String(message.value))
      },
    })
    await until('the rest', () => seen.at(-1) === 'm9')
    expect(seen).toEqual(messages.slice(4).map(({ value }) => value))
    await second.disconnect()

    await admin.setOffsets({
      groupId: 'manuals',
      topic: 'manual',
      partitions: [{ partition: 0, offset: '7' }],
    })
    const moved = await admin.fetchOffsets({ groupId: 'manuals', topics: ['manual'] })
    expect(moved[0]!.partitions[0]!.offset).toBe('7')
  })
})

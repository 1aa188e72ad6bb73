import { randomBytes } from 'node:crypto'
import type { Kafka } from 'kafkajs'
import { client, compressionTypes } from '../test/compat/kafkajs/client.ts'

/** The number of operations so far, by kind. */
export type Counts = Record<
  'produced' | 'consumed' | 'committed' | 'aborted' | 'topics' | 'rebalances',
  number
>

const cutTopic = 'cut-by-size'
const compactedTopic = 'compacted'
const transactionalTopic = 'transactional'
const partitions = 3
const keys = 500

/** Settings that keep everything small, so that growth shows within ten minutes. */
export const soakSettings = {
  'num.partitions': String(partitions),
  'log.segment.bytes': '1048576',
  'log.retention.check.interval.ms': '1000',
  'log.segment.delete.delay.ms': '1000',
  'log.cleaner.backoff.ms': '500',
  'log.cleaner.min.cleanable.ratio': '0.2',
  'offsets.topic.num.partitions': '4',
  'offsets.topic.segment.bytes': '1048576',
  'transaction.state.log.num.partitions': '4',
  'transaction.state.log.segment.bytes': '1048576',
  'metadata.log.max.record.bytes.between.snapshots': '262144',
} as const

type Running = () => boolean

async function createTopics(kafka: Kafka): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  const entries = (values: Record<string, string>) =>
    Object.entries(values).map(([name, value]) => ({ name, value }))
  await admin.createTopics({
    topics: [
      { topic: cutTopic, configEntries: entries({ 'retention.bytes': '4000000' }) },
      { topic: compactedTopic, configEntries: entries({ 'cleanup.policy': 'compact' }) },
      { topic: transactionalTopic, configEntries: entries({ 'retention.bytes': '4000000' }) },
    ].map((one) => ({ ...one, numPartitions: partitions, replicationFactor: 1 })),
  })
  await admin.disconnect()
}

async function produce(kafka: Kafka, topic: string, isRunning: Running, counts: Counts) {
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const codecs = Object.values(compressionTypes)
  for (let i = 0; isRunning(); i++) {
    const messages = Array.from({ length: 20 }, () => ({
      key: `key-${Math.floor(Math.random() * keys)}`,
      value: randomBytes(1000),
    }))
    await producer.send({ topic, messages, compression: codecs[i % codecs.length]! })
    counts.produced += messages.length
  }
  await producer.disconnect()
}

/** Members of one group that join and leave, so that it rebalances all the time. */
async function consume(kafka: Kafka, isRunning: Running, counts: Counts, member: number) {
  while (isRunning()) {
    const consumer = kafka.consumer({ groupId: 'soak', sessionTimeout: 10_000 })
    consumer.on('consumer.group_join', () => {
      counts.rebalances++
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [cutTopic, transactionalTopic], fromBeginning: true })
    await consumer.run({
      autoCommitInterval: 200,
      eachBatch: async ({ batch, resolveOffset }) => {
        counts.consumed += batch.messages.length
        resolveOffset(batch.lastOffset())
      },
    })
    const leavesAtMs = performance.now() + 15_000 + member * 7_000
    while (isRunning() && performance.now() < leavesAtMs) await sleep(200)
    await consumer.disconnect()
  }
}

async function transact(kafka: Kafka, isRunning: Running, counts: Counts) {
  const producer = kafka.producer({
    ...{ transactionalId: 'soak', idempotent: true, maxInFlightRequests: 1 },
  })
  await producer.connect()
  for (let i = 0; isRunning(); i++) {
    const transaction = await producer.transaction()
    const messages = Array.from({ length: 10 }, () => ({ value: randomBytes(500) }))
    await transaction.send({ topic: transactionalTopic, messages })
    if (i % 4 === 3) {
      await transaction.abort()
      counts.aborted++
    } else {
      await transaction.commit()
      counts.committed++
    }
    await sleep(5)
  }
  await producer.disconnect()
}

/** Creates, writes, reads and deletes topics, one after the other, some under the same name. */
async function comeAndGo(kafka: Kafka, isRunning: Running, counts: Counts) {
  const admin = kafka.admin()
  const producer = kafka.producer()
  await Promise.all([admin.connect(), producer.connect()])
  for (let i = 0; isRunning(); i++) {
    const topic = i % 2 === 0 ? 'again' : `once-${i}`
    await admin.createTopics({
      topics: [{ topic, numPartitions: 5, replicationFactor: 1 }],
      waitForLeaders: true,
    })
    const messages = Array.from({ length: 50 }, () => ({ value: randomBytes(2000) }))
    await producer.send({ topic, messages })
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopics({ topics: [topic] })
    counts.topics++
    await sleep(250)
  }
  await Promise.all([admin.disconnect(), producer.disconnect()])
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Runs all loads until `isRunning` returns false. Rejects with the first client that fails. */
export async function soakLoad(bootstrap: string, isRunning: Running, counts: Counts) {
  const kafka = client(bootstrap)
  await createTopics(kafka)
  await Promise.all([
    produce(kafka, cutTopic, isRunning, counts),
    produce(kafka, compactedTopic, isRunning, counts),
    consume(kafka, isRunning, counts, 0),
    consume(kafka, isRunning, counts, 1),
    transact(kafka, isRunning, counts),
    comeAndGo(kafka, isRunning, counts),
  ])
}

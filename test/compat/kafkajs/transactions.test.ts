import type { Admin, Kafka, Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBroker, type Target, targetName } from '../targets.ts'
import { client, startMember, until } from './client.ts'

describe(`kafkajs transactions on ${targetName}`, () => {
  let broker: Target
  let kafka: Kafka
  let admin: Admin
  const producers: Producer[] = []
  beforeAll(async () => {
    broker = await startBroker({
      settings: {
        'group.initial.rebalance.delay.ms': 0,
        'offsets.topic.num.partitions': 3,
        'transaction.state.log.num.partitions': 3,
      },
    })
    kafka = client(broker.bootstrap)
    admin = kafka.admin()
    await admin.connect()
  })
  afterAll(async () => {
    for (const producer of producers) await producer.disconnect()
    await admin?.disconnect()
    await broker?.close()
  })

  async function producerOf(transactionalId: string): Promise<Producer> {
    const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 })
    producers.push(producer)
    await producer.connect()
    return producer
  }

  /** The messages of a consumer up to a last record that is sent outside of transactions. */
  async function readAll(topic: string, readUncommitted: boolean): Promise<string[]> {
    const groupId = `readers-of-${topic}-${readUncommitted}`
    const end = kafka.producer()
    await end.connect()
    const last = `the end for ${groupId}`
    await end.send({ topic, messages: [{ value: last, partition: 0 }] })
    await end.disconnect()
    const values: string[] = []
    const consumer = kafka.consumer({ groupId, readUncommitted, maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => void values.push(String(message.value)),
    })
    await until('the last record is read', () => values.includes(last))
    await consumer.disconnect()
    return values.filter((value) => !value.startsWith('the end'))
  }

  test('what is aborted is not read, what is committed is', async () => {
    const topic = 'decided'
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
    const producer = await producerOf('decides')
    const committed: string[] = []
    for (let i = 0; i < 9; i++) {
      const transaction = await producer.transaction()
      const value = `${i % 3 === 2 ? 'aborted' : 'committed'} ${i}`
      await transaction.send({ topic, messages: [{ value, partition: 0 }] })
      if (i % 3 === 2) await transaction.abort()
      else {
        await transaction.commit()
        committed.push(value)
      }
    }
    expect(await readAll(topic, false)).toEqual(committed)
    expect(await readAll(topic, true)).toHaveLength(9)
  })

  test('offsets are committed with the records, or not at all', async () => {
    const [from, to] = ['from', 'to']
    await admin.createTopics({
      topics: [from, to].map((topic) => ({ topic, numPartitions: 1 })),
    })
    const source = kafka.producer()
    await source.connect()
    const values = Array.from({ length: 6 }, (_, i) => `n${i}`)
    await source.send({ topic: from, messages: values.map((value) => ({ value, partition: 0 })) })
    await source.disconnect()
    const producer = await producerOf('copies')
    const groupId = 'copiers'
    const offsetOf = async () => {
      const [topic] = await admin.fetchOffsets({ groupId, topics: [from] })
      return topic!.partitions.find(({ partition }) => partition === 0)?.offset
    }
    const copy = async (offset: number) => {
      const transaction = await producer.transaction()
      await transaction.send({ topic: to, messages: [{ value: values[offset]!, partition: 0 }] })
      const partitions = [{ partition: 0, offset: String(offset + 1) }]
      await transaction.sendOffsets({
        consumerGroupId: groupId,
        topics: [{ topic: from, partitions }],
      })
      return transaction
    }
    for (let i = 0; i < values.length; i++) {
      await (await copy(i)).abort()
      await until('the offset is stable', async () => (await offsetOf()) === String(i || -1))
      await (await copy(i)).commit()
      await until('the offset is committed', async () => (await offsetOf()) === String(i + 1))
    }
    expect(await readAll(to, false)).toEqual(values)
  })

  test('a newer producer of the same id fences the older one', async () => {
    const topic = 'fenced'
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
    const old = await producerOf('shared')
    const left = await old.transaction()
    await left.send({ topic, messages: [{ value: 'of the old', partition: 0 }] })
    const fresh = await producerOf('shared')
    const transaction = await fresh.transaction()
    await transaction.send({ topic, messages: [{ value: 'of the fresh', partition: 0 }] })
    await expect(left.commit()).rejects.toThrow()
    await transaction.commit()
    expect(await readAll(topic, false)).toEqual(['of the fresh'])
  })

  test('an open transaction holds back who reads committed records only', async () => {
    const topic = 'held'
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
    const producer = await producerOf('holds')
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: 'held back', partition: 0 }] })
    const plain = kafka.producer()
    await plain.connect()
    await plain.send({ topic, messages: [{ value: 'behind it', partition: 0 }] })
    await plain.disconnect()
    const member = await startMember(kafka, { topic, groupId: 'waits' })
    await until('the member is ready', () => member.joins > 0)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(member.seen).toEqual([])
    await transaction.commit()
    await until('both are read', () => member.seen.length === 2)
    expect(member.seen.map(({ value }) => value)).toEqual(['held back', 'behind it'])
    await member.stop()
  })
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Broker } from '../../../src/server/broker.ts'
import { client, type Seen, startMember, until } from './client.ts'

const partitionCount = 6
const brokerIds = [1, 2, 3]

describe('kafkajs and three brokers in one process', () => {
  let cluster: Broker
  beforeAll(async () => {
    const settings = { 'offsets.topic.num.partitions': 6 }
    cluster = await Broker.start({ brokers: 3, port: 0, memory: true, settings })
  })
  afterAll(() => cluster?.stop())

  test('sees all of them, whichever it asks first', async () => {
    for (const { address } of cluster.brokers) {
      const admin = client(address).admin()
      await admin.connect()
      const { brokers, clusterId } = await admin.describeCluster()
      await admin.disconnect()
      expect(clusterId).toBe(cluster.clusterId)
      expect(brokers.map(({ nodeId, host, port }) => [nodeId, `${host}:${port}`])).toEqual(
        cluster.brokers.map(({ brokerId, address: there }) => [brokerId, there]),
      )
    }
  })

  test('produces and consumes across brokers while each is restarted in its turn', async () => {
    const topic = 'across'
    const kafka = client(cluster.address)
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic, numPartitions: partitionCount }] })
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const leaders = topics[0]!.partitions.map(({ leader }) => leader)
    expect(leaders.toSorted()).toEqual([1, 1, 2, 2, 3, 3])

    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const acknowledged: string[] = []
    let stopping = false
    const stream = (async () => {
      for (let i = 0; !stopping; i++) {
        const messages = Array.from({ length: partitionCount }, (_, partition) => ({
          value: `r${i}.${partition}`,
          partition,
        }))
        await producer.send({ topic, acks: -1, messages })
        acknowledged.push(...messages.map(({ value }) => value))
      }
    })()
    const seen: Seen[] = []
    const groups = ['one', 'two', 'three']
    const members = await Promise.all(
      groups.map((groupId) => startMember(kafka, { name: groupId, topic, groupId, seen })),
    )
    const seenBy = (name: string) => seen.filter(({ member }) => member === name)
    for (const id of brokerIds) {
      const before = acknowledged.length
      await until('more acknowledged', () => acknowledged.length >= before + 60)
      await cluster.restartBroker(id)
      await until('acknowledged again', () => acknowledged.length >= before + 240)
    }
    stopping = true
    await stream
    for (const name of groups) {
      await until(`all seen by ${name}`, () => {
        const values = new Set(seenBy(name).map(({ value }) => value))
        return acknowledged.every((value) => values.has(value))
      })
      // Once each, in order: no record is lost or duplicated.
      for (let partition = 0; partition < partitionCount; partition++) {
        const mine = seenBy(name).filter((one) => one.partition === partition)
        const byOffset = new Map(mine.map(({ offset, value }) => [offset, value]))
        const sent = acknowledged.filter((value) => value.endsWith(`.${partition}`))
        expect([...byOffset.keys()].toSorted((a, b) => a - b)).toEqual(sent.map((_, i) => i))
        expect(sent.map((_, i) => byOffset.get(i))).toEqual(sent)
      }
    }
    for (const member of members) await member.stop()
    await producer.disconnect()
    await admin.disconnect()
  }, 90_000)
})

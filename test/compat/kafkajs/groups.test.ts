import type { Admin, Kafka } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBroker, type Target, targetName } from '../targets.ts'
import { client, type Member, type Seen, startMember, until } from './client.ts'

const partitions = [0, 1, 2, 3, 4, 5]

/** True if every partition has exactly one owner and every member has partitions. */
function isSettled(members: readonly Member[]): boolean {
  const owned = members.flatMap((member) => member.owned).toSorted((a, b) => a - b)
  return owned.join() === partitions.join() && members.every((member) => member.owned.length > 0)
}

describe(`a kafkajs group on ${targetName}`, () => {
  let broker: Target
  let kafka: Kafka
  let admin: Admin
  beforeAll(async () => {
    broker = await startBroker({
      settings: { 'group.initial.rebalance.delay.ms': 0, 'group.min.session.timeout.ms': 1_000 },
    })
    kafka = client(broker.bootstrap)
    admin = kafka.admin()
    await admin.connect()
  })
  afterAll(async () => {
    await admin?.disconnect()
    await broker?.close()
  })

  test('two members share the partitions, and nothing is lost or, once settled, doubled', async () => {
    const topic = 'shared'
    const groupId = 'sharers'
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions.length }] })
    const producer = kafka.producer()
    await producer.connect()
    let sent = 0
    const send = async (count: number) => {
      const values = Array.from({ length: count }, () => `n${sent++}`)
      const messages = values.map((value, i) => ({ value, partition: i % partitions.length }))
      await producer.send({ topic, messages })
      return values
    }
    const seen: Seen[] = []
    const valuesFrom = (start: number) => seen.slice(start).map(({ value }) => value)
    const everyOneOf = (values: readonly string[], start: number) =>
      until(`${values.length} values`, () => {
        const got = new Set(valuesFrom(start))
        return values.every((value) => got.has(value))
      })

    const all = await send(120)
    const a = await startMember(kafka, { name: 'a', topic, groupId, seen })
    await until('a owns all', () => isSettled([a]))
    await everyOneOf(all, 0)
    expect(seen).toHaveLength(120)

    const b = await startMember(kafka, { name: 'b', topic, groupId, seen })
    all.push(...(await send(60))) // while they rebalance
    await until('both own some', () => isSettled([a, b]))
    await everyOneOf(all, 0)

    const before = seen.length
    const settled = await send(120)
    await everyOneOf(settled, before)
    const { groups } = await admin.describeGroups([groupId])
    expect(groups[0]).toMatchObject({ groupId, state: 'Stable', protocolType: 'consumer' })
    expect(groups[0]!.members).toHaveLength(2)
    expect(valuesFrom(before).toSorted()).toEqual(settled.toSorted())
    for (const { partition, member } of seen.slice(before)) {
      expect((member === 'a' ? a : b).owned).toContain(partition)
    }

    await a.stop()
    await until('b owns all', () => isSettled([b]))
    const beforeAlone = seen.length
    const alone = await send(60)
    await everyOneOf(alone, beforeAlone)
    expect(valuesFrom(beforeAlone).toSorted()).toEqual(alone.toSorted())
    await b.stop()
    await producer.disconnect()

    const { groups: listed } = await admin.listGroups()
    expect(listed).toContainEqual({ groupId, protocolType: 'consumer' })
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
    const committed = offsets!.partitions.map(({ offset }) => Number(offset))
    expect(committed.reduce((sum, offset) => sum + offset, 0)).toBe(sent)

    await admin.deleteGroups([groupId])
    expect((await admin.listGroups()).groups.map((one) => one.groupId)).not.toContain(groupId)
  })

  test('a member that falls silent loses its partitions after its session', async () => {
    const topic = 'deserted'
    const groupId = 'deserters'
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions.length }] })
    const seen: Seen[] = []
    const timings = { sessionTimeout: 1_500 }
    const a = await startMember(kafka, { name: 'a', topic, groupId, seen, timings })
    let wake = () => {}
    const asleep = new Promise<void>((resolve) => {
      wake = resolve
    })
    // kafkajs sends no heartbeat while a handler runs.
    const onMessage = () => asleep
    const b = await startMember(kafka, { name: 'b', topic, groupId, seen, timings, onMessage })
    await until('both own some', () => isSettled([a, b]))
    const producer = kafka.producer()
    await producer.connect()
    const messages = partitions.map((partition) => ({ partition, value: `to ${partition}` }))
    await producer.send({ topic, messages })
    await producer.disconnect()
    await until('b is at work', () => seen.some(({ member }) => member === 'b'))
    await until('a owns all', () => a.owned.length === partitions.length)
    await until('a got all', () => {
      const got = seen.filter(({ member }) => member === 'a').map(({ value }) => value)
      return messages.every(({ value }) => got.includes(value))
    })
    wake()
    await until('b is back', () => isSettled([a, b]))
    await a.stop()
    await b.stop()
  })
})

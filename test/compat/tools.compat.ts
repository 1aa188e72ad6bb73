import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { javaTools, type Tool } from './kafka/tools.ts'
import { startBroker, type Target, targetName } from './targets.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** Apache Kafka's command line tools through a whole cycle. */
describe.skipIf(inject('javaMissing') !== null)(`Kafka's tools on ${targetName}`, () => {
  let broker: Target
  beforeAll(async () => {
    broker = await startBroker({ settings: { 'group.initial.rebalance.delay.ms': 0 } })
  })
  afterAll(() => broker?.close())

  const ask = async (tool: Tool, args: string[], input?: string) =>
    (await javaTools()).ask(tool, ['--bootstrap-server', broker.bootstrap, ...args], { input })
  const create = (topic: string, partitions = 1) =>
    ask('topics', ['--create', '--topic', topic, '--partitions', String(partitions)])
  const lines = (text: string) => text.split('\n').filter((line) => line !== '')

  test('kafka-topics creates, lists, describes, alters and deletes', async () => {
    expect(await create('tools', 2)).toBe('Created topic tools.\n')
    expect(lines(await ask('topics', ['--list']))).toContain('tools')
    const described = await ask('topics', ['--describe', '--topic', 'tools'])
    expect(described).toMatch(/TopicId: [\w-]{22}\tPartitionCount: 2\tReplicationFactor: 1\t/)
    expect(described).toMatch(/Partition: 1\tLeader: 1\tReplicas: 1\tIsr: 1\t/)
    await ask('topics', ['--alter', '--topic', 'tools', '--partitions', '4'])
    expect(await ask('topics', ['--describe', '--topic', 'tools'])).toContain('PartitionCount: 4')
    await ask('topics', ['--delete', '--topic', 'tools'])
    expect(lines(await ask('topics', ['--list']))).not.toContain('tools')
  })

  test.each(codecs)('a console producer and consumer with %s', async (codec) => {
    const topic = `console-${codec}`
    await create(topic)
    const sent = Array.from({ length: 200 }, (_, i) => `k${i}:${`v${i} `.repeat(1 + (i % 30))}`)
    const parsed = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:']
    const produce = ['--topic', topic, '--compression-codec', codec, ...parsed]
    await ask('console-producer', produce, `${sent.join('\n')}\n`)
    const printed = ['print.key=true', 'key.separator=:'].flatMap((p) => [
      '--formatter-property',
      p,
    ])
    const consume = ['--topic', topic, '--from-beginning', '--max-messages', '200', ...printed]
    expect(lines(await ask('console-consumer', consume))).toEqual(sent)
  })

  test('a group goes on at its commit after kill -9, and the tools see it', async () => {
    await create('cycle')
    const produce = async (from: number, to: number) => {
      const input = Array.from({ length: to - from }, (_, i) => `line ${from + i}\n`).join('')
      await ask('console-producer', ['--topic', 'cycle'], input)
    }
    const consume = async (count: number) => {
      const args = ['--topic', 'cycle', '--group', 'cyclists', '--from-beginning']
      return lines(await ask('console-consumer', [...args, '--max-messages', String(count)]))
    }
    const numbered = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => `line ${from + i}`)

    await produce(0, 10)
    expect(await consume(6)).toEqual(numbered(0, 6))
    const topicsBefore = await ask('topics', ['--describe', '--topic', 'cycle'])
    await broker.kill9()
    await broker.start()
    expect(await ask('topics', ['--describe', '--topic', 'cycle'])).toBe(topicsBefore)
    await produce(10, 12)
    const described = await ask('consumer-groups', ['--describe', '--group', 'cyclists'])
    const row = lines(described).find((line) => line.includes('cycle '))
    expect(row?.split(/\s+/).slice(0, 7)).toEqual(['cyclists', 'cycle', '0', '6', '12', '6', '-'])
    expect(await consume(6)).toEqual(numbered(6, 12))
    expect(lines(await ask('consumer-groups', ['--list']))).toContain('cyclists')
    const state = await ask('consumer-groups', ['--describe', '--group', 'cyclists', '--state'])
    expect(state).toMatch(/cyclists\s+127\.0\.0\.1:\d+\s+\(1\)\s+.*Empty\s+0/)
    const offsets = await ask('get-offsets', ['--topic', 'cycle'])
    expect(offsets).toBe('cycle:0:12\n')
    expect(await ask('get-offsets', ['--topic', 'cycle', '--time', 'earliest'])).toBe('cycle:0:0\n')
    const reset = ['--reset-offsets', '--group', 'cyclists', '--topic', 'cycle', '--to-offset', '3']
    await ask('consumer-groups', [...reset, '--execute'])
    expect(await consume(9)).toEqual(numbered(3, 12))
    await ask('consumer-groups', ['--delete', '--group', 'cyclists'])
    expect(lines(await ask('consumer-groups', ['--list']))).not.toContain('cyclists')
  })

  test('an idempotent producer and a committing consumer, over a kill -9', async () => {
    await create('round', 3)
    const tools = await javaTools()
    const trip = () => tools.ask('round-trip', [broker.bootstrap, 'round', 'trippers', '1000'])
    const offsets = (text: string, which: string) => {
      const found = new RegExp(`${which} \\{0=(\\d+), 1=(\\d+), 2=(\\d+)\\}`).exec(text)
      return found?.slice(1).map(Number) ?? text
    }
    const first = await trip()
    expect(offsets(first, 'from')).toEqual([0, 0, 0])
    await broker.kill9()
    await broker.start()
    const second = await trip()
    expect(offsets(second, 'from')).toEqual(offsets(first, 'to'))
  })

  test('a performance run ends with all records acknowledged and read', async () => {
    await create('perf', 2)
    const tools = await javaTools()
    const at = ['--bootstrap-server', broker.bootstrap, '--topic', 'perf']
    const load = ['--num-records', '20000', '--record-size', '500', '--throughput', '-1']
    expect(await tools.ask('producer-perf', [...at, ...load])).toMatch(/^20000 records sent/m)
    const offsets = lines(await ask('get-offsets', ['--topic', 'perf']))
    expect(offsets.reduce((sum, line) => sum + Number(line.split(':')[2]), 0)).toBe(20_000)
    const read = await tools.ask('consumer-perf', [...at, '--num-records', '20000'])
    const header = read.split('\n')[0]!.split(', ')
    const row = read.split('\n')[1]!.split(', ')
    expect(Number(row[header.indexOf('data.consumed.in.nMsg')])).toBe(20_000)
  })
})

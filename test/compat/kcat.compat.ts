import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { until } from './kafkajs/client.ts'
import { kcat, startKcat } from './kcat.ts'
import { startBroker, type Target, targetName } from './targets.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

describe.skipIf(inject('kcatMissing') !== null)(`kcat on ${targetName}`, () => {
  let broker: Target
  beforeAll(async () => {
    broker = await startBroker({
      settings: {
        'group.initial.rebalance.delay.ms': 0,
        'group.min.session.timeout.ms': 1_000,
        'num.partitions': 3,
      },
    })
  })
  afterAll(() => broker?.close())

  const lines = (text: string) => text.split('\n').filter((line) => line !== '')
  const produce = (topic: string, values: readonly string[], ...args: string[]) =>
    kcat(broker.bootstrap, ['-P', '-t', topic, ...args], { input: `${values.join('\n')}\n` })
  /** Creates a topic by requesting it, and waits until it has leaders. */
  const create = (topic: string) =>
    until(`topic ${topic}`, async () => {
      const said = await kcat(broker.bootstrap, ['-L', '-t', topic])
      return said.includes('with 3 partitions') && !said.includes('leader -1')
    })

  test('-L shows the broker and the topics', async () => {
    await create('listed')
    const said = await kcat(broker.bootstrap, ['-L'])
    expect(said).toMatch(new RegExp(`broker 1 at 127\\.0\\.0\\.1:${broker.port} \\(controller\\)`))
    expect(said).toContain('topic "listed" with 3 partitions')
    expect(said).toContain('partition 2, leader 1, replicas: 1, isrs: 1')
  })

  test.each(codecs)('-P and -C with %s', async (codec) => {
    const topic = `kcat-${codec}`
    await create(topic)
    const sent = Array.from({ length: 300 }, (_, i) => `k${i}:${`w${i} `.repeat(1 + (i % 20))}`)
    await produce(topic, sent, '-p', '1', '-z', codec, '-K', ':', '-H', 'from=kcat')
    const format = ['-f', '%o %k:%s\n']
    const read = await kcat(broker.bootstrap, ['-C', '-t', topic, '-p', '1', '-e', '-q', ...format])
    expect(lines(read)).toEqual(sent.map((line, i) => `${i} ${line}`))
    const last = await kcat(broker.bootstrap, [
      ...['-C', '-t', topic, '-p', '1', '-o', '-1', '-c', '1', '-q', '-f', '%h %o'],
    ])
    expect(last).toBe('from=kcat 299')
  })

  test('-Q finds offsets by time', async () => {
    await create('queried')
    const before = Date.now()
    await produce('queried', ['one', 'two'], '-p', '0')
    const query = async (time: number) =>
      lines(await kcat(broker.bootstrap, ['-Q', '-t', `queried:0:${time}`]))
    expect(await query(before)).toEqual(['queried [0] offset 0'])
    expect(await query(-1)).toEqual(['queried [0] offset 2'])
    expect(await query(-2)).toEqual(['queried [0] offset 0'])
  })

  test('-G: two members share, one leaves, kill -9, and the group goes on at its commit', async () => {
    await create('grouped')
    const member = (...more: string[]) =>
      startKcat(broker.bootstrap, [
        ...['-G', 'kitties', 'grouped', '-u', '-f', '%p@%o=%s\n'],
        ...['-X', 'session.timeout.ms=3000', '-X', 'heartbeat.interval.ms=200'],
        ...['-X', 'auto.offset.reset=earliest', '-X', 'topic.metadata.refresh.interval.ms=1000'],
        ...more,
      ])
    const values = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => `n${from + i}`)
    const produceAll = async (list: string[]) => {
      for (const partition of [0, 1, 2]) {
        const share = list.filter((_, i) => i % 3 === partition)
        await produce('grouped', share, '-p', String(partition))
      }
    }
    const owned = (one: { stderr: string }) => {
      const all = [...one.stderr.matchAll(/rebalanced \(memberid [^)]*\): assigned: (.*)/g)]
      return (
        all
          .at(-1)?.[1]
          ?.match(/\[\d\]/g)
          ?.toSorted() ?? []
      )
    }
    const got = (text: string) => lines(text).map((line) => line.split('=')[1])

    await produceAll(values(0, 30))
    const a = member()
    await until('a reads all', () => got(a.stdout).length === 30)
    const b = member()
    await until('both own some, none twice', () => {
      const all = [...owned(a), ...owned(b)]
      return owned(a).length > 0 && owned(b).length > 0 && all.toSorted().join() === '[0],[1],[2]'
    })
    await produceAll(values(30, 60))
    await until('both read all', () => got(a.stdout + b.stdout).length >= 60)
    expect(got(a.stdout + b.stdout).toSorted()).toEqual(values(0, 60).toSorted())
    await a.kill('SIGTERM')
    await until('b owns all', () => owned(b).join() === '[0],[1],[2]')
    await b.kill('SIGTERM')

    await broker.kill9()
    await broker.start()
    await produceAll(values(60, 75))
    const c = member()
    await until('c reads the rest', () => got(c.stdout).length >= 15)
    expect(got(c.stdout).toSorted()).toEqual(values(60, 75).toSorted())
    await c.kill('SIGTERM')
  })
})

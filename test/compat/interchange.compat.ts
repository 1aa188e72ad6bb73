import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { javaTools, type Tool } from './kafka/tools.ts'
import { soon, Target, type TargetName, targetName } from './targets.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const compacted = 'compacted'
const other: TargetName = 'kafka'

/** The end of the first two brokers. */
type Ending = 'stopped' | 'killed'

/** The brokers that use the directory in turn. */
const turns: [TargetName, TargetName, TargetName][] =
  targetName === other
    ? [[other, other, other]]
    : [
        [targetName, other, targetName],
        [other, targetName, other],
      ]
const endings: readonly Ending[] = ['stopped', 'killed']
const rounds = turns.flatMap((names) => endings.map((ending) => [ending, ...names] as const))

/** A directory of odradek opens in Apache Kafka, and the other way round. */
describe.skipIf(inject('javaMissing') !== null)('one data directory, two brokers', () => {
  let dataDir = ''
  let broker: Target
  const open = async (name: TargetName) => {
    broker = new Target(name, {
      dataDir,
      settings: {
        'group.initial.rebalance.delay.ms': 0,
        'offsets.topic.num.partitions': 5,
        'log.cleaner.backoff.ms': 200,
      },
    })
    await broker.start()
  }
  afterEach(async () => {
    await broker?.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const ask = async (tool: Tool, args: string[], input?: string) =>
    (await javaTools()).ask(tool, ['--bootstrap-server', broker.bootstrap, ...args], { input })
  const lines = (text: string) => text.split('\n').filter((line) => line !== '')
  const values = (codec: string, from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => `${codec} ${from + i}`)
  const produce = async (from: number, to: number) => {
    for (const codec of codecs) {
      const input = `${values(codec, from, to).join('\n')}\n`
      await ask('console-producer', ['--topic', codec, '--compression-codec', codec], input)
    }
  }
  const leave = async (ending: Ending) =>
    ending === 'killed' ? await broker.kill9() : await broker.stop()
  /** Three keys of a compacted topic, many times, so that there is something to compact. */
  const produceKeys = async (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const input = ['a', 'b', 'c'].map((key) => `${key}:${key} ${i}\n`).join('')
      const properties = ['--reader-property', 'parse.key=true', '--reader-property']
      await ask('console-producer', ['--topic', compacted, ...properties, 'key.separator=:'], input)
    }
  }
  /** The last value of each key. */
  const readKeys = async () => {
    const args = ['--topic', compacted, '--from-beginning', '--timeout-ms', '3000']
    const read = lines(
      await ask('console-consumer', [...args, '--formatter-property', 'print.key=true']),
    )
    expect(read.length).toBeGreaterThanOrEqual(3)
    return Object.fromEntries(read.map((line) => line.split('\t')))
  }
  const keysAt = (i: number) => ({ a: `a ${i - 1}`, b: `b ${i - 1}`, c: `c ${i - 1}` })
  const readAll = async (count: number) => {
    for (const codec of codecs) {
      const args = ['--topic', codec, '--from-beginning', '--max-messages', String(count)]
      expect(lines(await ask('console-consumer', args))).toEqual(values(codec, 0, count))
    }
  }
  const goOn = async (from: number, to: number) => {
    const args = ['--topic', 'gzip', '--group', 'mover', '--from-beginning']
    const read = await ask('console-consumer', [...args, '--max-messages', String(to - from)])
    expect(lines(read)).toEqual(values('gzip', from, to))
  }
  /**
   * Topics with their ids, partitions and configurations, and the offsets of the logs and the
   * group.
   */
  const state = async () => ({
    topics: lines(await ask('topics', ['--describe', '--exclude-internal'])).toSorted(),
    ends: lines(await ask('get-offsets', [])).filter((line) => !line.startsWith('__')),
    group: lines(await ask('consumer-groups', ['--describe', '--group', 'mover'])),
    meta: readFileSync(join(dataDir, 'meta.properties'), 'utf8')
      .split('\n')
      .filter((line) => /^(cluster|directory|node)\.id=/.test(line))
      .toSorted(),
  })

  test.each(rounds)('%s: %s, then %s, then %s', async (ending, first, second, third) => {
    dataDir = mkdtempSync(join(tmpdir(), 'interchange-'))
    await open(first)
    for (const codec of codecs) {
      const config = ['--config', `retention.ms=${60_000_000 + codec.length}`]
      await ask('topics', ['--create', '--topic', codec, ...config])
    }
    await ask('topics', [
      ...['--create', '--topic', compacted, '--config', 'cleanup.policy=compact'],
      ...['--config', 'segment.ms=100', '--config', 'min.cleanable.dirty.ratio=0.01'],
    ])
    await produce(0, 20)
    await produceKeys(0, 3)
    await goOn(0, 7)
    const left = await state()
    expect(left.ends).toContain('gzip:0:20')
    await leave(ending)

    await open(second)
    await expect.poll(state, soon).toEqual(left)
    await readAll(20)
    expect(await readKeys()).toEqual(keysAt(3))
    await goOn(7, 12)
    await produce(20, 30)
    await produceKeys(3, 5)
    await ask('topics', ['--create', '--topic', 'second', '--partitions', '2'])
    const leftAgain = await state()
    await leave(ending)

    await open(third)
    await expect.poll(state, soon).toEqual(leftAgain)
    await readAll(30)
    expect(await readKeys()).toEqual(keysAt(5))
    await goOn(12, 30)
  })
})

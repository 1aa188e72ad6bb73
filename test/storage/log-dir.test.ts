import { cpSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { endlessTurn } from '../../src/base/turns.ts'
import { Compaction } from '../../src/storage/compaction.ts'
import type { Disk } from '../../src/storage/disk.ts'
import { asideOf, isOfKafka } from '../../src/storage/file-names.ts'
import { Housekeeping } from '../../src/storage/housekeeping.ts'
import type { Log } from '../../src/storage/log.ts'
import { type LogConfig, logConfigDefaults } from '../../src/storage/log-config.ts'
import { LogDir } from '../../src/storage/log-dir.ts'
import { MemoryDisk } from '../../src/storage/memory-disk.ts'
import { writeMetaProperties } from '../../src/storage/meta-properties.ts'
import { NodeDisk } from '../../src/storage/node-disk.ts'
import { TailCacheBudget } from '../../src/storage/tail-cache.ts'
import { goldenFile } from '../golden.ts'
import { temporaryDirectory } from './disks.ts'
import { append, batchOf, ManualClock, readAll, seededRandom } from './logs.ts'

const topicId = '9_JW0W0IQa6H2T4pN7eEKw'
const ids = ['AAAAAAAAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBBBBBBBB', 'CCCCCCCCCCCCCCCCCCCCCC']

function opener(disk: Disk, path: string, clock = new ManualClock()) {
  const fresh = ids.values()
  const o = { disk, path, nodeId: 1, clock, random: seededRandom(7), logger: silentLogger }
  return (changes: { nodeId?: number; clusterId?: string } = {}) =>
    LogDir.open(
      { ...o, tailCacheBudget: new TailCacheBudget(0), ...changes },
      changes.clusterId ?? null,
      () => fresh.next().value!,
    )
}
const logOf = (
  dir: LogDir,
  name: string,
  id = topicId,
  settings: Partial<LogConfig> = {},
): Promise<Log> =>
  dir.openLog(name, { topicId: id, config: () => ({ ...logConfigDefaults, ...settings }) })

describe('a directory of Apache Kafka', () => {
  test('opens with its identity, its logs and their start offsets, and is left in Kafka’s format', async () => {
    const path = temporaryDirectory()
    cpSync(join(import.meta.dirname, '../golden/data-dir'), path, { recursive: true })
    const dir = await opener(new NodeDisk(), path)()
    expect(dir.clusterId).toBe('4L6g3nShT-eMCtK--X86sw')
    expect(dir.directoryId).toBe('AYeuUPMN5GTSRm8OGis2bQ')
    const [t0, t1] = [await logOf(dir, 't-0'), await logOf(dir, 't-1')]
    expect([t0.logStartOffset, t0.logEndOffset]).toEqual([2, 44])
    expect([t1.logStartOffset, t1.logEndOffset]).toEqual([0, 24])
    await dir.close(11)
    const content = (name: string) => readFileSync(join(path, name), 'utf8')
    expect(content('.kafka_cleanshutdown')).toBe('{"version":0,"brokerEpoch":11}')
    expect(content('log-start-offset-checkpoint')).toBe('0\n1\nt 0 2\n')
    expect(content('recovery-point-offset-checkpoint')).toBe('0\n2\nt 0 44\nt 1 24\n')
    expect(content('replication-offset-checkpoint')).toBe('0\n2\nt 0 44\nt 1 24\n')
    expect(content('meta.properties')).toBe(goldenFile('meta.properties').toString())
    for (const file of ['t-0/00000000000000000000.log', 't-1/partition.metadata']) {
      expect(content(file)).toBe(goldenFile(file).toString())
    }
  })

  test('of another node or cluster is refused', async () => {
    const path = temporaryDirectory()
    cpSync(join(import.meta.dirname, '../golden/data-dir'), path, { recursive: true })
    const open = opener(new NodeDisk(), path)
    await expect(open({ nodeId: 2 })).rejects.toThrow('belongs to node 1')
    await expect(open({ clusterId: ids[0]! })).rejects.toThrow('belongs to cluster')
    await (await open()).release()
  })
})

test('a new directory gets an identity that stays', async () => {
  const disk = new MemoryDisk(() => 0)
  const open = opener(disk, '/data')
  const dir = await open()
  const { clusterId, directoryId } = dir
  expect(new Set([clusterId, directoryId]).size).toBe(2)
  await dir.close(1)
  const again = await open()
  expect([again.clusterId, again.directoryId]).toEqual([clusterId, directoryId])
})

test('after a kill, logs are recovered from the recovery point; after a clean stop, not scanned', async () => {
  const path = temporaryDirectory()
  const open = opener(new NodeDisk(), path)
  let dir = await open()
  append(await logOf(dir, 't-0'), batchOf(3))
  await (await logOf(dir, 'u-0', ids[2])).flush()
  await dir.close(1)
  const log = `${path}/t-0/00000000000000000000.log`
  // A single flipped bit is found only by a check of every byte.
  const damaged = readFileSync(log)
  damaged[damaged.length - 5]! ^= 1
  writeFileSync(log, damaged)
  dir = await open()
  expect((await logOf(dir, 't-0')).logEndOffset).toBe(3)
  await dir.release() // As after a kill: no marker is written.
  writeFileSync(`${path}/recovery-point-offset-checkpoint`, '0\n1\nt 0 0\n')
  dir = await open()
  expect((await logOf(dir, 't-0')).logEndOffset).toBe(0)
  await dir.release()
})

test('a topic that is deleted and made again under the same name shows nothing old', async () => {
  const clock = new ManualClock()
  const disk = new MemoryDisk(clock.nowMs)
  const dir = await opener(disk, '/data', clock)()
  append(await logOf(dir, 't-0'), batchOf(3))
  await dir.deleteLog('t-0')
  const names = async () =>
    ((await disk.list('/data')) ?? []).filter((e) => e.isDirectory).map((e) => e.name)
  expect(await names()).toEqual([expect.stringMatching(/^t-0\.[0-9a-f]{32}-delete$/)])
  const again = await logOf(dir, 't-0', ids[2])
  expect([again.logEndOffset, await readAll(again)]).toEqual([0, []])
  clock.advance(60_000)
  await new Promise(setImmediate)
  expect(await names()).toEqual(['t-0'])
  append(again, batchOf(2))
  await again.flush()
  await dir.close(1)
  // Deleted while the broker was down: the directory belongs to another topic.
  const later = await opener(disk, '/data', clock)()
  expect((await logOf(later, 't-0', ids[1])).logEndOffset).toBe(0)
})

test('a partition behind a symbolic link is known, with where it starts', async () => {
  const [path, elsewhere] = [temporaryDirectory(), temporaryDirectory()]
  const open = opener(new NodeDisk(), path)
  const before = await open()
  const log = await logOf(before, 't-0')
  await append(log, batchOf(3))
  log.advanceLogStartOffset(2)
  await before.close(1)
  renameSync(join(path, 't-0'), join(elsewhere, 't-0'))
  symlinkSync(join(elsewhere, 't-0'), join(path, 't-0'), 'dir')
  const after = await open()
  expect(after.has('t-0')).toBe(true)
  const again = await logOf(after, 't-0')
  expect([again.logStartOffset, again.logEndOffset]).toEqual([2, 3])
  await after.close(1)
})

test('the regular work: retention, checkpoints, flushes, silent producers', async () => {
  const clock = new ManualClock()
  const disk = new MemoryDisk(clock.nowMs)
  const dir = await opener(disk, '/data', clock)()
  const log = await logOf(dir, 't-0', topicId, { retentionMs: 1_000, flushMs: 500 })
  const intervals = {
    initialDelayMs: 1_000,
    retentionCheckMs: 300,
    flushCheckMs: 200,
    checkpointMs: 100,
    producerCheckMs: 400,
    producerExpirationMs: 5_000,
  }
  const housekeeping = new Housekeeping({
    clock,
    logger: silentLogger,
    turns: endlessTurn,
    dirs: [dir],
    intervals,
  })
  const pass = async (ms: number) => {
    clock.advance(ms)
    await new Promise(setImmediate)
  }
  append(log, batchOf(2, { producerId: 9, producerEpoch: 0, baseSequence: 0, at: clock.nowMs() }))
  await pass(0)
  expect(log.flushedOffset).toBe(0)
  for (let i = 0; i < 8; i++) await pass(100)
  expect(log.flushedOffset).toBe(2)
  expect((await disk.readFile('/data/recovery-point-offset-checkpoint'))?.toString()).toContain(
    't 0 2',
  )
  for (let i = 0; i < 10; i++) await pass(100)
  expect(log.logStartOffset).toBe(2)
  expect(log.producers.size).toBe(1)
  for (let i = 0; i < 60; i++) await pass(100)
  expect(log.producers.size).toBe(0)
  await housekeeping.stop()
  await dir.close(1)
})

test('silent producers are looked for after a whole interval, not at the start', async () => {
  const clock = new ManualClock()
  const dir = await opener(new MemoryDisk(clock.nowMs), '/data', clock)()
  const log = await logOf(dir, 't-0', topicId)
  const producerCheckMs = 600_000
  const never = 1e9
  const housekeeping = new Housekeeping({
    ...{ clock, logger: silentLogger, turns: endlessTurn, dirs: [dir] },
    intervals: {
      ...{ initialDelayMs: 30_000, retentionCheckMs: never, flushCheckMs: never },
      ...{ checkpointMs: never, producerCheckMs, producerExpirationMs: 1_000 },
    },
  })
  // A record of long ago, as a producer may write it.
  append(log, batchOf(1, { producerId: 9, producerEpoch: 0, baseSequence: 0, at: 1 }))
  clock.advance(producerCheckMs - 1)
  await new Promise(setImmediate)
  expect(log.producers.size).toBe(1)
  clock.advance(1)
  await expect.poll(() => log.producers.size).toBe(0)
  await housekeeping.stop()
  await dir.close(1)
})

test('work on all logs is done in turns of the loop', async () => {
  const clock = new ManualClock()
  const dir = await opener(new MemoryDisk(clock.nowMs), '/data', clock)()
  const logs = 40
  for (let i = 0; i < logs; i++) await logOf(dir, `t-${i}`, topicId)
  let taken = 0
  // Each turn is over at the first check.
  const turns = { isOver: () => true, next: async () => void taken++ }
  const never = 1e9
  const intervals = {
    ...{ initialDelayMs: never, retentionCheckMs: never, flushCheckMs: never },
    ...{ checkpointMs: never, producerCheckMs: never, producerExpirationMs: never },
  }
  const dirs = [dir]
  const o = { clock, logger: silentLogger, turns, dirs }
  const housekeeping = new Housekeeping({ ...o, intervals })
  const turnsOf = async (work: () => Promise<unknown>) => {
    taken = 0
    await work()
    return taken
  }
  expect(await turnsOf(() => housekeeping.retain())).toBe(logs)
  expect(await turnsOf(() => housekeeping.dropIndexes())).toBe(logs)
  expect(await turnsOf(() => dir.checkpoint(turns))).toBeGreaterThanOrEqual(6 * 3)
  const settings = { isEnabled: false, backoffMs: never, keyBytesMax: 1 }
  const compaction = new Compaction({ ...o, random: seededRandom(1), settings })
  expect(await turnsOf(() => compaction.cleanOne())).toBe(logs)
  await Promise.all([housekeeping.stop(), compaction.stop()])
  await dir.close(1)
})

test('the indexes of closed segments are given back, and read again when needed', async () => {
  const clock = new ManualClock()
  const dir = await opener(new MemoryDisk(clock.nowMs), '/data', clock)()
  const log = await logOf(dir, 't-0', topicId, { segmentBytes: 4_000, indexIntervalBytes: 100 })
  for (let i = 0; i < 200; i++) append(log, batchOf(1))
  await log.flush()
  const resident = () => log.segments.all.filter((segment) => segment.indexBytes > 0).length
  expect(resident()).toBeGreaterThan(3)
  const intervals = {
    initialDelayMs: 1e9,
    retentionCheckMs: 1e9,
    flushCheckMs: 1e9,
    checkpointMs: 1e9,
    producerCheckMs: 1e9,
    producerExpirationMs: 1e9,
  }
  const housekeeping = new Housekeeping({
    clock,
    logger: silentLogger,
    turns: endlessTurn,
    dirs: [dir],
    intervals,
  })
  await housekeeping.dropIndexes()
  expect(resident()).toBeGreaterThan(3)
  await housekeeping.dropIndexes(0)
  expect(resident()).toBe(1)
  expect(await readAll(log)).toHaveLength(200)
  expect(resident()).toBeGreaterThan(3)
  await housekeeping.stop()
  await dir.close(1)
})

describe('the directories below a log directory', () => {
  test.each([
    'lost+found',
    '.hidden',
    'x-',
    '-0',
    'x-1e3',
    'x-2147483648',
    'do-not-delete',
    `${'a'.repeat(209)}.${'0'.repeat(32)}-stray`,
  ])('%s is none of Kafka’s: the start is refused, and nothing is touched', async (name) => {
    const disk = new MemoryDisk(() => 0)
    await (await opener(disk, '/data')()).close(1)
    await disk.makeDirectory(`/data/${name}`)
    await expect(opener(disk, '/data')()).rejects.toThrow(JSON.stringify(name))
    const names = (await disk.list('/data'))!.map((one) => one.name)
    expect(names).toEqual(expect.arrayContaining([name, '.kafka_cleanshutdown']))
  })

  test.each([
    'x-0',
    'x--1',
    'a b-00',
    'remote-log-index-cache',
    `x-0.${'0'.repeat(32)}-future`,
    `x-0.${'0'.repeat(32)}-stray`,
  ])('%s may be there', async (name) => {
    const disk = new MemoryDisk(() => 0)
    await disk.makeDirectory(`/data/${name}`)
    await writeMetaProperties(disk, '/data', {
      ...{ clusterId: ids[0]!, directoryId: ids[1]!, nodeId: 1 },
    })
    await (await opener(disk, '/data')()).close(1)
  })

  test('what is deleted, or set aside, is of a partition by its name, however long the topic’s', () => {
    for (const suffix of ['-delete', '-stray']) {
      for (const topic of ['a', 'a-b.c', 'n'.repeat(249)]) {
        const aside = asideOf(`/da-ta/${topic}-12`, 'u'.repeat(32), suffix)
        const name = aside.slice('/da-ta/'.length)
        const whole = `${topic}-12.${'u'.repeat(32)}${suffix}`
        const cut = `${topic.slice(0, 255 - whole.length + topic.length)}-12.`
        expect(name.startsWith(topic.length > 200 ? cut : `${topic}-12.`)).toBe(true)
        expect([name.length <= 255, isOfKafka(name)]).toEqual([true, true])
      }
    }
  })
})

import { expect, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { endlessTurn } from '../../src/base/turns.ts'
import { writeBatch } from '../../src/protocol/records/record.ts'
import { Compaction } from '../../src/storage/compaction.ts'
import type { Log } from '../../src/storage/log.ts'
import { type LogConfig, logConfigDefaults } from '../../src/storage/log-config.ts'
import { LogDir } from '../../src/storage/log-dir.ts'
import { MemoryDisk } from '../../src/storage/memory-disk.ts'
import { TailCacheBudget } from '../../src/storage/tail-cache.ts'
import { append, ManualClock, readAll, seededRandom } from './logs.ts'

const topicId = '9_JW0W0IQa6H2T4pN7eEKw'

async function room(isEnabled = false) {
  const clock = new ManualClock()
  const disk = new MemoryDisk(clock.nowMs)
  const random = seededRandom(5)
  const open = () =>
    LogDir.open(
      {
        disk,
        path: '/data',
        nodeId: 1,
        clock,
        random,
        logger: silentLogger,
        tailCacheBudget: new TailCacheBudget(0),
      },
      null,
      () => topicId,
    )
  const dir = await open()
  const logOf = (name: string, settings: Partial<LogConfig> = {}) => {
    const config = { ...logConfigDefaults, cleanupPolicy: ['compact' as const], ...settings }
    return dir.openLog(name, { topicId, config: () => config })
  }
  const settings = { isEnabled, backoffMs: 1_000, keyBytesMax: 1 << 20 }
  const rooms = { clock, logger: silentLogger, random, turns: endlessTurn }
  const compaction = new Compaction({ ...rooms, dirs: [dir], settings })
  /** Appends `count` values of one key, in a segment of their own. */
  const fill = async (log: Log, count: number) => {
    for (let i = 0; i < count; i++) {
      const record = { key: Buffer.from('k'), value: Buffer.alloc(50), timestampMs: clock.nowMs() }
      append(log, writeBatch({ records: [record] }))
    }
    log.roll()
    await log.flush()
  }
  const offsets = async (log: Log) => (await readAll(log)).map((batch) => batch.baseOffset)
  return { clock, disk, dir, logOf, compaction, fill, offsets }
}

test('the dirtiest log is cleaned first, one that is not dirty enough is not', async () => {
  const { logOf, compaction, fill, offsets, disk } = await room()
  const [a, b, c] = [
    await logOf('a-0'),
    await logOf('b-0'),
    await logOf('c-0', { cleanupPolicy: ['delete'] }),
  ]
  await fill(a, 4)
  await fill(b, 4)
  await fill(c, 4)
  expect(await compaction.cleanOne()).toBe(true)
  expect(await compaction.cleanOne()).toBe(true)
  expect(await compaction.cleanOne()).toBe(false)
  expect([await offsets(a), await offsets(b), await offsets(c)]).toEqual([[3], [3], [0, 1, 2, 3]])
  const checkpoint = await disk.readFile('/data/cleaner-offset-checkpoint')
  expect(checkpoint?.toString()).toBe('0\n2\na 0 4\nb 0 4\n')
  for (let i = 0; i < 3; i++) await fill(b, 1)
  expect(await compaction.cleanOne()).toBe(true)
  expect(await offsets(b)).toEqual([6])
  expect(await compaction.cleanOne()).toBe(false)
  await compaction.stop()
})

test('what is younger than the lag stays, what is older than the greatest lag goes at once', async () => {
  const { clock, logOf, compaction, fill, offsets } = await room()
  const young = await logOf('young-0', { minCompactionLagMs: 10_000 })
  await fill(young, 3)
  expect(await compaction.cleanOne()).toBe(false)
  clock.advance(9_000)
  await fill(young, 3)
  clock.advance(1_001)
  expect(await compaction.cleanOne()).toBe(true)
  expect(await offsets(young)).toEqual([2, 3, 4, 5])
  const clean = await logOf('clean-0', { minCleanableDirtyRatio: 1, maxCompactionLagMs: 5_000 })
  await fill(clean, 3)
  expect(await compaction.cleanOne()).toBe(false)
  clock.advance(5_001)
  expect(await compaction.cleanOne()).toBe(true)
  expect(await offsets(clean)).toEqual([2])
  await compaction.stop()
})

test('an open transaction holds the cleaner back', async () => {
  const { logOf, compaction, fill, offsets } = await room()
  const log = await logOf('t-0')
  await fill(log, 2)
  const record = { key: Buffer.from('k'), value: null, timestampMs: 1 }
  const o = { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true }
  append(log, writeBatch({ records: [record], ...o }))
  await fill(log, 2)
  expect(await compaction.cleanOne()).toBe(true)
  expect(await offsets(log)).toEqual([1, 2, 3, 4])
  await compaction.stop()
})

test('it runs by itself, and a closed log is nothing to it', async () => {
  const { clock, dir, logOf, compaction, fill, offsets } = await room(true)
  const log = await logOf('t-0')
  await fill(log, 3)
  clock.advance(1_000)
  await compaction.stop()
  expect(await offsets(log)).toEqual([2])
  await dir.close(1)
})

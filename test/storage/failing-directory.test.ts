import { describe, expect, test } from 'vitest'
import type { Logger } from '../../src/base/logger.ts'
import { endlessTurn } from '../../src/base/turns.ts'
import { FaultDisk } from '../../src/sim/fault-disk.ts'
import { Compaction } from '../../src/storage/compaction.ts'
import { Housekeeping } from '../../src/storage/housekeeping.ts'
import type { Log } from '../../src/storage/log.ts'
import { type LogConfig, logConfigDefaults } from '../../src/storage/log-config.ts'
import { LogDir } from '../../src/storage/log-dir.ts'
import { TailCacheBudget } from '../../src/storage/tail-cache.ts'
import { offsetForTimestamp } from '../../src/storage/timestamps.ts'
import { append, batchOf, ManualClock, readAll, seededRandom } from './logs.ts'

const topicId = '9_JW0W0IQa6H2T4pN7eEKw'
const intervals = {
  initialDelayMs: 1_000,
  retentionCheckMs: 1_000_000,
  flushCheckMs: 1_000_000,
  checkpointMs: 1_000_000,
  producerCheckMs: 1_000_000,
  producerExpirationMs: 1_000_000,
}
const compactionSettings = { isEnabled: false, backoffMs: 1_000, keyBytesMax: 1 << 20 }

/** A directory with two logs on a disk that can fail; `t-0` has three segments of five records. */
async function room(settings: Partial<LogConfig> = {}) {
  const clock = new ManualClock()
  const disk = new FaultDisk(seededRandom(1))
  const random = seededRandom(7)
  const errors: { message: string; why: unknown }[] = []
  const logger: Logger = {
    debug() {},
    info() {},
    warn() {},
    error: (message, fields) => errors.push({ message, why: fields?.why }),
  }
  const tailCacheBudget = new TailCacheBudget(0)
  const o = { path: '/data', nodeId: 1, clock, random, logger, tailCacheBudget }
  const open = (on: FaultDisk) => LogDir.open({ ...o, disk: on }, null, () => topicId)
  const dir = await open(disk)
  const config = { ...logConfigDefaults, fileDeleteDelayMs: 1_000, ...settings }
  const logOf = (name: string, of = dir) => of.openLog(name, { topicId, config: () => config })
  const [log, other] = [await logOf('t-0'), await logOf('t-1')]
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 5; j++) append(log, batchOf(1))
    log.roll()
  }
  await log.flush()
  await append(other, batchOf(2)).written
  const compaction = new Compaction({
    turns: endlessTurn,
    ...{ clock, logger, random, dirs: [dir] },
    settings: compactionSettings,
  })
  const housekeeping = new Housekeeping({
    clock,
    logger,
    turns: endlessTurn,
    dirs: [dir],
    intervals,
  })
  return { clock, disk, dir, log, other, errors, compaction, housekeeping, open, logOf }
}

function expectLost({ dir, log, other, errors }: Awaited<ReturnType<typeof room>>, code: string) {
  expect(dir.isOffline).toBe(true)
  for (const one of [log, other]) expect(() => append(one, batchOf(1))).toThrow('STORAGE_ERROR')
  const said = errors.filter(({ message }) => message.startsWith('a log directory has failed'))
  expect(said).toEqual([{ message: expect.anything(), why: expect.stringContaining(code) }])
  expect(errors.filter(({ message }) => /again later|compacted/.test(message))).toEqual([])
}

const turns = async () => {
  for (let i = 0; i < 200; i++) await Promise.resolve()
  await new Promise(setImmediate)
}

describe('the whole directory goes offline, and has lost nothing at the next start, when', () => {
  test.each([
    ['the cleaner reads', /^read .*\.log$/, 'EIO'],
    ['the cleaner writes', /^write .*\.cleaned/, 'ENOSPC'],
    ['what is cleaned is synced', /^sync .*\.cleaned/, 'EIO'],
    ['what is cleaned is renamed', /^rename .*\.cleaned/, 'EIO'],
    ['what was cleaned makes room', /^rename .*\d\.log$/, 'EROFS'],
    ['what is cleaned takes its place', /^rename .*\.log\.swap/, 'EIO'],
    ['the cleaner writes its checkpoint', /^write .*cleaner-offset/, 'ENOSPC'],
  ])('%s', async (_, what, code) => {
    const one = await room({ cleanupPolicy: ['compact'] })
    one.disk.failing(what, code)
    expect(await one.compaction.cleanOne()).toBe(true)
    expectLost(one, code)
    expect(await one.compaction.cleanOne()).toBe(false)
    const again = await one.open(one.disk.after('process'))
    const log = await one.logOf('t-0', again)
    expect(log.logEndOffset).toBe(15)
    const newest = (await readAll(log)).at(-1)!
    expect([newest.baseOffset, newest.recordCount]).toEqual([14, 1])
  })

  test.each([
    ['an old segment is renamed', /^rename .*\d\.log$/],
    ['its file is removed later', /^remove .*\.deleted/],
  ])('%s', async (_, what) => {
    const one = await room({ retentionMs: 500 })
    one.disk.failing(what, 'EIO')
    one.clock.advance(1_000)
    await turns()
    one.clock.advance(1_000)
    await turns()
    expectLost(one, 'EIO')
    await one.housekeeping.stop()
  })

  test.each([
    ['recovery-point-offset-checkpoint'],
    ['replication-offset-checkpoint'],
    ['log-start-offset-checkpoint'],
  ])('%s is written', async (file) => {
    const one = await room()
    one.log.advanceLogStartOffset(3)
    one.disk.failing(new RegExp(`^write .*${file}`), 'ENOSPC')
    await one.dir.checkpoint()
    expectLost(one, 'ENOSPC')
  })

  test.each([['index'], ['timeindex'], ['snapshot'], ['log']])(
    'a roll writes a .%s',
    async (suffix) => {
      const one = await room()
      append(one.log, batchOf(1))
      one.disk.failing(new RegExp(`^(write|create) .*\\.${suffix}`), 'ENOSPC')
      one.log.roll()
      await one.log.flush().catch(() => {})
      expectLost(one, 'ENOSPC')
    },
  )

  test('the epochs are written', async () => {
    const one = await room()
    one.disk.failing(/^write .*leader-epoch/, 'EACCES')
    one.log.assignEpochStart(7, one.log.logEndOffset)
    await one.log.flush().catch(() => {})
    expectLost(one, 'EACCES')
  })

  test('a deleted partition is put aside, or removed', async () => {
    for (const what of [/^rename .*t-0$/, /^remove .*-delete/]) {
      const one = await room()
      one.disk.failing(what, 'EIO')
      await one.dir.deleteLog('t-0')
      one.clock.advance(1_000)
      await turns()
      expect(one.dir.isOffline).toBe(true)
      expect(() => append(one.other, batchOf(1))).toThrow('KAFKA_STORAGE_ERROR')
    }
  })
})

describe('a file that cannot be read', () => {
  const limits = { maxBytes: 1_000, upTo: 15, minOneBatch: true }

  test('is its readers’ misfortune: the directory goes on', async () => {
    const one = await room()
    one.disk.failing(/^read .*\.log/, 'EIO')
    const told = async (reading: Promise<unknown>) =>
      reading.then(
        () => 'read',
        (error: unknown) => one.log.readFailures.refusalOf(error).reason,
      )
    for (let i = 0; i < 3; i++) {
      expect(await told(Promise.resolve(one.log.read(0, limits)))).toBe('UNKNOWN_SERVER_ERROR')
      const found = offsetForTimestamp(one.log, 1_700_000_000_000, endlessTurn)
      expect(await told(found)).toBe('UNKNOWN_SERVER_ERROR')
    }
    expect(one.errors).toEqual([
      { message: expect.stringContaining('cannot be read'), why: expect.stringContaining('EIO') },
    ])
    expect(one.dir.isOffline).toBe(false)
    await append(one.log, batchOf(1)).written
  })

  test('does not keep retention from other logs', async () => {
    const one = await room({ retentionMs: 500, fileDeleteDelayMs: 1 })
    await one.dir.close(1)
    const disk = one.disk.after('process')
    const dir = await one.open(disk)
    const logs: Log[] = []
    for (const name of ['t-0', 't-1']) logs.push(await one.logOf(name, dir))
    for (const segment of logs[0]!.segments.all) segment.maxTimestampMs = -1
    disk.failing(/^read .*t-0/, 'EIO')
    const { clock, errors } = one
    const logger: Logger = {
      ...{ debug() {}, info() {}, warn() {} },
      error: (message, fields) => errors.push({ message, why: fields?.why }),
    }
    const housekeeping = new Housekeeping({
      clock,
      logger,
      turns: endlessTurn,
      dirs: [dir],
      intervals,
    })
    clock.advance(1_000)
    await housekeeping.retain()
    expect(logs.map(({ logStartOffset }) => logStartOffset)).toEqual([0, 2])
    expect(errors.at(-1)?.message).toBe('could not remove old segments; tried again later')
    expect(dir.isOffline).toBe(false)
    await housekeeping.stop()
  })
})

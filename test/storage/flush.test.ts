import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { logConfigOf } from '../../src/replication/log-configs.ts'
import { readStaticConfig } from '../../src/server/config/static-config.ts'
import { FaultDisk } from '../../src/sim/fault-disk.ts'
import { Log } from '../../src/storage/log.ts'
import { NodeDisk } from '../../src/storage/node-disk.ts'
import { firstSeeds } from '../seeded.ts'
import { temporaryDirectory } from './disks.ts'
import { append, batchOf, logOptions, readAll, seededRandom } from './logs.ts'

describe('flush.messages on the real disk', () => {
  test('appends that wait for a sync go along with new epochs and rolls', async () => {
    const root = temporaryDirectory()
    for (let round = 0; round < 20; round++) {
      const dir = join(root, `t-${round}`)
      const settings = { flushMessages: 1, segmentBytes: 300 }
      const log = await Log.open(logOptions({ disk: new NodeDisk(), dir, settings }))
      for (let epoch = 0; epoch < 4; epoch++) {
        log.assignEpochStart(epoch, log.logEndOffset)
        await append(log, batchOf(2), epoch).written
        expect(log.flushedOffset).toBe(log.logEndOffset)
      }
      expect(log.isOffline).toBe(false)
      await log.close()
    }
  })
})

test('a log that was given up touches its directory no more', async () => {
  const o = logOptions({})
  const log = await Log.open(o)
  log.assignEpochStart(3, 0)
  await append(log, batchOf(2), 3).written
  const flushed = log.flush()
  await log.abandon()
  await flushed
  await o.disk.remove(o.dir)
  // A pass over all logs may still hold this one.
  log.assignEpochStart(4, 2)
  await log.flush()
  log.logStartOffsetSaved(1)
  await log.files.settled()
  expect(await o.disk.list(o.dir)).toBe(null)
})

describe('odradek.sync.before.ack', () => {
  const settingsOf = (values: Record<string, string>) =>
    readStaticConfig(new Map(Object.entries(values)), () => true)

  test('has every topic wait for a sync, whatever flush.messages says', () => {
    const { settings, notBuilt } = settingsOf({ 'odradek.sync.before.ack': 'true' })
    expect(notBuilt).toEqual([])
    expect(logConfigOf(new Map([['flush.messages', '500']]), settings).flushMessages).toBe(1)
    expect(logConfigOf(new Map(), settingsOf({}).settings).flushMessages).toBeGreaterThan(2 ** 62)
  })

  test.each(firstSeeds(30))(
    'what was acknowledged outlives the loss of power (ODRADEK_SEED=%d)',
    async (seed) => {
      const disk = new FaultDisk(seededRandom(seed))
      const o = logOptions({ disk, settings: { flushMessages: 1, segmentBytes: 2_000 } })
      const log = await Log.open(o)
      let acknowledged = 0
      const all: Promise<void>[] = []
      const write = () => {
        const { written, lastOffset } = append(log, batchOf(2))
        all.push(
          Promise.resolve(written).then(() => {
            acknowledged = Math.max(acknowledged, lastOffset + 1)
          }),
        )
      }
      for (let i = 0; i < 10; i++) write()
      await all[seed % 10]
      for (let i = 0; i < 10; i++) write()
      await all[10 + (seed % 7)]
      const promised = acknowledged
      expect(promised).toBeGreaterThan(20)
      const again = await Log.open({ ...o, disk: disk.after('machine') })
      expect(again.logEndOffset).toBeGreaterThanOrEqual(promised)
      const found = (await readAll(again)).map((batch) => batch.baseOffset)
      expect(found).toEqual(Array.from({ length: again.logEndOffset / 2 }, (_, i) => 2 * i))
      await Promise.all(all)
    },
  )
})

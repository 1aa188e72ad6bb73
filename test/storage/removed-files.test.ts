import { readdirSync, readlinkSync, statfsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { endlessTurn } from '../../src/base/turns.ts'
import { cleanLog } from '../../src/storage/cleaner.ts'
import { Log } from '../../src/storage/log.ts'
import { logConfigDefaults } from '../../src/storage/log-config.ts'
import { LogDir } from '../../src/storage/log-dir.ts'
import { NodeDisk } from '../../src/storage/node-disk.ts'
import { deleteOldSegments } from '../../src/storage/retention.ts'
import { TailCacheBudget } from '../../src/storage/tail-cache.ts'
import { places, temporaryDirectory } from './disks.ts'
import { append, batchOf, logOptions, ManualClock, readAll, seededRandom } from './logs.ts'

/** The open files of this process below a directory, from /proc. */
function openBelow(dir: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(dir) ? [path.slice(dir.length + 1)] : []
    } catch {
      return [] // Closed since.
    }
  })
}

const delayMs = 60_000

/** Creates a log of eight segments, all read: each has a descriptor. */
async function readLog(dir = temporaryDirectory()) {
  const clock = new ManualClock()
  const o = logOptions({
    ...{ disk: new NodeDisk(), dir: `${dir}/t-0`, clock },
    settings: { fileDeleteDelayMs: delayMs, cleanupPolicy: ['delete', 'compact'] },
  })
  const log = await Log.open(o)
  for (let i = 0; i < 8; i++) {
    if (i > 0) log.roll()
    await append(log, batchOf(4, { bytes: 100_000 })).written
  }
  await log.flush()
  await readAll(log)
  return { dir, clock, log, o }
}

const linux = describe.skipIf(process.platform !== 'linux')

linux('removed segments', () => {
  const removals: Record<string, (log: Log) => Promise<unknown>> = {
    retention: async (log) => {
      log.advanceLogStartOffset(log.segments.all[5]!.baseOffset)
      await deleteOldSegments(log, log.writtenOffset, 0)
    },
    compaction: (log) =>
      cleanLog(log, 0, log.segments.active.baseOffset, {
        ...{
          keyBytesMax: 1 << 20,
          random: seededRandom(1),
          turns: endlessTurn,
          nowMs: 1_800_000_000_000,
        },
      }),
    truncation: (log) => log.truncateTo(log.segments.all[2]!.baseOffset + 1),
    'a start anew': (log) => log.truncateFully(100),
  }
  test.each(Object.entries(removals))('of %s hold no descriptor', async (_, remove) => {
    const { dir, clock, log } = await readLog()
    expect(openBelow(dir).length).toBe(8)
    await remove(log)
    await log.flush()
    clock.advance(delayMs)
    await expect.poll(() => openBelow(dir).filter((path) => !/\d{20}\.log$/.test(path))).toEqual([])
    expect(openBelow(dir).length).toBeLessThanOrEqual(log.segments.all.length)
    await expect
      .poll(() => readdirSync(`${dir}/t-0`).filter((name) => /deleted/.test(name)))
      .toEqual([])
    await log.close()
    expect(openBelow(dir)).toEqual([])
  })

  test('hold none either when their log is closed before they are gone', async () => {
    const { dir, clock, log, o } = await readLog()
    await removals.retention!(log)
    await log.close()
    expect(openBelow(dir)).toEqual([])
    // Its remains are removed at the next start, not while another owner may use the directory.
    const again = await Log.open({ ...o, cleanShutdown: true })
    clock.advance(delayMs)
    expect(readdirSync(`${dir}/t-0`).filter((name) => /deleted/.test(name))).toEqual([])
    await again.close()
  })

  test('give their disk space back', async () => {
    const { dir, clock, log } = await readLog()
    const freeBytes = () => {
      const { bsize, bfree } = statfsSync(dir)
      return bsize * bfree
    }
    const before = freeBytes()
    await removals.retention!(log)
    clock.advance(delayMs)
    // Five segments of 400 KB; other programs write to this file system, too.
    await expect.poll(() => freeBytes() - before).toBeGreaterThan(1_000_000)
    await log.close()
  })
})

linux('the partition of a deleted topic', () => {
  test('holds no descriptor', async () => {
    const path = temporaryDirectory()
    const clock = new ManualClock()
    const dir = await LogDir.open(
      {
        ...{ disk: new NodeDisk(), path, nodeId: 1, clock, random: seededRandom(1) },
        ...{ logger: silentLogger, tailCacheBudget: new TailCacheBudget(0) },
      },
      null,
      () => '9_JW0W0IQa6H2T4pN7eEKw',
    )
    const topicId = '9_JW0W0IQa6H2T4pN7eEKw'
    const log = await dir.openLog('t-0', { topicId, config: () => logConfigDefaults })
    for (let i = 0; i < 4; i++) {
      append(log, batchOf(4))
      log.roll()
    }
    await log.flush()
    await readAll(log)
    await removals(log)
    await dir.deleteLog('t-0')
    expect(openBelow(`${path}/t-0`)).toEqual([])
    expect(openBelow(path).filter((name) => name.includes('delete'))).toEqual([])
    await dir.close(1)
    async function removals(one: Log) {
      one.advanceLogStartOffset(one.segments.all[2]!.baseOffset)
      await deleteOldSegments(one, one.writtenOffset, 0)
    }
  })
})

describe.each(Object.keys(places))('who is in the middle of a segment on %s', (place) => {
  test('reads on although it is removed, and then lets it go', async () => {
    const { disk, dir } = await places[place]!()
    const clock = new ManualClock()
    const o = { ...logOptions({ disk, dir: `${dir}/t-0`, clock }), cleanShutdown: true }
    const log = await Log.open(o)
    append(log, batchOf(4, { bytes: 100_000 }))
    log.roll()
    append(log, batchOf(1))
    await log.flush()
    const limits = { maxBytes: 1 << 20, upTo: 4, minOneBatch: true, mayBeLater: true }
    const { later } = await log.read(0, limits)
    const whole = Buffer.from(await later!.read(0, later!.byteLength))
    log.advanceLogStartOffset(4)
    await deleteOldSegments(log, log.writtenOffset, 0)
    clock.advance(60_000)
    await expect
      .poll(async () => (await disk.list(`${dir}/t-0`))!.filter(({ name }) => /deleted/.test(name)))
      .toEqual([])
    const first = Buffer.from(await later!.read(0, 200_000))
    const rest = Buffer.from(await later!.read(200_000, later!.byteLength - 200_000))
    expect(Buffer.concat([first, rest]).equals(whole)).toBe(true)
    await log.close()
    expect(Buffer.from(await later!.read(0, 100)).equals(whole.subarray(0, 100))).toBe(true)
    later!.release!()
    later!.release!()
    if (process.platform === 'linux') await expect.poll(() => openBelow(dir)).toEqual([])
  })
})

import { expect, test } from 'vitest'
import { Log } from '../../src/storage/log.ts'
import type { LogConfig } from '../../src/storage/log-config.ts'
import { MemoryDisk } from '../../src/storage/memory-disk.ts'
import { deleteOldSegments } from '../../src/storage/retention.ts'
import { append, batchOf, logOptions, ManualClock, readAll } from './logs.ts'

/** Creates a log of ten segments with a batch of ten records each, an hour apart. */
async function tenSegments(settings: Partial<LogConfig>) {
  const clock = new ManualClock()
  const disk = new MemoryDisk(clock.nowMs)
  const o = logOptions({ clock, disk, settings: { fileDeleteDelayMs: 1_000, ...settings } })
  const log = await Log.open(o)
  for (let i = 0; i < 10; i++) {
    if (i > 0) log.roll()
    append(log, batchOf(10, { at: clock.nowMs(), bytes: 50 }))
    clock.advance(hourMs)
  }
  await log.flush()
  const names = async () =>
    ((await disk.list(log.dir)) ?? []).map((entry) => entry.name).filter((n) => n.includes('.log'))
  const retain = (highWatermark = log.logEndOffset) =>
    deleteOldSegments(log, highWatermark, clock.nowMs())
  return { log, clock, names, retain, o }
}
const hourMs = 3_600_000
const bases = (log: Log) => log.segments.all.map((segment) => segment.baseOffset)

test('old segments go, and their files after the delay', async () => {
  const { log, clock, names, retain } = await tenSegments({ retentionMs: 4.5 * hourMs })
  expect(await retain()).toBe(6)
  expect(bases(log)).toEqual([60, 70, 80, 90])
  expect(log.logStartOffset).toBe(60)
  expect((await names()).filter((name) => name.endsWith('.log.deleted'))).toHaveLength(6)
  clock.advance(1_000)
  await new Promise(setImmediate)
  expect(await names()).toHaveLength(4)
  expect((await readAll(log)).map((batch) => batch.baseOffset)).toEqual([60, 70, 80, 90])
  expect(await retain()).toBe(0)
})

test('a log that is old as a whole starts anew', async () => {
  const { log, retain } = await tenSegments({ retentionMs: 0 })
  expect(await retain()).toBe(10)
  expect([bases(log), log.logStartOffset, log.logEndOffset]).toEqual([[100], 100, 100])
  expect(await retain()).toBe(0)
  append(log, batchOf(1))
  expect(log.logEndOffset).toBe(101)
})

test('what is not below the high watermark stays', async () => {
  const { log, retain } = await tenSegments({ retentionMs: 0 })
  expect(await retain(25)).toBe(2)
  expect(bases(log)[0]).toBe(20)
})

test('the log shrinks to its size, in whole segments', async () => {
  const { log, retain } = await tenSegments({ retentionMs: -1 })
  const size = log.segments.active.sizeBytes
  const shrunk = await tenSegments({ retentionMs: -1, retentionBytes: 3.5 * size })
  expect(await shrunk.retain()).toBe(6)
  expect(bases(shrunk.log)).toEqual([60, 70, 80, 90])
  expect(await retain()).toBe(0)
})

test('segments below the log start offset go, on compacted topics too, and stay gone', async () => {
  const { log, retain, o } = await tenSegments({ retentionMs: 0, cleanupPolicy: ['compact'] })
  log.advanceLogStartOffset(35)
  expect(await retain()).toBe(3)
  expect([bases(log)[0], log.logStartOffset]).toEqual([30, 35])
  await log.close()
  const again = await Log.open({ ...o, cleanShutdown: true, logStartOffset: 35 })
  expect([again.logStartOffset, again.logEndOffset]).toEqual([35, 100])
  expect((await readAll(again))[0]!.baseOffset).toBe(30)
})

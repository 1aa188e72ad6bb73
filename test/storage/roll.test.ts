import { expect, test } from 'vitest'
import { Log } from '../../src/storage/log.ts'
import { append, batchOf, logOptions, readAll, seededRandom } from './logs.ts'

const basesOf = (log: Log) => log.segments.all.map(({ baseOffset }) => baseOffset)

test('a segment whose time index is full is closed: one entry is kept for its end', async () => {
  // Three entries of 12 bytes fit; each batch except the first of a segment gets one.
  const settings = { segmentIndexBytes: 40, indexIntervalBytes: 1 }
  const log = await Log.open(logOptions({ settings }))
  for (let i = 0; i < 10; i++) append(log, batchOf(1, { at: 1_700_000_000_000 + i }))
  await log.flush()
  expect(basesOf(log)).toEqual([0, 3, 6, 9])
  for (const segment of log.segments.all.slice(0, -1)) {
    const { offset, time } = await segment.loadIndexes(1)
    expect([offset.length, time.length]).toEqual([2, 2])
  }
  expect(await readAll(log)).toHaveLength(10)
})

test('segment.jitter.ms: each segment is closed somewhat before segment.ms, not all at once', async () => {
  const [segmentMs, segmentJitterMs] = [10_000, 4_000]
  const spans = new Set<number>()
  for (let seed = 1; seed <= 20; seed++) {
    const settings = { segmentMs, segmentJitterMs }
    const o = logOptions({ settings, random: seededRandom(seed) })
    let log = await Log.open(o)
    let at = 0
    const fillOne = () => {
      const before = log.segments.all.length
      for (; log.segments.all.length === before; at += 100) {
        append(log, batchOf(1, { at: 1_700_000_000_000 + at }))
      }
    }
    // The first segment of a log, the next one, and that one again after the log is opened.
    fillOne()
    await log.close()
    log = await Log.open({ ...o, cleanShutdown: true })
    fillOne()
    fillOne()
    const bases = basesOf(log)
    for (const [i, to] of bases.slice(1).entries()) spans.add((to - bases[i]!) * 100)
    await log.close()
  }
  for (const span of spans) {
    expect(span).toBeGreaterThan(segmentMs - segmentJitterMs)
    expect(span).toBeLessThanOrEqual(segmentMs + 100)
  }
  expect(spans.size).toBeGreaterThan(5)
})

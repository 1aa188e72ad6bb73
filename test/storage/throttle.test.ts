import { expect, test } from 'vitest'
import { endlessTurn } from '../../src/base/turns.ts'
import { writeBatch } from '../../src/protocol/records/record.ts'
import { cleanLog } from '../../src/storage/cleaner.ts'
import { Log } from '../../src/storage/log.ts'
import { Throttle } from '../../src/storage/throttle.ts'
import { append, logOptions, ManualClock, seededRandom } from './logs.ts'

/** Runs everything that does not need the clock. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

/**
 * Creates a log of two closed segments; returns the duration of its compaction at the given rate in
 * bytes per second.
 */
async function compactionAt(bytesPerSecond: number, liftAfterMs = Number.POSITIVE_INFINITY) {
  const clock = new ManualClock()
  const log = await Log.open(logOptions({ clock, settings: { cleanupPolicy: ['compact'] } }))
  for (let i = 0; i < 40; i++) {
    if (i === 20) log.roll()
    const record = { key: Buffer.from(`k${i % 3}`), value: Buffer.alloc(500), timestampMs: 1 }
    append(log, writeBatch({ records: [record] }))
  }
  log.roll()
  await log.flush()
  const throttle = new Throttle(clock, () => bytesPerSecond)
  const startedMs = clock.nowMs()
  const random = seededRandom(1)
  const nowMs = clock.nowMs()
  const o = { keyBytesMax: 1 << 20, random, turns: endlessTurn, nowMs, throttle }
  let isOver = false
  const cleaning = cleanLog(log, 0, log.segments.active.baseOffset, o).finally(() => {
    isOver = true
  })
  for (;;) {
    for (let i = 0; i < 10 && !isOver; i++) await settle()
    if (isOver) break
    if (clock.nowMs() - startedMs >= liftAfterMs) throttle.lift()
    clock.advance(10)
  }
  const { bytesRead, bytesWritten } = await cleaning
  return { tookMs: clock.nowMs() - startedMs, bytes: 2 * bytesRead + bytesWritten }
}

test('log.cleaner.io.max.bytes.per.second: what is read, twice, and what is written take their time', async () => {
  const { tookMs, bytes } = await compactionAt(10_000)
  expect(bytes).toBeGreaterThan(40_000)
  expect(tookMs).toBeGreaterThanOrEqual((bytes / 10_000) * 1000 * 0.95)
  expect(tookMs).toBeLessThanOrEqual((bytes / 10_000) * 1000 * 1.5)
})

test('without a limit nothing waits', async () => {
  expect((await compactionAt(Number.POSITIVE_INFINITY)).tookMs).toBe(0)
  expect((await compactionAt(Number.MAX_VALUE)).tookMs).toBe(0)
})

test('a stop does not wait for the slow work to be done at its pace', async () => {
  expect((await compactionAt(100, 1_000)).tookMs).toBeLessThan(2_000)
})

import { expect, test } from 'vitest'
import { InlineIo } from '../../src/storage/inline-io.ts'

const smallBytes = 1000

/** A disk with calls of a given duration; `loopMs` is how long they blocked the loop. */
function room() {
  let nowMs = 0
  let tookMs = 0.1
  let loopMs = 0
  const pace = new InlineIo(
    () => nowMs,
    10,
    () => null,
  )
  const write = async () => {
    if (pace.mayBeInline(smallBytes)) {
      pace.inline(() => (nowMs += tookMs))
      if (tookMs > 10) loopMs += tookMs
      return 'loop'
    }
    await pace.pooled(smallBytes, async () => (nowMs += tookMs))
    return 'pool'
  }
  return {
    write,
    take: (ms: number) => (tookMs = ms),
    pass: (ms: number) => (nowMs += ms),
    stoodStillMs: () => loopMs,
    nowMs: () => nowMs,
  }
}

test('a disk that hangs stops the loop once, and is tried on the thread pool until it is well', async () => {
  const { write, take, pass, stoodStillMs } = room()
  expect(await write()).toBe('loop')
  take(2_000)
  expect(await write()).toBe('loop')
  for (let i = 0; i < 200; i++) {
    expect(await write()).toBe('pool')
    pass(300)
  }
  expect(stoodStillMs()).toBe(2_000)
  take(0.1)
  // Only after the rest, which has grown to a minute; then one quick call is enough.
  pass(61_000)
  expect(await write()).toBe('pool')
  expect(await write()).toBe('loop')
})

test('one that hangs again and again is given longer and longer rests', async () => {
  const { write, take, pass, stoodStillMs, nowMs } = room()
  for (let i = 0; i < 20_000 && nowMs() < 600_000; i++) {
    // The disk hangs whenever it is trusted again.
    take(0.1)
    while ((await write()) === 'pool') pass(50)
    take(1_000)
    await write()
  }
  // Rests of 250 ms, 500 ms and so on up to a minute: the loop is blocked for less than 20 s of
  // ten minutes.
  expect(stoodStillMs()).toBeLessThan(20_000)
  expect(stoodStillMs()).toBeGreaterThan(5_000)
})

test('one that was slow for a moment is soon trusted again', async () => {
  const { write, take, pass } = room()
  for (let i = 0; i < 5; i++) {
    take(20)
    expect(await write()).toBe('loop')
    take(0.1)
    pass(251)
    expect(await write()).toBe('pool')
    expect(await write()).toBe('loop')
    pass(10_000)
  }
})

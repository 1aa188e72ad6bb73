import { setImmediate as immediate } from 'node:timers'
import { expect, test } from 'vitest'
import { LoopTurns, mapInTurns, mapWaiting, runInTurns } from '../../src/base/turns.ts'

/** A clock that only the work itself advances. */
function loop() {
  let nowMs = 0
  const turns = new LoopTurns({ monotonicMs: () => nowMs })
  return { turns, work: (ms: number) => void (nowMs += ms) }
}

test('what takes less than a turn is done at once', () => {
  const { turns, work } = loop()
  const made = mapInTurns(turns, [1, 2, 3], (n) => {
    work(1)
    return n * 2
  })
  expect(made).toEqual([2, 4, 6])
})

test('what takes longer gives the loop to others, and takes turns with what else takes long', async () => {
  const { turns, work } = loop()
  let others = 0
  const tick = () => {
    others++
    if (!isDone) immediate(tick)
  }
  let isDone = false
  immediate(tick)
  const order: string[] = []
  const long = (name: string) => {
    const items = Array.from({ length: 320 }, (_, i) => i)
    return mapInTurns(turns, items, (i) => {
      work(1)
      if (i % 80 === 0) order.push(name)
      return i
    })
  }
  const both = await Promise.all([long('a'), long('b')])
  isDone = true
  for (const made of both) expect(made).toEqual(Array.from({ length: 320 }, (_, i) => i))
  // 640 ms of work in turns of 10 ms, checked after every sixteen items: forty turns.
  expect(others).toBeGreaterThanOrEqual(39)
  // Both progress together: neither ends before the other one has come as far.
  expect(order.slice(2).join('')).toMatch(/^(ab|ba){3}$/)
})

test('a fault of one piece of work is its own', async () => {
  const { turns, work } = loop()
  const failing = mapWaiting(turns, [1, 2, 3], async (n) => {
    work(20)
    if (n === 2) throw new Error('two')
    return n
  })
  function* steps() {
    for (let i = 0; i < 5; i++) {
      work(20)
      yield
    }
    return 'done'
  }
  const done = runInTurns(turns, steps())
  await expect(failing).rejects.toThrow('two')
  expect(await done).toBe('done')
})

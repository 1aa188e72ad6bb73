import { afterAll, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { costOf, ExpressionThread, isQuick, quickFaultOf } from '../../src/base/expressions.ts'

const expressions = new ExpressionThread(systemClock)
afterAll(() => expressions.close())

/** Counts the turns of the event loop during a wait. */
async function turnsDuring<T>(work: Promise<T>): Promise<{ turns: number; result: T }> {
  let turns = 0
  let isDone = false
  const tick = () => {
    turns++
    if (!isDone) setImmediate(tick)
  }
  setImmediate(tick)
  const result = await work
  isDone = true
  return { turns, result }
}

test('an expression that takes long is matched while the loop goes on', async () => {
  const slow = Array.from({ length: 60 }, (_, i) => `(x${i}{300}.*)`).join('|')
  expect(isQuick(slow, 1)).toBe(false)
  const names = ['a', 'x7'.padEnd(310, '7'), `x${'7'.repeat(300)}`]
  const { turns, result } = await turnsDuring(expressions.fitting(slow, names))
  expect(result).toEqual(names.slice(1))
  expect(turns).toBeGreaterThan(100)
  const wide = 'stall-\\pL+|t[0-9]{3}'
  expect(await expressions.fitting(wide, ['stall-ä', 'stall-1', 't123', 't1234'])).toEqual([
    'stall-ä',
    't123',
  ])
})

test('what is wrong with an expression is told the same, however long it is', async () => {
  const broken = `(${'a'.repeat(2_000)}`
  expect(await expressions.faultOf('(a')).toBe(quickFaultOf('(a'))
  expect(await expressions.faultOf(broken)).toBe(quickFaultOf(broken))
  expect(await expressions.faultOf(`(${'a'.repeat(2_000)})`)).toBeNull()
})

test('counts, and counts of counts, are what makes an expression costly', () => {
  expect(costOf('abc')).toBe(3)
  expect(costOf('a{7}b{900}')).toBe(10 * 900)
  expect(costOf('((a{10}){20}){3}')).toBe(16 * 600)
  expect(costOf('(a{100}){100}')).toBe(13 * 1000)
  expect(isQuick('my-topic-.*', 300)).toBe(true)
  expect(isQuick('my-topic-.*', 100_000)).toBe(false)
})

test('whoever waits when the thread is closed is refused, and nothing is begun any more', async () => {
  const closed = new ExpressionThread(systemClock)
  const slow = Array.from({ length: 60 }, (_, i) => `(x${i}{300}.*)`).join('|')
  const asked = [1, 2, 3].map(() => closed.fitting(slow, ['a']))
  const outcomes = Promise.allSettled(asked)
  closed.close()
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
})

import { expect, test } from 'vitest'
import { anonymous } from '../../src/security/authorizer.ts'
import { Purgatory } from '../../src/server/purgatory.ts'
import { newSession } from '../../src/server/session.ts'
import { SteppedClock } from '../coordinator/group/stepped-clock.ts'

function sessionUntil(closed: AbortSignal) {
  const client = { id: 'c', clientHost: '/127.0.0.1', clientPort: 1, mute: () => {} }
  const identity = { principal: anonymous, isAuthenticated: true }
  return newSession({ ...client, ...identity, listenerName: 'PLAINTEXT', dialled: null, closed })
}

test('what waits is listed, woken, and completes at its deadline or with its client', async () => {
  const clock = new SteppedClock()
  const purgatory = new Purgatory(clock)
  const closing = new AbortController()
  let there: string | null = null
  const wait = () =>
    purgatory.wait({
      session: sessionUntil(closing.signal),
      ...{ partitions: [], maxWaitMs: 100 },
      tryComplete: async (isLast) => (isLast ? 'late' : there),
    })
  const deadlineMs = clock.monotonicMs() + 100

  const woken = wait()
  const [operation] = purgatory.delayed
  expect([purgatory.delayed.size, operation!.deadlineMs]).toEqual([1, deadlineMs])
  await Promise.resolve()
  there = 'news'
  operation!.wake()
  expect([await woken, purgatory.delayed.size]).toEqual(['news', 0])

  there = null
  const expired = wait()
  await clock.advance(100)
  expect([await expired, purgatory.delayed.size]).toEqual(['late', 0])

  const left = wait()
  closing.abort()
  expect([await left, purgatory.delayed.size]).toEqual(['late', 0])
})

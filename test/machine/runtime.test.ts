import { expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Outcome } from '../../src/machine/machine.ts'
import { Runtime } from '../../src/machine/runtime.ts'

/** Each command is its own outcome: the test says what is decided. */
type Decided = Outcome<unknown, string, string>

/** A runtime whose commits and refusals are in the test's hand, and what it did, in order. */
function runtimeOf() {
  const done: string[] = []
  const commits: (() => void)[] = []
  const log = { refuses: false }
  const runtime = new Runtime<Decided, string, string>({
    machine: {
      decide: (command) => command as Outcome<Decided, string, string>,
      replay: (record, offset) => void done.push(`replay ${record} at ${offset}`),
    },
    log: {
      endOffset: 7,
      append() {
        if (log.refuses) throw new Error('too large')
        return new Promise((resolve) => commits.push(resolve))
      },
    },
    clock: systemClock,
    perform: (effect) => void done.push(`perform ${effect}`),
    onRefused: () => ({ answer: 'refused', next: null }),
    onFailure: () => void done.push('failed'),
  })
  const submit = (records: readonly string[], what: string) =>
    runtime.submit({
      records,
      replies: [{ to: (body) => void done.push(`reply ${body}`), body: what }],
      effects: [what],
      timers: [],
    })
  return { runtime, submit, log, done, commits }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('replies are sent and effects begun when all that was decided before is committed', async () => {
  const { submit, done, commits } = runtimeOf()
  submit(['r'], 'a')
  submit([], 'b')
  expect(done).toEqual(['replay r at 7'])
  commits[0]!()
  await settled()
  expect(done).toEqual(['replay r at 7', 'reply a', 'perform a', 'reply b', 'perform b'])
})

test('nothing waits while no append is on its way', () => {
  const { submit, done } = runtimeOf()
  submit([], 'a')
  expect(done).toEqual(['reply a', 'perform a'])
})

test('of a refused append only the callers hear', () => {
  const { submit, log, done } = runtimeOf()
  log.refuses = true
  submit(['r'], 'a')
  expect(done).toEqual(['reply refused'])
})

test('after it is closed, neither replies nor effects come', async () => {
  const { runtime, submit, done, commits } = runtimeOf()
  submit(['r'], 'a')
  runtime.close()
  commits[0]!()
  await settled()
  expect(done).toEqual(['replay r at 7'])
})

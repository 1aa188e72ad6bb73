import { expect, test } from 'vitest'
import { Ledger } from './ledger.ts'

function heard(lines: readonly string[], isNextGeneration = false): Ledger {
  const ledger = new Ledger(isNextGeneration)
  for (const line of lines) expect(ledger.take(line)).toBe(true)
  return ledger
}

test('a partition goes from hand to hand, and its commits go on', () => {
  const ledger = heard([
    ...['0 assigned t-0 t-1', '0 read t-0@0+7', '0 commits t-0@7', '0 committed t-0@7'],
    ...[
      '0 revoked t-0',
      '1 assigned t-0',
      '1 read t-0@7+2',
      '1 commits t-0@9',
      '1 committed t-0@9',
    ],
  ])
  expect(ledger.owned).toEqual([new Set(['t-1']), new Set(['t-0'])])
  expect(ledger.read).toBe(9)
})

test('a commit that began in time may be told of late, and moves nothing back', () => {
  const ledger = heard([
    ...[
      '0 assigned t-0',
      '0 commits t-0@7',
      '1 assigned t-0',
      '1 commits t-0@9',
      '1 committed t-0@9',
    ],
    ...['0 committed t-0@7', '0 lost t-0', '1 commits t-0@9', '1 committed t-0@9'],
  ])
  expect(() => ledger.take('1 commits t-0@8') && ledger.take('1 committed t-0@8')).toThrow(
    't-0 was at 9, now 8',
  )
})

const putOut = ['0 assigned t-0', '1 assigned t-0', '0 commits t-0@7']

test('the commit of a member that was put out must be refused', () => {
  const ledger = heard([...putOut, '0 refused CommitFailedException'])
  expect(ledger.fenced).toBe(1)
  expect(() => heard([...putOut, '0 committed t-0@7'])).toThrow(
    /^0 committed t-0@7, which was 1's.*\n.*0 assigned t-0\n.*1 assigned t-0\n.*0 commits t-0@7\n/,
  )
})

test('what a member has not is not its to read', () => {
  const lines = ['0 assigned t-0', '0 revoked t-0']
  expect(() => heard([...lines, '0 read t-0@0+1'])).toThrow('0 read t-0@0+1, which it does not own')
})

test('another line is none of its own', () => {
  expect(new Ledger(false).take('0 failed IOException')).toBe(false)
})

test('the next generation may have two owners until the one hears that it is none', () => {
  const ledger = heard(
    [
      ...[
        '0 assigned ',
        '0 assigned t-0',
        '1 assigned t-0 t-1',
        '0 commits t-0@7',
        '0 committed t-0@7',
      ],
      ...['0 revoked t-0', '1 commits t-0@5', '1 committed t-0@5'],
      // The other order: the member that gets its next assignment first keeps the partition.
      ...[
        '2 assigned u-0',
        '2 assigned u-1',
        '3 assigned u-0',
        '2 commits u-0@3',
        '2 committed u-0@3',
      ],
      ...['3 revoked u-0', '2 commits u-0@4', '2 committed u-0@4'],
    ],
    true,
  )
  expect(ledger.ownerOf('u-0')).toBe(2)
})

test.each([
  [
    '0',
    ['0 assigned t-0', '1 assigned t-0', '0 commits t-0@7', '0 committed t-0@7', '0 assigned '],
    '1 assigned ',
  ],
  [
    '1',
    ['0 assigned t-0', '0 assigned ', '1 assigned t-0', '0 commits t-0@7', '0 committed t-0@7'],
    '1 assigned ',
  ],
])('nobody stays one of two owners: %s', (_, lines, last) => {
  const ledger = heard(lines, true)
  expect(() => ledger.take(last)).toThrow('both have t-0')
})

test('the next generation refuses commits of what a member has long had and another was given', () => {
  const ledger = heard(
    ['0 assigned t-0', '0 assigned ', '1 assigned t-0', '1 assigned ', '0 commits t-0@7'],
    true,
  )
  expect(() => ledger.take('0 committed t-0@7')).toThrow("which was 1's")
})

test('a member of two owners that is put out had no commit taken', () => {
  const lines = ['0 assigned t-0', '1 assigned t-0', '0 commits t-0@7', '0 committed t-0@7']
  const ledger = heard(lines, true)
  expect(() => ledger.take('0 lost t-0')).toThrow('0 was put out, and its commit was taken')
})

test('a member that wakes is no news', () => {
  const ledger = heard(
    ['0 assigned t-0', '0 stalls t-0', '1 assigned t-0', '0 commits t-0@7'],
    true,
  )
  expect(ledger.silent.get(0)).toEqual(['t-0'])
  expect(() => ledger.take('0 committed t-0@7')).toThrow("which was 1's")
})

test('who gives up what it may never have owned, while another commits, does not contest it', () => {
  const lines = ['0 assigned t-0 t-1', '1 assigned t-0 t-2', '0 commits t-0@7', '1 revoked t-0']
  const ledger = heard([...lines, '0 committed t-0@7', '0 revoked t-1'], true)
  expect(ledger.owned).toEqual([new Set(['t-0']), new Set(['t-2'])])
})

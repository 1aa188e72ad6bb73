import { describe, expect, test } from 'vitest'
import { combineBatches, type StateBatch } from '../../../src/coordinator/share/state-batches.ts'
import { newSeeds, seededWords } from '../../seeded.ts'

/** `0-5 s2 c1`: offsets, delivery state, delivery count. */
function batch(text: string): StateBatch {
  const [, first, last, state, count] = /^(\d+)-(\d+) s(\d) c(\d)$/.exec(text)!
  return {
    firstOffset: Number(first),
    lastOffset: Number(last),
    deliveryState: Number(state),
    deliveryCount: Number(count),
  }
}

const text = ({ firstOffset, lastOffset, deliveryState, deliveryCount }: StateBatch) =>
  `${firstOffset}-${lastOffset} s${deliveryState} c${deliveryCount}`

const combined = (known: readonly string[], added: readonly string[], startOffset = -1) =>
  combineBatches(known.map(batch), added.map(batch), startOffset).map(text)

describe('batches are combined', () => {
  test.each([
    ['nothing', [], [], []],
    ['one', ['0-9 s0 c1'], [], ['0-9 s0 c1']],
    ['the same twice', ['0-9 s0 c1'], ['0-9 s0 c1'], ['0-9 s0 c1']],
    ['neighbours of one state', ['0-9 s0 c1'], ['10-19 s0 c1'], ['0-19 s0 c1']],
    ['neighbours of two states', ['10-19 s0 c1'], ['0-9 s2 c1'], ['0-9 s2 c1', '10-19 s0 c1']],
    [
      'a higher state within',
      ['0-9 s0 c1'],
      ['3-5 s2 c1'],
      ['0-2 s0 c1', '3-5 s2 c1', '6-9 s0 c1'],
    ],
    ['a lower count within', ['0-9 s0 c2'], ['3-5 s4 c1'], ['0-9 s0 c2']],
    ['a higher count over the end', ['0-9 s2 c1'], ['5-14 s0 c2'], ['0-4 s2 c1', '5-14 s0 c2']],
    ['a lower one over the end', ['0-9 s2 c2'], ['5-14 s0 c1'], ['0-9 s2 c2', '10-14 s0 c1']],
    ['a lower one at the start', ['0-9 s2 c2'], ['0-14 s0 c1'], ['0-9 s2 c2', '10-14 s0 c1']],
    ['a higher one at the start', ['0-9 s2 c1'], ['0-14 s0 c2'], ['0-14 s0 c2']],
  ])('%s', (_, known, added, expected) => {
    expect(combined(known, added)).toEqual(expected)
  })

  test('what lies before the start offset is cut off', () => {
    expect(combined(['0-4 s0 c1', '5-9 s2 c1'], ['10-14 s0 c1'], 7)).toEqual([
      '7-9 s2 c1',
      '10-14 s0 c1',
    ])
  })

  test('what becomes of the same state as its neighbour is joined to it', () => {
    const [known, added] = [['0-5 s2 c1', '6-10 s0 c1'], ['6-10 s2 c1']]
    expect(combined(known, added)).toEqual(['0-10 s2 c1'])
  })

  test.each(newSeeds())(
    'random ones give each offset its highest state (ODRADEK_SEED=%d)',
    (seed) => {
      const next = seededWords(seed)
      const below = (max: number) => next() % max
      for (let round = 0; round < 300; round++) {
        const all = Array.from({ length: below(12) }, () => {
          const firstOffset = below(30)
          const lastOffset = firstOffset + below(10)
          return { firstOffset, lastOffset, deliveryState: below(3) * 2, deliveryCount: below(3) }
        })
        const split = below(all.length + 1)
        const startOffset = below(12) - 1
        const result = combineBatches(all.slice(0, split), all.slice(split), startOffset)
        const stateAt = (batches: readonly StateBatch[], offset: number) =>
          Math.max(
            -1,
            ...batches
              .filter((one) => one.firstOffset <= offset && offset <= one.lastOffset)
              .map(({ deliveryCount, deliveryState }) => deliveryCount * 8 + deliveryState),
          )
        for (let offset = 0; offset < 45; offset++) {
          const expected = offset < startOffset ? -1 : stateAt(all, offset)
          expect([offset, stateAt(result, offset)]).toEqual([offset, expected])
        }
        result.slice(1).forEach((one, i) => {
          expect(one.firstOffset).toBeGreaterThan(result[i]!.lastOffset)
        })
      }
    },
  )
})

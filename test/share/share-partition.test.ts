import { describe, expect, test } from 'vitest'
import { InvalidShareState, SharePartition } from '../../src/share/share-partition.ts'
import { newSeeds } from '../seeded.ts'
import { RandomCommands } from './random-commands.ts'
import { Scripted } from './scripted.ts'

const rules = {
  attemptsMax: 5,
  recordsMax: 100,
  lockMs: 100,
  mayRenew: true,
  hasDeadLetters: false,
}

/** Iterates over the delivery of each record from the start offset to the end. */
function* deliveries({ inFlight, startOffset }: SharePartition) {
  for (const batch of inFlight.all) {
    for (let offset = batch.firstOffset; offset <= batch.lastOffset; offset++) {
      if (offset >= startOffset) yield batch.at(offset)!
    }
  }
}

/** Against Kafka's own class: `test/compat/share-partition.compat.ts`. */
describe('a share partition', () => {
  const title = 'keeps its books in order whatever is asked of it (ODRADEK_SEED=%d)'
  test.each(newSeeds())(title, (seed) => {
    for (let i = 0; i < 300; i++) {
      const random = new RandomCommands(seed + i)
      const beginning = random.beginning()
      const scripted = new Scripted(beginning)
      const { partition } = scripted
      for (let j = 0; j < 60; j++) {
        const command = random.next(partition)
        scripted.answer(command)
        const what = `seed ${seed + i}, step ${j}, ${command.kind}`
        const all = [...deliveries(partition)]
        expect(
          all.filter(({ state, memberId }) => (state === 'acquired') !== (memberId !== '')),
          what,
        ).toEqual([])
        // A stored state may hold records with up to three attempts, whatever the limit is.
        const attemptsMax = Math.max(beginning.rules.attemptsMax, 4)
        const overdone = all.filter(
          ({ state, attempts }) => state === 'available' && attempts >= attemptsMax,
        )
        expect(overdone, what).toEqual([])
      }
    }
  })

  test.each([
    [
      'before its start offset',
      [{ firstOffset: 4, lastOffset: 6, state: 'available', attempts: 1 }],
    ],
    [
      'that ends before it begins',
      [{ firstOffset: 7, lastOffset: 6, state: 'available', attempts: 1 }],
    ],
  ] as const)('refuses a stored batch %s', (_, batches) => {
    const stored = { stateEpoch: 0, startOffset: 5, batches }
    expect(() => new SharePartition(stored, () => rules)).toThrow(InvalidShareState)
  })
})

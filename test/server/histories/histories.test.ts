import { describe, expect, test } from 'vitest'
import { firstSeeds } from '../../seeded.ts'
import { type Plant, runHistory } from './run.ts'

const seeds = firstSeeds(2)

describe('transactions, with crashes and requests that come twice', () => {
  const title = 'are read completely, in order, once (ODRADEK_SEED=%d)'
  test.each(seeds)(title, { timeout: 60_000 }, async (seed) => {
    const found = await runHistory(seed, 25)
    if (seeds.length > 2) console.log(`seed ${seed}: ${JSON.stringify(found)}`)
    expect(found.committed).toBeGreaterThan(20)
    expect(found.aborted).toBeGreaterThan(10)
  })

  const seedsOfPlants = [1, 2, 3, 4, 5, 6]
  test.each<[string, Plant, RegExp]>([
    ['aborted transactions nobody is told of', { ignoresAborted: true }, /which is aborted/],
    ['no last stable offset', { ignoresStable: true }, /not yet committed|which is aborted/],
    ['a batch appended twice', { forgetsSequence: true }, /told was|twice/],
    [
      'a late EndTxn that ends the next transaction',
      { letsEndCome: true },
      /aborted|torn|not yet committed|was committed/,
    ],
  ])('the checker finds %s', { timeout: 60_000 }, async (_, plant, complaint) => {
    for (const seed of seedsOfPlants) {
      const failed = await runHistory(seed, 25, plant).then(
        () => null,
        (error: Error) => error,
      )
      if (failed !== null && complaint.test(failed.message)) return
    }
    expect.unreachable(`none of the seeds ${seedsOfPlants} shows it`)
  })
})

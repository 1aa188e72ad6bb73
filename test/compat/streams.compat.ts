import { describe, expect, inject, test } from 'vitest'
import { eosLoop } from '../../eos/loop.ts'
import { newSeeds } from '../seeded.ts'
import { targetName } from './targets.ts'

/** The short form of `npm run eos`. */
describe.skipIf(inject('javaMissing') !== null)(`Kafka Streams on ${targetName}`, () => {
  const title = 'exactly once, whatever is killed (ODRADEK_SEED=%d)'
  test.each(newSeeds())(title, { timeout: 600_000 }, async (seed) => {
    const found = await eosLoop({ kills: 3, seed, say: () => {} })
    expect(found.killsOfBroker + found.killsOfApp).toBeGreaterThanOrEqual(3)
    expect(found.counts).toBeGreaterThan(found.joins)
    expect(found.joins).toBeGreaterThan(100)
    expect(found.totals).toBe(found.joins)
  })
})

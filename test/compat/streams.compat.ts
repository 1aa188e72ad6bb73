import { describe, expect, inject, test } from 'vitest'
import { eosLoop } from '../../eos/loop.ts'
import { targetName } from './targets.ts'

/** The short form of `npm run eos`. */
describe.skipIf(inject('javaMissing') !== null)(`Kafka Streams on ${targetName}`, () => {
  test('exactly once, whoever is killed', { timeout: 600_000 }, async () => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    const found = await eosLoop({ kills: 3, seed, say: () => {} })
    expect(found.killsOfBroker + found.killsOfApp).toBeGreaterThanOrEqual(3)
    expect(found.counts).toBeGreaterThan(found.joins)
    expect(found.joins).toBeGreaterThan(100)
    expect(found.totals).toBe(found.joins)
  })
})

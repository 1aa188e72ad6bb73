import { describe, expect, inject, test } from 'vitest'
import { crashLoop } from '../../crash/loop.ts'
import { newSeeds } from '../seeded.ts'
import { targetName } from './targets.ts'

/** The short form of `npm run crash`. */
describe.skipIf(inject('javaMissing') !== null)(`kill -9 of ${targetName} under load`, () => {
  const title = 'every acknowledged record is there, in order, once (ODRADEK_SEED=%d)'
  test.each(newSeeds())(title, { timeout: 180_000 }, async (seed) => {
    const found = await crashLoop({ rounds: 5, seed, fullEvery: 3, say: () => {} })
    expect(found.kills).toBeGreaterThanOrEqual(5)
    expect(found.acknowledged).toBeGreaterThan(1_000)
    expect(found.read).toBeGreaterThan(1_000)
    expect(found.commits).toBeGreaterThan(0)
    expect(found.filesDumped).toBeGreaterThan(20)
  })
})

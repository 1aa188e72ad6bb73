import { describe, expect, inject, test } from 'vitest'
import { crashLoop } from '../../crash/loop.ts'
import { targetName } from './targets.ts'

/** The short form of `npm run crash`. */
describe.skipIf(inject('javaMissing') !== null)(`kill -9 of ${targetName} under load`, () => {
  test('every acknowledged record is there, in order, once', { timeout: 180_000 }, async () => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    const found = await crashLoop({ rounds: 5, seed, fullEvery: 3, say: () => {} })
    expect(found.kills).toBeGreaterThanOrEqual(5)
    expect(found.acknowledged).toBeGreaterThan(1_000)
    expect(found.read).toBeGreaterThan(1_000)
    expect(found.commits).toBeGreaterThan(0)
    expect(found.filesDumped).toBeGreaterThan(20)
  })
})

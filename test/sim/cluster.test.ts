import { afterEach, describe, expect, test } from 'vitest'
import { plant, planted } from '../../chaos/planted.ts'
import { runChaos } from '../../chaos/run.ts'
import { firstSeeds, newSeeds } from '../seeded.ts'

/** The short form of `npm run chaos`. */
const chaosMs = 40_000

/** A bug must be found within as many seeds. */
const seedsPerBug = 15

describe('a controller and three brokers in simulated time', () => {
  test.each(newSeeds())('keep their promises through faults (ODRADEK_SEED=%d)', async (seed) => {
    const report = await runChaos(seed, chaosMs)
    expect(report.violations, report.notes.join('\n')).toEqual([])
    expect(report.acknowledged).toBeGreaterThan(5)
    expect(report.looks).toBeGreaterThan(50)
    expect(report.lives).toBeGreaterThan(4)
  })

  test('a seed gives the same run again', async () => {
    const [one, other] = [await runChaos(1, 10_000), await runChaos(1, 10_000)]
    expect(one.notes).toEqual(other.notes)
    expect(one.notes.length).toBeGreaterThan(10)
  })

  let remove = () => {}
  afterEach(() => remove())

  test.each(planted)('find that $name', async (bug) => {
    remove = plant(bug)
    const found: string[] = []
    for (const seed of [bug.seed, ...firstSeeds(seedsPerBug)]) {
      const { violations } = await runChaos(seed, chaosMs)
      found.push(...violations)
      if (found.length > 0) break
    }
    expect(found.join('\n')).toMatch(bug.finds)
  })
})

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { attempt, fuzz } from '../fuzz/run.ts'
import { targets } from '../fuzz/targets.ts'
import { newSeeds } from './seeded.ts'

const corpus = join(import.meta.dirname, '..', 'fuzz', 'corpus')
const secondsEach = 0.2

/** The short form of `npm run fuzz`, and the input of every earlier finding. */
describe.each(targets)('invalid bytes for $name', (target) => {
  afterAll(() => target.close?.())

  test(`${target.name}: earlier findings stay fixed`, async () => {
    const file = join(corpus, `${target.name}.hex`)
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
    for (const line of lines) {
      const [hex = '', ...about] = line.split(' ')
      expect(await attempt(target, Buffer.from(hex, 'hex')), about.join(' ')).toBeNull()
    }
  })

  const title = `${target.name}: are read or refused (ODRADEK_SEED=%d)`
  test.each(newSeeds())(title, async (seed) => {
    const { findings } = await fuzz(target, { seed, seconds: secondsEach, findingsMax: 1 })
    const told = findings.map(({ input, why }) => `${input.toString('hex')}\n${why}`)
    expect(told).toEqual([])
  })
})

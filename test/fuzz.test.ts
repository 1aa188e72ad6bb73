import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { attempt, fuzz } from '../fuzz/run.ts'
import { targets } from '../fuzz/targets.ts'

const corpus = join(import.meta.dirname, '..', 'fuzz', 'corpus')
const secondsEach = 0.4
const seed = Number(process.env.ODRADEK_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** The short form of `npm run fuzz`, and every input that once broke something. */
describe.each(targets)('bytes that nobody should send to $name', (target) => {
  afterAll(() => target.close?.())

  test('what broke it once does so no more', async () => {
    const file = join(corpus, `${target.name}.hex`)
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
    for (const line of lines) {
      const [hex = '', ...about] = line.split(' ')
      expect(await attempt(target, Buffer.from(hex, 'hex')), about.join(' ')).toBeNull()
    }
  })

  test(`are read or refused (ODRADEK_SEED=${seed})`, async () => {
    const { findings } = await fuzz(target, { seed, seconds: secondsEach, findingsMax: 1 })
    const told = findings.map(({ input, why }) => `${input.toString('hex')}\n${why}`)
    expect(told).toEqual([])
  })
})

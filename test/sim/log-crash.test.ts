import { describe, expect, test } from 'vitest'
import { crashLog, honest, quick, seeds } from './crash-log.ts'

describe.each([
  ['process', 'the process dies', honest, {}],
  ['process', 'the process dies on a quick disk', quick, {}],
  ['machine', 'the machine does', honest, {}],
  ['machine', 'the machine does, every batch synced', honest, { flushMessages: 1 }],
  ['machine', 'the machine does, every batch synced to a quick disk', quick, { flushMessages: 1 }],
] as const)('at every point at which %s: %s', (loss, _, makeDisk, changes) => {
  test.each(seeds)('seed %i', async (seed) => {
    const wrong: string[] = []
    let crashAt = 1
    for (; ; crashAt++) {
      const { faults, hasEnded } = await crashLog(seed, crashAt, loss, changes, makeDisk)
      for (const fault of faults) wrong.push(`seed ${seed}, step ${crashAt}: ${fault}`)
      if (hasEnded || wrong.length > 20) break
    }
    expect(wrong).toEqual([])
    expect(crashAt).toBeGreaterThan(100)
  })
})

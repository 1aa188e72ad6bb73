import { describe, expect, test } from 'vitest'
import { crashLog, seeds } from './crash-log.ts'

describe.each([
  ['process', 'the process dies', {}],
  ['machine', 'the machine does', {}],
  ['machine', 'the machine does, every batch synced', { flushMessages: 1 }],
] as const)('at every point at which %s: %s', (loss, _, changes) => {
  test.each(seeds)('seed %i', async (seed) => {
    const wrong: string[] = []
    let crashAt = 1
    for (; ; crashAt++) {
      const { faults, hasEnded } = await crashLog(seed, crashAt, loss, changes)
      for (const fault of faults) wrong.push(`seed ${seed}, step ${crashAt}: ${fault}`)
      if (hasEnded || wrong.length > 20) break
    }
    expect(wrong).toEqual([])
    expect(crashAt).toBeGreaterThan(100)
  })
})

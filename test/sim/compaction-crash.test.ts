import { expect, test, vi } from 'vitest'
import { crashes, firstSeeds } from '../seeded.ts'
import { crashCompaction } from './crash-compaction.ts'

// Thousands of crashes take long on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

test.each(firstSeeds(1))(
  'a crash at any call of a compaction loses no newest value (ODRADEK_SEED=%d)',
  async (seed) => {
    for (const loss of ['process', 'machine'] as const) {
      const wrong: string[] = []
      let crashAt = crashes.first
      for (; ; crashAt += crashes.step) {
        const { faults, hasEnded } = await crashCompaction(seed, crashAt, loss)
        for (const fault of faults) wrong.push(`seed ${seed}, ${loss}, step ${crashAt}: ${fault}`)
        if (hasEnded || wrong.length > 20) break
      }
      expect(wrong).toEqual([])
      expect(crashAt).toBeGreaterThan(100)
    }
  },
)

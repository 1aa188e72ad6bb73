import { expect, test } from 'vitest'
import { crashCompaction } from './crash-compaction.ts'
import { seeds } from './crash-log.ts'

test.each(seeds)(
  'a crash at any point of compaction loses no newest value: seed %i',
  async (seed) => {
    for (const loss of ['process', 'machine'] as const) {
      const wrong: string[] = []
      let crashAt = 1
      for (; ; crashAt++) {
        const { faults, hasEnded } = await crashCompaction(seed, crashAt, loss)
        for (const fault of faults) wrong.push(`seed ${seed}, ${loss}, step ${crashAt}: ${fault}`)
        if (hasEnded || wrong.length > 20) break
      }
      expect(wrong).toEqual([])
      expect(crashAt).toBeGreaterThan(100)
    }
  },
)

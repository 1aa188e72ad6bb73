import { describe, expect, test, vi } from 'vitest'
import { crashes, firstSeeds } from '../seeded.ts'
import { crashLog, honest, quick } from './crash-log.ts'

// Thousands of crashes take long on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

describe.each([
  ['process', 'process', honest, {}],
  ['process', 'process, quick disk', quick, {}],
  ['machine', 'machine', honest, {}],
  ['machine', 'machine, synced batches', honest, { flushMessages: 1 }],
  ['machine', 'machine, synced batches, quick disk', quick, { flushMessages: 1 }],
] as const)('a crash of the %s at any call (%s)', (loss, variant, makeDisk, changes) => {
  const title = `loses nothing: ${variant} (ODRADEK_SEED=%d)`
  test.each(firstSeeds(1))(title, async (seed) => {
    const wrong: string[] = []
    let crashAt = crashes.first
    for (; ; crashAt += crashes.step) {
      const { faults, hasEnded } = await crashLog(seed, crashAt, loss, changes, makeDisk)
      for (const fault of faults) wrong.push(`seed ${seed}, step ${crashAt}: ${fault}`)
      if (hasEnded || wrong.length > 20) break
    }
    expect(wrong).toEqual([])
    expect(crashAt).toBeGreaterThan(100)
  })
})

import { describe, expect, test } from 'vitest'
import { Crashed, FaultDisk, type Loss } from '../../src/sim/fault-disk.ts'
import type { LogConfig } from '../../src/storage/log-config.ts'
import { batchOf, readAll, seededRandom } from '../storage/logs.ts'
import { faultsOf } from './log-checker.ts'
import { Ledger, live, openOn } from './log-workload.ts'

/** `CRASH_SEEDS=100-200` tries more than the one that every run does. */
const [first, last] = (process.env.CRASH_SEEDS ?? '1-1').split('-').map(Number)
const seeds = Array.from({ length: last! - first! + 1 }, (_, i) => first! + i)

const settings: Partial<LogConfig> = {
  segmentBytes: 1_500,
  indexIntervalBytes: 150,
  retentionMs: 1_000,
  retentionBytes: 6_000,
  fileDeleteDelayMs: 100,
}

/** Lives until the crash at `crashAt`; then opens what is left, and says what is wrong with it. */
async function crash(seed: number, crashAt: number, loss: Loss, changes: Partial<LogConfig>) {
  const random = seededRandom(seed)
  const disk = new FaultDisk(seededRandom(seed + crashAt))
  disk.crashAt = crashAt
  const ledger = new Ledger()
  const config = { ...settings, ...changes }
  const hasEnded = await live(disk, random, config, 120, ledger).then(
    () => true,
    (error: unknown) => {
      const isCrash =
        error instanceof Crashed || /Crashed|offline|KAFKA_STORAGE/.test(String(error))
      if (!isCrash) throw error
      return false
    },
  )
  for (let i = 0; i < 50; i++) await Promise.resolve() // What was under way ends in the crash too.
  const left = disk.after(loss)
  const { dir, log } = await openOn(left, random, config)
  const faults = await faultsOf(
    log,
    ledger,
    loss === 'process' ? ledger.acknowledged : ledger.durable,
  )
  // And life goes on.
  const end = log.logEndOffset
  log.append({ bytes: batchOf(2), logAppendTimeMs: -1 }, { leaderEpoch: 1_000, origin: 'client' })
  await dir.close(1)
  const again = await openOn(left, random, config)
  if (again.log.logEndOffset !== end + 2) faults.push('a second restart lost the last batch')
  if ((await readAll(again.log)).at(-1)?.nextOffset !== end + 2) faults.push('it cannot be read')
  return { faults, hasEnded, steps: disk.steps }
}

describe.each([
  ['process', 'the process dies', {}],
  ['machine', 'the machine does', {}],
  ['machine', 'the machine does, every batch synced', { flushMessages: 1 }],
] as const)('at every point at which %s: %s', (loss, _, changes) => {
  test.each(seeds)('seed %i', async (seed) => {
    const wrong: string[] = []
    let crashAt = 1
    for (; ; crashAt++) {
      const { faults, hasEnded } = await crash(seed, crashAt, loss, changes)
      for (const fault of faults) wrong.push(`seed ${seed}, step ${crashAt}: ${fault}`)
      if (hasEnded || wrong.length > 20) break
    }
    expect(wrong).toEqual([])
    expect(crashAt).toBeGreaterThan(100)
  })
})

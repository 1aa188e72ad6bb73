import type { Random } from '../../src/base/random.ts'
import { Crashed, FaultDisk, type Loss } from '../../src/sim/fault-disk.ts'
import type { LogConfig } from '../../src/storage/log-config.ts'
import { batchOf, readAll, seededRandom } from '../storage/logs.ts'
import { faultsOf } from './log-checker.ts'
import { Ledger, live, openOn } from './log-workload.ts'

/** `CRASH_SEEDS=100-200` tries more than the one that every run does. */
const [first, last] = (process.env.CRASH_SEEDS ?? '1-1').split('-').map(Number)
export const seeds = Array.from({ length: last! - first! + 1 }, (_, i) => first! + i)

const settings: Partial<LogConfig> = {
  segmentBytes: 1_500,
  indexIntervalBytes: 150,
  retentionMs: 1_000,
  retentionBytes: 6_000,
  fileDeleteDelayMs: 100,
}

/** Makes the disk that is lived on: a test of the checker hands in one that lies. */
export type MakeDisk = (random: Random) => FaultDisk
export const honest: MakeDisk = (random) => new FaultDisk(random)
export const quick: MakeDisk = (random) => {
  const disk = new FaultDisk(random)
  disk.writesAtOnce = true
  return disk
}

/** Lives until the crash at `crashAt`; then opens what is left, and says what is wrong with it. */
export async function crashLog(
  seed: number,
  crashAt: number,
  loss: Loss,
  changes: Partial<LogConfig> = {},
  makeDisk = honest,
) {
  const random = seededRandom(seed)
  const disk = makeDisk(seededRandom(seed + crashAt))
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

import type { Random } from '../../src/base/random.ts'
import { Crashed, FaultDisk, type Loss } from '../../src/sim/fault-disk.ts'
import type { LogConfig } from '../../src/storage/log-config.ts'
import { batchOf, readAll, seededRandom } from '../storage/logs.ts'
import { faultsOf } from './log-checker.ts'
import { Ledger, live, openOn } from './log-workload.ts'

const settings: Partial<LogConfig> = {
  segmentBytes: 1_500,
  indexIntervalBytes: 150,
  retentionMs: 1_000,
  retentionBytes: 6_000,
  fileDeleteDelayMs: 100,
}

/** Creates the disk of a run; tests of the checker pass one with a planted bug. */
export type MakeDisk = (random: Random) => FaultDisk
export const honest: MakeDisk = (random) => new FaultDisk(random)
export const quick: MakeDisk = (random) => {
  const disk = new FaultDisk(random)
  disk.writesAtOnce = true
  return disk
}

/**
 * Runs the workload until the crash at `crashAt`; then opens the surviving files and checks them.
 */
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
    loss === 'machine',
  )
  // The log accepts appends again.
  const end = log.logEndOffset
  log.append({ bytes: batchOf(2), logAppendTimeMs: -1 }, { leaderEpoch: 1_000, origin: 'client' })
  await dir.close(1)
  const again = await openOn(left, random, config)
  if (again.log.logEndOffset !== end + 2) faults.push('a second restart lost the last batch')
  if ((await readAll(again.log)).at(-1)?.nextOffset !== end + 2) faults.push('it cannot be read')
  return { faults, hasEnded, steps: disk.steps }
}

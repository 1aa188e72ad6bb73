import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ballast } from './ballast.ts'
import { untilEnds } from './ends.ts'
import { consume, createTopic, produce, type Scenario } from './load.ts'
import { residentMb } from './measure.ts'
import type { Table } from './report.ts'
import { Sheet } from './sheet.ts'
import { Measured, type Side } from './target.ts'

export interface BigLog {
  readonly scenario: Scenario
  readonly isReadCold: boolean
  readonly isRecovered: boolean
}

const topic = 'big'
const recoveryMsMax = 600_000

/**
 * Fills a log on one broker after the other, reads it with a cold page cache, and opens it after
 * `kill -9`.
 */
export async function measureBigLog(
  big: BigLog,
  names: readonly Side[],
  say: (line: string) => void,
  ballast: Ballast | null,
): Promise<Table> {
  const { scenario } = big
  const sheet = new Sheet()
  let isCold = true
  for (const name of names) {
    const target = new Measured(name, { timeoutMs: recoveryMsMax })
    try {
      await target.start()
      say(`big log: filling ${name}`)
      await createTopic(target, topic, scenario.partitions)
      const pace = { records: scenario.records, recordsPerSecond: -1, warmupRecords: 0 }
      await produce(target, topic, scenario, { ...pace, lingerMs: scenario.lingerMs })
      if (big.isReadCold) {
        say(`big log: reading ${name}`)
        isCold = dropPageCache() && isCold
        ballast?.touch()
        const read = await consume(target, topic, scenario)
        const mb = (read.recordsPerSecond * scenario.recordBytes) / 1e6
        sheet.note(name, 'cold read', 'MB/s', mb)
        sheet.noteCpu(name, 'cold read', read.cpu)
        sheet.note(name, 'resident memory after the cold read', 'MB', residentMb(target.pid).nowMb)
      }
      if (big.isRecovered) isCold = (await measureRecovery(sheet, target, scenario, say)) && isCold
    } finally {
      await target.close()
    }
  }
  const gb = ((scenario.records * scenario.recordBytes) / 1e9).toFixed(2).replace(/\.?0+$/, '')
  const cache = isCold ? 'page cache dropped before' : 'page cache NOT dropped: that needs root'
  return sheet.table(
    `A log of ${gb} GB: ${scenario.recordBytes} B records, ${scenario.partitions} partitions, ${cache}`,
  )
}

/**
 * Measures recovery twice: as left by the crash, and with no recovery point, so that all of it is
 * scanned.
 */
async function measureRecovery(
  sheet: Sheet,
  target: Measured,
  scenario: Scenario,
  say: (line: string) => void,
): Promise<boolean> {
  let isCold = true
  for (const isAllScanned of [false, true]) {
    await target.kill9()
    if (isAllScanned)
      rmSync(join(target.dataDir, 'recovery-point-offset-checkpoint'), { force: true })
    isCold = dropPageCache() && isCold
    const what = isAllScanned
      ? 'kill -9 to all records readable, every byte scanned'
      : 'kill -9 to all records readable, as it was left'
    say(`big log: ${what}: ${target.side}`)
    const starting = target.start()
    await Promise.all([starting, untilReadable(target, scenario)])
    sheet.note(target.side, what, 's', (performance.now() - target.startedAtMs) / 1000)
  }
  return isCold
}

/** Waits until the end offsets of all partitions add up to the written records. */
async function untilReadable(target: Measured, { records, partitions }: Scenario): Promise<void> {
  await untilEnds(target, {
    ...{ topics: [topic], partitions, patienceMs: recoveryMsMax, pauseMs: 10 },
    areGood: (ends) => ends.reduce((sum, { offset }) => sum + Math.max(0, offset), 0) === records,
    what: `not all of ${records} records are back`,
  })
}

/** Drops the page cache; returns false if this process is not permitted to. */
function dropPageCache(): boolean {
  try {
    execFileSync('sync')
    writeFileSync('/proc/sys/vm/drop_caches', '1')
    return true
  } catch {
    return false
  }
}

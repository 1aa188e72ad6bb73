import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { exitAfter } from '../test/compat/process.ts'
import { SmallDisk, smallDiskMissing } from '../test/compat/small-disk.ts'
import { startOdradek } from '../test/compat/targets.ts'
import { type Gauges, gaugesOf, verdicts } from './gauges.ts'
import { type Counts, soakLoad, soakSettings } from './load.ts'

const help = `npm run soak -- [flags]     does descriptors, memory or disk space of the built command grow? (Linux)
  --minutes N    how long producers, groups, transactions, topics that come and go, retention and compaction
                 go on (10)
  --disk-mb N    size of the file system of its own that the data lies on, where root can mount one (400)`

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    'disk-mb': { type: 'string', default: '400' },
    help: { type: 'boolean', default: false },
  },
})

const samplesWanted = 60

async function main(): Promise<void> {
  if (flags.help) {
    console.log(help)
    return
  }
  const ms = Number(flags.minutes) * 60_000
  const root = mkdtempSync(join(tmpdir(), 'odradek-soak-'))
  const missing = smallDiskMissing()
  if (missing !== null)
    console.log(`the data is on the machine's own disk, whose use is not its own: ${missing}`)
  const disk = missing === null ? new SmallDisk(root, Number(flags['disk-mb'])) : null
  const dataDir = join(disk?.path ?? root, 'data')
  const target = await startOdradek({ dataDir, settings: soakSettings })
  try {
    const { samples, counts } = await soak(target.bootstrap, target.pid, disk?.path ?? root, ms)
    console.log(
      Object.entries(counts)
        .map(([what, count]) => `${count} ${what}`)
        .join(', '),
    )
    console.log('| | second fifth | last fifth | highest | |\n| --- | --- | --- | --- | --- |')
    const found = verdicts(samples)
    for (const { gauge, early, late, highest, isFlat } of found) {
      const cells = [early, late, highest].map((value) => value.toFixed(0)).join(' | ')
      console.log(`| ${gauge} | ${cells} | ${isFlat ? 'flat' : 'GROWS'} |`)
    }
    if (found.some(({ isFlat }) => !isFlat)) throw new Error('something grows')
    if ((await target.stop()) !== 0)
      throw new Error(`it did not stop in order: ${target.describe()}`)
  } finally {
    await target.close()
    disk?.close()
    rmSync(root, { recursive: true, force: true })
  }
}

async function soak(bootstrap: string, pid: number, dataDir: string, ms: number) {
  const counts: Counts = {
    ...{ produced: 0, consumed: 0, committed: 0, aborted: 0, topics: 0, rebalances: 0 },
  }
  const endsAtMs = performance.now() + ms
  let failure: unknown = null
  const isRunning = () => failure === null && performance.now() < endsAtMs
  const load = soakLoad(bootstrap, isRunning, counts).catch((error: unknown) => {
    failure = error
  })
  const samples: Gauges[] = []
  while (isRunning()) {
    await new Promise((resolve) => setTimeout(resolve, ms / samplesWanted))
    if (failure === null) samples.push(gaugesOf(pid, dataDir))
  }
  await load
  if (failure !== null) throw failure
  return { samples, counts }
}

exitAfter(main())

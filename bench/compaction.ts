import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compile, startJava } from '../test/compat/kafka/java.ts'
import { javaTools, mainClassOf } from '../test/compat/kafka/tools.ts'
import { kcat } from '../test/compat/kcat.ts'
import { cpuSecondsInAll, residentMb, sleep } from './measure.ts'
import type { Table } from './report.ts'
import { Sheet } from './sheet.ts'
import { Measured, type Side } from './target.ts'

const topic = 'keyed'
const compactionMsMax = 600_000

/**
 * Sends the same records to both brokers and compacts them: measures time and cost, and checks that
 * the same records survive. The topic is filled first, then set to compact.
 *
 * @throws Error if the remaining records differ.
 */
export async function measureCompaction(
  records: number,
  names: readonly Side[],
  say: (line: string) => void,
): Promise<Table> {
  const sheet = new Sheet()
  const keys = Math.ceil(records / 10)
  const survivors = new Map<Side, { count: number; digest: string }>()
  for (const name of names) {
    const settings = { 'log.cleaner.backoff.ms': 50 }
    const target = new Measured(name, { settings })
    try {
      await target.start()
      say(`compaction: filling ${name}`)
      await make(target)
      await load(target, 0, records, keys)
      const before = { memory: residentMb(target.pid).peakMb, cpu: cpuSecondsInAll(target.pid) }
      say(`compaction: ${name}`)
      await compact(target)
      await load(target, records, records + 1, keys)
      const startedMs = performance.now()
      await untilCleaned(target, records)
      sheet.note(name, 'compaction', 's', (performance.now() - startedMs) / 1000)
      sheet.note(name, 'broker CPU', 's', cpuSecondsInAll(target.pid) - before.cpu)
      sheet.note(name, 'resident memory, highest before', 'MB', before.memory)
      sheet.note(name, 'resident memory, highest after', 'MB', residentMb(target.pid).peakMb)
      const left = await read(target)
      survivors.set(name, left)
      sheet.note(name, 'records left', 'count', left.count)
    } finally {
      await target.close()
    }
  }
  const digests = new Set([...survivors.values()].map(({ digest }) => digest))
  if (digests.size !== 1) throw new Error(`not the same is left: ${JSON.stringify([...survivors])}`)
  const count = records.toLocaleString('en')
  return sheet.table(
    `Compaction of ${count} records of ${keys.toLocaleString('en')} keys: the same are left`,
  )
}

async function make(target: Measured): Promise<void> {
  const at = ['--bootstrap-server', target.bootstrap, '--topic', topic]
  await (await javaTools()).ask('topics', ['--create', ...at, '--partitions', '1'])
}

async function compact(target: Measured): Promise<void> {
  const configs = ['cleanup.policy=compact', 'segment.ms=1', 'min.cleanable.dirty.ratio=0.001']
  const at = ['--bootstrap-server', target.bootstrap, '--topic', topic]
  const args = ['--alter', ...at, '--add-config', configs.join(',')]
  await (await javaTools()).ask('configs', args)
}

async function load(target: Measured, from: number, to: number, keys: number): Promise<void> {
  const args = [target.bootstrap, topic, String(from), String(to), String(keys)]
  const program = startJava(mainClassOf('keyed-load'), args, { extra: [await compile()] })
  const { code } = await program.end(compactionMsMax)
  if (code !== 0) throw new Error(program.describe())
}

/** Waits until the checkpoint covers the whole first segment. */
async function untilCleaned(target: Measured, records: number): Promise<void> {
  const file = join(target.dataDir, 'cleaner-offset-checkpoint')
  const deadlineMs = performance.now() + compactionMsMax
  while (performance.now() < deadlineMs) {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
    const offset = new RegExp(`^${topic} 0 (\\d+)$`, 'm').exec(text)?.[1]
    if (Number(offset) >= records) return
    await sleep(5)
  }
  throw new Error(`not compacted within ${compactionMsMax} ms: ${target.describe()}`)
}

async function read(target: Measured): Promise<{ count: number; digest: string }> {
  const args = ['-C', '-q', '-e', '-t', topic, '-o', 'beginning', '-f', '%o %k %S %s\\n']
  const said = await kcat(target.bootstrap, args, { timeoutMs: compactionMsMax })
  const digest = createHash('sha256').update(said).digest('hex')
  return { count: said.split('\n').length - 1, digest }
}

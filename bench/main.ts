import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { getKafka, javaMissing, serverVersion, toolsVersion } from '../test/compat/kafka/jars.ts'
import { javaTools } from '../test/compat/kafka/tools.ts'
import { freePort, prepareKafka, Target, type TargetName } from '../test/compat/targets.ts'
import { Ballast } from './ballast.ts'
import { type CpuPerGb, consume, createTopic, deleteTopic, produce, type Scenario } from './load.ts'
import { firstAnswerAtMs, residentMb, sleep } from './measure.ts'
import { machine, type Row, renderTable, type Table } from './report.ts'

const help = `npm run bench -- [flags]      odradek and Apache Kafka ${serverVersion} side by side
  --rounds N            measured rounds, alternating (3)
  --sizes A,B,...       bytes of a record's value (100,1024,10240)
  --megabytes N         MB of values a round and size (500); at most 5 million records
  --partitions N        partitions of the topic (4)
  --batch-size N        the producer's batch.size in bytes (65536)
  --linger-ms N         the producer's linger.ms (5, Kafka's default)
  --acks 0|1|all        (1)
  --compression CODEC   none, gzip, snappy, lz4 or zstd (none)
  --paced-mb N          MB a second of the run that measures ack latency, with linger.ms=0 (5)
  --ballast             fills the memory first and frees it in step with what a produce run writes: on a virtual
                        machine whose host takes free memory back, those faults stay out of the figures
  --only WHAT           start or load: only that part
  --write FILE          writes the report to FILE as well; without it nothing is written`

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    sizes: { type: 'string', default: '100,1024,10240' },
    megabytes: { type: 'string', default: '500' },
    partitions: { type: 'string', default: '4' },
    'batch-size': { type: 'string', default: '65536' },
    'linger-ms': { type: 'string', default: '5' },
    acks: { type: 'string', default: '1' },
    compression: { type: 'string', default: 'none' },
    'paced-mb': { type: 'string', default: '5' },
    ballast: { type: 'boolean', default: false },
    only: { type: 'string' },
    write: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const rounds = Number(flags.rounds)
const names = ['odradek', 'kafka'] as const
const say = (line: string) => process.stderr.write(`${line}\n`)

/** Who goes first changes from round to round, so that neither always finds the machine warmer. */
const inTurn = (round: number) => (round % 2 === 0 ? names : names.toReversed())

const recordsMax = 5_000_000
/** Seconds of the paced run, whatever the record size; the first ones warm the producer up. */
const pacedSeconds = 15
const pacedWarmupSeconds = 5

function scenarioOf(recordBytes: number): Scenario {
  const megabytes = Number(flags.megabytes)
  return {
    recordBytes,
    records: Math.min(recordsMax, Math.ceil((megabytes * 1e6) / recordBytes)),
    partitions: Number(flags.partitions),
    batchBytes: Number(flags['batch-size']),
    lingerMs: Number(flags['linger-ms']),
    acks: flags.acks,
    compression: flags.compression,
    pacedRecordsPerSecond: Math.ceil((Number(flags['paced-mb']) * 1e6) / recordBytes),
  }
}

/** Numbers by broker and by row, in the order of the rows' first appearance. */
class Sheet {
  readonly #rows = new Map<string, Row & Record<TargetName, number[]>>()

  note(name: TargetName, what: string, unit: string, value: number): void {
    const row = this.#rows.get(what) ?? { what, unit, odradek: [], kafka: [] }
    row[name].push(value)
    this.#rows.set(what, row)
  }

  table(title: string): Table {
    return { title, rows: [...this.#rows.values()] }
  }
}

/** Idle memory is read this long after the first answer, when start-up's garbage has had its chance. */
const idleMs = 5_000

async function measureStart(): Promise<Table> {
  const sheet = new Sheet()
  for (let round = 0; round < rounds; round++) {
    for (const name of inTurn(round)) {
      say(`start ${round + 1}/${rounds}: ${name}`)
      const dataDir = mkdtempSync(join(tmpdir(), `bench-${name}-`))
      const target = new Target(name, { dataDir, port: await freePort() })
      try {
        if (name === 'kafka') await prepareKafka(dataDir)
        const started = target.start()
        const [answeredAtMs] = await Promise.all([firstAnswerAtMs(target.port, 120_000), started])
        sheet.note(name, 'start to first answer', 'ms', answeredAtMs - target.startedAtMs)
        await sleep(idleMs)
        sheet.note(name, 'resident memory, idle', 'MB', residentMb(target.pid).nowMb)
        const stoppingAtMs = performance.now()
        await target.stop()
        sheet.note(name, 'clean stop', 'ms', performance.now() - stoppingAtMs)
      } finally {
        await target.close()
        rmSync(dataDir, { recursive: true, force: true })
      }
    }
  }
  return sheet.table('Start, idle, stop (empty data directory)')
}

function noteCpu(sheet: Sheet, name: TargetName, what: string, { user, system }: CpuPerGb): void {
  sheet.note(name, `${what}, broker CPU`, 's/GB', user + system)
  sheet.note(name, `${what}, of it in the kernel`, 's/GB', system)
}

const ballast = flags.ballast ? new Ballast() : null

async function measureRound(sheet: Sheet, target: Target, scenario: Scenario, topic: string) {
  const { name } = target
  const { recordBytes, records, partitions, pacedRecordsPerSecond } = scenario
  await createTopic(target, topic, partitions)
  const full = { records, recordsPerSecond: -1, warmupRecords: 0, lingerMs: scenario.lingerMs }
  const send = () => produce(target, topic, scenario, full)
  const sent = await (ballast?.around(target.pid, send) ?? send())
  sheet.note(name, 'produce, records', '1/s', sent.recordsPerSecond)
  sheet.note(name, 'produce', 'MB/s', (sent.recordsPerSecond * recordBytes) / 1e6)
  noteCpu(sheet, name, 'produce', sent.cpu)
  const read = await consume(target, topic, scenario)
  sheet.note(name, 'consume, records', '1/s', read.recordsPerSecond)
  sheet.note(name, 'consume', 'MB/s', (read.recordsPerSecond * recordBytes) / 1e6)
  noteCpu(sheet, name, 'consume', read.cpu)
  const paced = await produce(target, topic, scenario, {
    records: pacedRecordsPerSecond * pacedSeconds,
    recordsPerSecond: pacedRecordsPerSecond,
    warmupRecords: pacedRecordsPerSecond * pacedWarmupSeconds,
    lingerMs: 0, // the broker's latency is asked for, not the producer's patience
  })
  const mark = `ack latency at ${flags['paced-mb']} MB/s`
  sheet.note(name, `${mark}, p50`, 'ms', paced.p50Ms)
  sheet.note(name, `${mark}, p99`, 'ms', paced.p99Ms)
  sheet.note(name, `${mark}, p99.9`, 'ms', paced.p999Ms)
  sheet.note(name, `ack latency at full load, p50`, 'ms', sent.p50Ms)
  sheet.note(name, `ack latency at full load, p99`, 'ms', sent.p99Ms)
  sheet.note(name, `ack latency at full load, p99.9`, 'ms', sent.p999Ms)
  sheet.note(name, 'resident memory after the round', 'MB', residentMb(target.pid).nowMb)
  await deleteTopic(target, topic)
}

async function measureLoad(sizes: readonly number[]): Promise<Table[]> {
  const targets = names.map((name) => new Target(name, {}))
  const tables: Table[] = []
  try {
    for (const target of targets) await target.start()
    await javaTools()
    for (const recordBytes of sizes) {
      const scenario = scenarioOf(recordBytes)
      const warm = { ...scenario, records: Math.ceil(scenario.records / 4) }
      const sheet = new Sheet()
      for (const target of targets) {
        say(`${recordBytes} B: warming up ${target.name}`)
        await measureRound(new Sheet(), target, warm, `warm-${recordBytes}`)
      }
      for (let round = 0; round < rounds; round++) {
        for (const name of inTurn(round)) {
          say(`${recordBytes} B ${round + 1}/${rounds}: ${name}`)
          const target = targets.find((one) => one.name === name)!
          await measureRound(sheet, target, scenario, `bench-${recordBytes}-${round}`)
        }
      }
      const { records, partitions, batchBytes, acks, compression } = scenario
      const title =
        `${recordBytes} B records: ${records.toLocaleString('en')} a round, ${partitions} partitions, ` +
        `batch.size ${batchBytes}, acks=${acks}, ${compression === 'none' ? 'no compression' : compression}`
      tables.push(sheet.table(title))
    }
    const peaks = new Sheet()
    for (const { name, pid } of targets) {
      peaks.note(name, 'resident memory, highest', 'MB', residentMb(pid).peakMb)
    }
    tables.push(peaks.table('Memory over the whole run'))
  } finally {
    ballast?.close()
    for (const target of targets) await target.close()
    await (await javaTools()).close()
  }
  return tables
}

function report(tables: readonly Table[]): string {
  const given = process.argv.slice(2).filter((arg, i, all) => {
    return arg !== '--write' && all[i - 1] !== '--write'
  })
  return [
    '# Benchmarks',
    '',
    `odradek and Apache Kafka ${serverVersion}, side by side on one machine, driven in turn by Kafka's own`,
    `\`ProducerPerformance\` and \`ConsumerPerformance\` (${toolsVersion}). Each cell is the median of ${rounds} rounds, with the`,
    'lowest and the highest in brackets; the ratio is odradek divided by Kafka. MB is 10^6 bytes and GB 10^9 bytes of',
    'record values; broker CPU counts all threads of the broker, user and system.',
    '',
    `- Date: ${new Date().toISOString().slice(0, 10)}`,
    `- Machine: ${machine()}`,
    `- Command: \`npm run bench${given.length > 0 ? ` -- ${given.join(' ')}` : ''}\``,
    '- Kafka runs with the JVM options of its own start script; load generator and both brokers share the machine.',
    '',
    ...tables.map(renderTable),
  ].join('\n')
}

async function main(): Promise<void> {
  if (flags.help) {
    console.log(help)
    return
  }
  const missing = await javaMissing()
  if (missing !== null) throw new Error(`the benchmark needs Java 17 and Maven: ${missing}`)
  await getKafka()
  // A certificate bundle named in the environment slows the start of Node; it is not ours to measure.
  delete process.env.NODE_EXTRA_CA_CERTS
  const tables: Table[] = []
  if (flags.only !== 'load') tables.push(await measureStart())
  if (flags.only !== 'start')
    tables.push(...(await measureLoad(flags.sizes.split(',').map(Number))))
  const text = report(tables)
  console.log(text)
  if (flags.write !== undefined) writeFileSync(resolve(flags.write), text)
}

await main()

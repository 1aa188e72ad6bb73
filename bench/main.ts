import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from '../test/compat/free-port.ts'
import { needKafka, serverVersion, toolsVersion } from '../test/compat/kafka/jars.ts'
import { javaTools } from '../test/compat/kafka/tools.ts'
import { prepareKafka } from '../test/compat/targets.ts'
import { Ballast } from './ballast.ts'
import { type BigLog, measureBigLog } from './big-log.ts'
import { measureClusterTopics } from './cluster-topics.ts'
import { measureCompaction } from './compaction.ts'
import { measureFill } from './fill.ts'
import { measureGroups } from './groups.ts'
import { consume, createTopic, deleteTopic, produce, type Scenario } from './load.ts'
import { firstAnswerAtMs, residentMb, sleep, syncDisks } from './measure.ts'
import { type Columns, machine, median, renderColumns, renderTable, type Table } from './report.ts'
import { measureSecured } from './secured.ts'
import { Sheet } from './sheet.ts'
import { measureTail } from './tail.ts'
import { inTurn, Measured, ourSettings, sides } from './target.ts'
import { measureTopics } from './topics.ts'
import { measureTransactions } from './transactions.ts'

const help = `npm run bench -- [flags]      odradek and Apache Kafka ${serverVersion} side by side
  --rounds N            measured rounds, alternating (3)
  --sizes A,B,...       bytes of a record's value (100,1024,10240)
  --megabytes N         MB of values a round and size (500); at most 5 million records
  --partitions A,B,...  partitions of the topic (4)
  --batch-size N        the producer's batch.size in bytes (65536)
  --linger-ms N         the producer's linger.ms (5, Kafka's default)
  --acks 0|1|all        (1)
  --compression CODEC   none, gzip, snappy, lz4 or zstd (none)
  --paced-mb N          MB a second of the run that measures ack latency, with linger.ms=0 (5)
  --ballast             touches all free memory before each load, and keeps a page in a hundred kilobytes: on a virtual
                        machine whose host takes free memory back, those faults stay out of the figures (Linux; takes
                        a minute at first; as root it also has the kernel report less to its host until the end)
  --only A,B,...        only these parts (start,load):
                          start     start, idle, stop
                          load      produce and consume as fast as it goes, ack latency at --paced-mb
                          half      ack latency at half of the top rate that load measured for Kafka
                          tail      a reader at the tail: end-to-end latency, processor time
                          cold      --big-gb read when nothing of it is in the page cache (needs root)
                          compaction  --compacted-records compacted by both, and compared (needs kcat)
                          recovery  start after kill -9 with --big-gb in the log
                          fill      requests replayed by a client that costs next to nothing: 64 KB to 1 MB on 8
                                    connections, and 1 KB on 1 to 256
                          transactions  of 1, 100 and 10,000 records, one after the other
                          secured   the cost of TLS, and of an authorizer with a thousand ACLs (needs keytool)
                          groups    a hundred Java consumers join a group, of either protocol
                          topics    --many topics of one partition, one topic of as many
                          cluster-topics  --many topics of one partition in a cluster of three processes: until two brokers
                                    serve them, with odradek's controller, with Apache Kafka's, and Apache Kafka alone
  --odradek-set K=V     a setting for odradek only, and named in the titles; may be given more than once
  --before FILE         dist/cli.js of another build of odradek, which is measured as well
  --matrix              all parts, with --partitions 1,100; other flags as given
  --big-gb N            GB of 1 KB values for cold and recovery, in 4 partitions (5)
  --compacted-records N (1000000)
  --many N              partitions of the parts topics and cluster-topics (10000); the one topic is created with half of them and grows,
                        for 10,000 and their topic are more records than Kafka takes of one request
  --tail-records N      records of the end-to-end latency (5000)
  --paced-seconds N     seconds of each paced run; the first third warms up (15)
  --write FILE          writes the report to FILE as well; without it nothing is written`

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    sizes: { type: 'string', default: '100,1024,10240' },
    megabytes: { type: 'string', default: '500' },
    partitions: { type: 'string' },
    'batch-size': { type: 'string', default: '65536' },
    'linger-ms': { type: 'string', default: '5' },
    acks: { type: 'string', default: '1' },
    compression: { type: 'string', default: 'none' },
    'paced-mb': { type: 'string', default: '5' },
    ballast: { type: 'boolean', default: false },
    only: { type: 'string' },
    matrix: { type: 'boolean', default: false },
    'big-gb': { type: 'string', default: '5' },
    'compacted-records': { type: 'string', default: '1000000' },
    many: { type: 'string', default: '10000' },
    'tail-records': { type: 'string', default: '5000' },
    'paced-seconds': { type: 'string', default: '15' },
    write: { type: 'string' },
    'odradek-set': { type: 'string', multiple: true },
    before: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const allParts = [
  'start',
  'load',
  'half',
  'tail',
  'cold',
  'recovery',
  'compaction',
  'fill',
  'transactions',
  'secured',
  'groups',
  'topics',
  'cluster-topics',
] as const
const parts = new Set(flags.only?.split(',') ?? (flags.matrix ? allParts : ['start', 'load']))
const partitionCounts = (flags.partitions ?? (flags.matrix ? '1,100' : '4')).split(',').map(Number)
const rounds = Number(flags.rounds)
const say = (line: string) => process.stderr.write(`${line}\n`)

const recordsMax = 5_000_000
/** Seconds of the paced run for any record size; the first ones warm the producer up. */
const pacedSeconds = Number(flags['paced-seconds'])
const pacedWarmupSeconds = Math.floor(pacedSeconds / 3)

function scenarioOf(recordBytes: number, partitions: number): Scenario {
  const megabytes = Number(flags.megabytes)
  return {
    recordBytes,
    records: Math.min(recordsMax, Math.ceil((megabytes * 1e6) / recordBytes)),
    partitions,
    batchBytes: Number(flags['batch-size']),
    lingerMs: Number(flags['linger-ms']),
    acks: flags.acks,
    compression: flags.compression,
    pacedRecordsPerSecond: Math.ceil((Number(flags['paced-mb']) * 1e6) / recordBytes),
  }
}

/**
 * Idle memory is read this many ms after the first answer, when start-up garbage may be collected.
 */
const idleMs = 5_000

async function measureStart(): Promise<Table> {
  const sheet = new Sheet()
  for (let round = 0; round < rounds; round++) {
    for (const name of inTurn(sides, round)) {
      say(`start ${round + 1}/${rounds}: ${name}`)
      const dataDir = mkdtempSync(join(tmpdir(), `bench-${name}-`))
      const target = new Measured(name, { dataDir, port: await freePort() })
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

const ballast = flags.ballast ? new Ballast() : null

async function measureRound(sheet: Sheet, target: Measured, scenario: Scenario, topic: string) {
  const { side: name } = target
  const { recordBytes, records, partitions, pacedRecordsPerSecond } = scenario
  await createTopic(target, topic, partitions)
  const full = { records, recordsPerSecond: -1, warmupRecords: 0, lingerMs: scenario.lingerMs }
  syncDisks()
  ballast?.touch()
  const sent = await produce(target, topic, scenario, full)
  sheet.note(name, 'produce, records', '1/s', sent.recordsPerSecond)
  sheet.note(name, 'produce', 'MB/s', (sent.recordsPerSecond * recordBytes) / 1e6)
  sheet.noteCpu(name, 'produce', sent.cpu)
  const read = await consume(target, topic, scenario)
  sheet.note(name, 'consume, records', '1/s', read.recordsPerSecond)
  sheet.note(name, 'consume', 'MB/s', (read.recordsPerSecond * recordBytes) / 1e6)
  sheet.noteCpu(name, 'consume', read.cpu)
  const paced = await produce(target, topic, scenario, {
    records: pacedRecordsPerSecond * pacedSeconds,
    recordsPerSecond: pacedRecordsPerSecond,
    warmupRecords: pacedRecordsPerSecond * pacedWarmupSeconds,
    lingerMs: 0, // measures the broker's latency, not the producer's linger time
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

/** Measures the ack latency of both brokers at the same rate, half of Kafka's maximum. */
async function measureHalf(
  sheet: Sheet,
  targets: readonly Measured[],
  scenario: Scenario,
): Promise<void> {
  const top = median(sheet.values('kafka', 'produce, records'))
  const recordsPerSecond = Math.floor(top / 2)
  const topic = `half-${scenario.recordBytes}-${scenario.partitions}`
  for (const target of targets) await createTopic(target, topic, scenario.partitions)
  for (let round = 0; round < rounds; round++) {
    for (const name of inTurn(sides, round)) {
      say(`half of Kafka's top rate, ${recordsPerSecond}/s, ${round + 1}/${rounds}: ${name}`)
      const target = targets.find(({ side }) => side === name)!
      const paced = await produce(target, topic, scenario, {
        records: recordsPerSecond * pacedSeconds,
        recordsPerSecond,
        warmupRecords: recordsPerSecond * pacedWarmupSeconds,
        lingerMs: scenario.lingerMs,
      })
      const mark = "ack latency at half of Kafka's top rate"
      sheet.note(name, `${mark}, p50`, 'ms', paced.p50Ms)
      sheet.note(name, `${mark}, p99`, 'ms', paced.p99Ms)
      sheet.note(name, `${mark}, p99.9`, 'ms', paced.p999Ms)
      sheet.note(name, `${mark}, reached`, '1/s', paced.recordsPerSecond)
    }
  }
  for (const target of targets) await deleteTopic(target, topic)
}

async function measureLoad(scenarios: readonly Scenario[]): Promise<Table[]> {
  const targets = sides.map((name) => new Measured(name))
  const tables: Table[] = []
  try {
    for (const target of targets) await target.start()
    await javaTools()
    for (const scenario of scenarios) {
      const { recordBytes, records, partitions, batchBytes, acks, compression } = scenario
      const mark = `${recordBytes} B, ${partitions} partitions`
      const sheet = new Sheet()
      if (parts.has('load') || parts.has('half')) {
        // Warms up with a whole round: JIT compilation during the first gigabyte says little about
        // a server that runs for days.
        for (const target of targets) {
          say(`${mark}: warming up ${target.side}`)
          await measureRound(new Sheet(), target, scenario, `warm-${recordBytes}-${partitions}`)
        }
        for (let round = 0; round < rounds; round++) {
          for (const name of inTurn(sides, round)) {
            say(`${mark} ${round + 1}/${rounds}: ${name}`)
            const target = targets.find(({ side }) => side === name)!
            const topic = `bench-${recordBytes}-${partitions}-${round}`
            await measureRound(sheet, target, scenario, topic)
          }
        }
      }
      if (parts.has('half')) await measureHalf(sheet, targets, scenario)
      if (parts.has('tail')) {
        for (let round = 0; round < rounds; round++) {
          for (const name of inTurn(sides, round)) {
            say(`${mark}, at the tail ${round + 1}/${rounds}: ${name}`)
            const target = targets.find(({ side }) => side === name)!
            const topic = `tail-${recordBytes}-${partitions}-${round}`
            const o = { seconds: pacedSeconds, latencyRecords: Number(flags['tail-records']) }
            await measureTail(sheet, target, scenario, topic, o)
          }
        }
      }
      const title =
        `${recordBytes} B records: ${records.toLocaleString('en')} a round, ${partitions} partitions, ` +
        `batch.size ${batchBytes}, acks=${acks}, ${compression === 'none' ? 'no compression' : compression}`
      tables.push(sheet.table(title))
    }
    const peaks = new Sheet()
    for (const { side, pid } of targets) {
      peaks.note(side, 'resident memory, highest', 'MB', residentMb(pid).peakMb)
    }
    tables.push(peaks.table('Memory over the whole run'))
  } finally {
    for (const target of targets) await target.close()
  }
  return tables
}

const set = Object.entries(ourSettings).map(([key, value]) => `${key}=${value}`)
/** Adds odradek's settings to the title of a table whose two sides are set up differently. */
const marked = (table: Table): Table =>
  set.length === 0 ? table : { ...table, title: `${table.title}; odradek with ${set.join(', ')}` }

/** Flags whose values say nothing to others: they are left out of the command in the report. */
const left = new Set(['--write', '--before'])

function report(tables: readonly Table[], columns: readonly Columns[]): string {
  const given = process.argv.slice(2).filter((arg, i, all) => {
    return !left.has(arg) && !left.has(all[i - 1] ?? '')
  })
  return [
    '# Benchmarks',
    '',
    `odradek and Apache Kafka ${serverVersion}, side by side on one machine, driven in turn by Kafka's own`,
    `\`ProducerPerformance\` and \`ConsumerPerformance\` (${toolsVersion}). Each cell is the median of ${rounds} rounds, with the`,
    'lowest and the highest in brackets; the ratio is odradek divided by Kafka. MB is 10^6 bytes and GB 10^9 bytes of',
    'record values; broker CPU counts all threads of the broker, user and system. One round of each load goes before,',
    'for both, and is not counted; before each load the disks are synced.',
    ...(sides.includes('before')
      ? ['`before` is an older build of odradek, and has a ratio of its own.']
      : []),
    '',
    `- Date: ${new Date().toISOString().slice(0, 10)}`,
    `- Machine: ${machine()}`,
    `- Command: \`npm run bench${given.length > 0 ? ` -- ${given.join(' ')}` : ''}\``,
    '- Kafka runs with the JVM options of its own start script; load generator and both brokers share the machine.',
    '',
    ...tables.map((table) => renderTable(marked(table))),
    ...columns.map(renderColumns),
  ].join('\n')
}

async function main(): Promise<void> {
  if (flags.help) {
    console.log(help)
    return
  }
  await needKafka()
  // A certificate bundle named in the environment slows Node's start; it must not be measured.
  delete process.env.NODE_EXTRA_CA_CERTS
  const unknown = [...parts].filter((part) => !allParts.includes(part as (typeof allParts)[number]))
  if (unknown.length > 0) throw new Error(`--only knows ${allParts.join(', ')}, not ${unknown}`)
  const tables: Table[] = []
  if (parts.has('start')) tables.push(await measureStart())
  if (['load', 'half', 'tail'].some((part) => parts.has(part))) {
    const sizes = flags.sizes.split(',').map(Number)
    const scenarios = sizes.flatMap((size) => partitionCounts.map((n) => scenarioOf(size, n)))
    tables.push(...(await measureLoad(scenarios)))
  }
  if (parts.has('cold') || parts.has('recovery')) {
    const big: BigLog = {
      scenario: {
        ...scenarioOf(1024, 4),
        records: Math.ceil((Number(flags['big-gb']) * 1e9) / 1024),
      },
      isReadCold: parts.has('cold'),
      isRecovered: parts.has('recovery'),
    }
    tables.push(await measureBigLog(big, sides, say, ballast))
  }
  if (parts.has('compaction')) {
    tables.push(await measureCompaction(Number(flags['compacted-records']), sides, say))
  }
  if (parts.has('fill')) tables.push(...(await measureFill(rounds, sides, say)))
  if (parts.has('transactions')) {
    tables.push(await measureTransactions({ rounds, seconds: pacedSeconds }, sides, say))
  }
  if (parts.has('secured')) {
    const scenario = scenarioOf(1024, partitionCounts[0]!)
    tables.push(...(await measureSecured({ rounds, scenario, say })))
  }
  if (parts.has('groups')) tables.push(await measureGroups(rounds, sides, say))
  if (parts.has('topics')) {
    tables.push(...(await measureTopics({ count: Number(flags.many), rounds }, sides, say)))
  }
  const columns: Columns[] = []
  if (parts.has('cluster-topics')) {
    columns.push(await measureClusterTopics({ count: Number(flags.many), rounds }, say))
  }
  const text = report(tables, columns)
  console.log(text)
  if (flags.write !== undefined) writeFileSync(resolve(flags.write), text)
  await (await javaTools()).close()
}

await main().finally(() => ballast?.close())

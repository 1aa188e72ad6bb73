import { startJava } from '../test/compat/kafka/java.ts'
import { javaTools, mainClassOf, type Tool } from '../test/compat/kafka/tools.ts'
import { cpuSeconds } from './measure.ts'

/** How the tools reach a broker, and the process whose CPU time is measured. */
export interface Addressed {
  readonly bootstrap: string
  readonly pid: number
  /** A properties file with the tools' security settings. */
  readonly commandConfig?: string | undefined
}

/** One kind of load. Sizes are bytes of a record's value. */
export interface Scenario {
  readonly recordBytes: number
  readonly records: number
  readonly partitions: number
  readonly batchBytes: number
  readonly lingerMs: number
  readonly acks: string
  readonly compression: string
  /** Records per second of the latency run, well below the capacity of either broker. */
  readonly pacedRecordsPerSecond: number
}

/** CPU seconds of the broker per 10^9 bytes of values. */
export interface CpuPerGb {
  readonly user: number
  readonly system: number
}

export interface ProduceResult {
  readonly recordsPerSecond: number
  readonly cpu: CpuPerGb
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
}
export interface ConsumeResult {
  readonly recordsPerSecond: number
  readonly cpu: CpuPerGb
}

const runTimeoutMs = 1_200_000

/** Runs a performance tool in its own JVM, as its script does. */
export async function perf(tool: Tool, args: readonly string[]): Promise<string> {
  const program = startJava(mainClassOf(tool), args, { jvm: ['-Xmx512m', '-XX:+UseG1GC'] })
  const { code, stdout } = await program.end(runTimeoutMs)
  if (code !== 0) throw new Error(program.describe())
  return stdout
}

/** Measures the broker's CPU time while `work` runs. */
export async function withCpu<T>(target: Addressed, bytes: number, work: () => Promise<T>) {
  const before = cpuSeconds(target.pid)
  const result = await work()
  const after = cpuSeconds(target.pid)
  const perGb = (field: keyof CpuPerGb) => (after[field] - before[field]) / (bytes / 1e9)
  return { result, cpu: { user: perGb('user'), system: perGb('system') } }
}

const at = (target: Addressed, topic: string) => [
  ...['--bootstrap-server', target.bootstrap],
  ...['--topic', topic],
]

const configOf = ({ commandConfig }: Addressed) =>
  commandConfig === undefined ? [] : ['--command-config', commandConfig]

export async function createTopic(target: Addressed, topic: string, partitions: number) {
  const tools = await javaTools()
  const args = ['--create', '--partitions', String(partitions), ...at(target, topic)]
  await tools.ask('topics', args)
}

export async function deleteTopic(target: Addressed, topic: string): Promise<void> {
  await (await javaTools()).ask('topics', ['--delete', ...at(target, topic)])
}

/** The pace of a producer run. */
export interface Pace {
  readonly records: number
  /** -1: unlimited. */
  readonly recordsPerSecond: number
  /** The first records, excluded from the figures because the producer's JVM is cold. 0: none. */
  readonly warmupRecords: number
  readonly lingerMs: number
}

export async function produce(
  target: Addressed,
  topic: string,
  scenario: Scenario,
  pace: Pace,
): Promise<ProduceResult> {
  const { recordBytes, batchBytes, acks, compression } = scenario
  const { records, recordsPerSecond, warmupRecords, lingerMs } = pace
  const properties = [
    `acks=${acks}`,
    `batch.size=${batchBytes}`,
    `linger.ms=${lingerMs}`,
    `compression.type=${compression}`,
    // An idempotent producer needs acks=all; other values need a plain producer.
    `enable.idempotence=${acks === 'all' || acks === '-1'}`,
  ]
  const args = [
    ...at(target, topic),
    ...['--num-records', String(records), '--record-size', String(recordBytes)],
    ...['--throughput', String(recordsPerSecond)],
    ...(warmupRecords > 0 ? ['--warmup-records', String(warmupRecords)] : []),
    ...configOf(target),
    ...['--command-property', ...properties],
  ]
  const { result, cpu } = await withCpu(target, records * recordBytes, () =>
    perf('producer-perf', args),
  )
  const last = result.trim().split('\n').at(-1) ?? ''
  const number = (pattern: RegExp) => {
    const found = pattern.exec(last)?.[1]
    if (found === undefined) throw new Error(`cannot read the producer's last line: ${last}`)
    return Number(found)
  }
  if (number(/^(\d+) (?:steady state )?records sent/) !== records - warmupRecords)
    throw new Error(`not all were sent: ${last}`)
  return {
    recordsPerSecond: number(/, ([\d.]+) records\/sec/),
    cpu,
    p50Ms: number(/, (\d+) ms 50th/),
    p99Ms: number(/, (\d+) ms 99th/),
    p999Ms: number(/, (\d+) ms 99\.9th/),
  }
}

/** Reads the topic from its start; excludes the time until the group is formed. */
export async function consume(
  target: Addressed,
  topic: string,
  scenario: Pick<Scenario, 'records' | 'recordBytes'>,
  more: readonly string[] = [],
): Promise<ConsumeResult> {
  const { records, recordBytes } = scenario
  const args = [
    ...at(target, topic),
    '--num-records',
    String(records),
    ...configOf(target),
    ...more,
  ]
  const { result, cpu } = await withCpu(target, records * recordBytes, () =>
    perf('consumer-perf', args),
  )
  const [header = '', row = ''] = result.trim().split('\n').slice(-2)
  const cell = (name: string) => Number(row.split(', ')[header.split(', ').indexOf(name)])
  const read = cell('data.consumed.in.nMsg')
  if (!(read >= records)) throw new Error(`read ${read} of ${records} records: ${result}`)
  return { recordsPerSecond: cell('fetch.nMsg.sec'), cpu }
}

import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Dice } from '../fuzz/mutate.ts'
import { compile, startJava } from '../test/compat/kafka/java.ts'
import { javaTools, mainClassOf } from '../test/compat/kafka/tools.ts'
import { asker } from '../test/compat/process.ts'
import { type Settings, startBroker } from '../test/compat/targets.ts'
import { KafkajsLoad } from './kafkajs-load.ts'

/** Settings under which segments often roll, and are often cleaned, deleted and checkpointed. */
export const crashSettings: Settings = {
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 3,
  'log.roll.ms': 700,
  'log.roll.jitter.ms': 300,
  'log.retention.check.interval.ms': 250,
  'log.cleaner.backoff.ms': 100,
  'log.segment.delete.delay.ms': 300,
  'log.flush.scheduler.interval.ms': 1_000,
  'log.flush.offset.checkpoint.interval.ms': 300,
  'log.flush.start.offset.checkpoint.interval.ms': 300,
  'replica.high.watermark.checkpoint.interval.ms': 300,
}

const segmentBytes = 1024 * 1024
const topics: Readonly<Record<string, readonly string[]>> = {
  plain: ['3', `segment.bytes=${segmentBytes}`, 'segment.ms=5000'],
  retained: ['2', `segment.bytes=${segmentBytes}`, `retention.bytes=${2 * segmentBytes}`],
  compacted: [
    ...['2', 'cleanup.policy=compact', 'min.cleanable.dirty.ratio=0.05'],
    ...['delete.retention.ms=200', `segment.bytes=${segmentBytes}`],
  ],
  kafkajs: ['2', `segment.bytes=${segmentBytes}`, 'segment.ms=5000', 'flush.messages=200'],
}

export interface CrashOptions {
  readonly rounds: number
  readonly seed: number
  /** All logs are read from the beginning once in this many rounds. */
  readonly fullEvery: number
  readonly say: (line: string) => void
}

export interface CrashResult {
  readonly kills: number
  readonly acknowledged: number
  readonly read: number
  readonly commits: number
  readonly filesDumped: number
}

/**
 * Kills come within this time (ms) of the start; in one of `killAtStartOneIn` rounds during the
 * start.
 */
const aliveMsMax = 1_500
/** Start timeout in ms, long enough for a machine with other load. */
const startMsAtMost = 300_000
const killAtStartOneIn = 6
const startMsMax = 150

/**
 * Kills the broker repeatedly under producers, a group, and topics that are created and deleted.
 * After each start all acknowledged data must be there, in order, once. Finally `kafka-dump-log`
 * reads every file.
 *
 * @throws Error naming the lost data; the data directory is kept then.
 */
export async function crashLoop(o: CrashOptions): Promise<CrashResult> {
  const dataDir = mkdtempSync(join(tmpdir(), 'crash-'))
  const broker = await startBroker({ dataDir, settings: crashSettings, timeoutMs: startMsAtMost })
  await createCrashTopics(broker.bootstrap)
  const java = startJava(mainClassOf('crash-load'), [broker.bootstrap], {
    extra: [await compile()],
    jvm: ['-Xmx512m', '-XX:+UseSerialGC'],
  })
  const tell = (line: string) => java.child.stdin?.write(`${line}\n`)
  const load = new KafkajsLoad(broker.bootstrap, (n, offset) => tell(`ack ${n % 2} ${n} ${offset}`))
  try {
    const dice = new Dice(o.seed)
    const ask = asker<'check' | 'full' | 'finish'>(java, answerMsMax)
    await load.start()
    let kills = 0
    let read = 0
    for (let round = 1; round <= o.rounds; round++) {
      await pause(dice.below(aliveMsMax))
      await broker.kill9()
      kills++
      while (dice.below(killAtStartOneIn) === 0) {
        const starting = broker.start().catch(() => {})
        await pause(dice.below(startMsMax))
        await broker.kill9()
        await starting
        kills++
      }
      await broker.start()
      load.check()
      const [soFar = 0, readNow = 0] = await ask(round % o.fullEvery === 0 ? 'full' : 'check')
      read += readNow
      o.say(`round ${round}: ${kills} kills, ${soFar} records acknowledged`)
    }
    await load.stop()
    const [acknowledged = 0, readAtLast = 0, commits = 0] = await ask('finish')
    await broker.stop()
    const filesDumped = await dumpAll(dataDir)
    rmSync(dataDir, { recursive: true, force: true })
    return { kills, acknowledged, read: read + readAtLast, commits, filesDumped }
  } catch (error) {
    const saved = `${dataDir}.said`
    writeFileSync(saved, [broker, java].map((one) => one.describe(saidCharsMax)).join('\n'))
    const why = `${(error as Error).message}; see ${saved} and ${dataDir}`
    throw new Error(`seed ${o.seed}: ${why}`, { cause: error })
  } finally {
    load.abandon()
    await java.kill('SIGKILL')
    await broker.kill9()
  }
}

/** Characters of each program's last output to keep in the file that a failure leaves. */
const saidCharsMax = 4 * 1024 * 1024

/** Creates the topics that `CrashLoad.java` and {@link KafkajsLoad} write to. */
export async function createCrashTopics(bootstrap: string): Promise<void> {
  const tools = await javaTools()
  for (const [topic, [partitions, ...configs]] of Object.entries(topics)) {
    await tools.ask('topics', [
      ...['--bootstrap-server', bootstrap, '--create', '--topic', topic],
      ...['--partitions', String(partitions)],
      ...configs.flatMap((config) => ['--config', config]),
    ])
  }
}

const answerMsMax = 400_000

/** Output of kafka-dump-log for an invalid file. */
const complaint = /mismatch|Exception|Invalid|Found|Can't|corrupt|isvalid: false/i

/** Files per call of the tool: it starts slowly, and command lines have a maximum length. */
const filesPerDump = 40

async function dumpAll(dataDir: string): Promise<number> {
  const byKind: Record<'logs' | 'indexes' | 'others', string[]> = {
    logs: [],
    indexes: [],
    others: [],
  }
  for (const partition of readdirSync(dataDir)) {
    const folder = join(dataDir, partition)
    if (!statSync(folder).isDirectory() || partition.endsWith('-delete')) continue
    for (const name of readdirSync(folder)) {
      if (name.endsWith('.log')) byKind.logs.push(join(folder, name))
      else if (/\.(timeindex|index)$/.test(name)) byKind.indexes.push(join(folder, name))
      else if (/\.(snapshot|txnindex)$/.test(name)) byKind.others.push(join(folder, name))
    }
  }
  await dump(byKind.logs, '--deep-iteration', '--verify-index-only')
  await dump(byKind.indexes, '--index-sanity-check')
  await dump(byKind.others)
  return Object.values(byKind).reduce((sum, { length }) => sum + length, 0)
}

async function dump(files: readonly string[], ...args: string[]): Promise<void> {
  const tools = await javaTools()
  for (let i = 0; i < files.length; i += filesPerDump) {
    const some = files.slice(i, i + filesPerDump)
    const { code, stdout, stderr } = await tools.call('dump-log', ['--files', some.join(), ...args])
    // The tool reports the gaps that compaction leaves; for other topics the reader checks for
    // gaps.
    const faults = stderr.replace(
      /^Non-consecutive offsets in .*\n( +-?\d+ is followed by \d+\n)*/gm,
      '',
    )
    const found = complaint.exec(stdout)
    if (code === 0 && faults.trim() === '' && found === null) continue
    const around =
      found === null ? '' : stdout.slice(Math.max(0, found.index - 500), found.index + 200)
    throw new Error(`kafka-dump-log ${args.join(' ')}: ${code} ${faults} ${around}`)
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

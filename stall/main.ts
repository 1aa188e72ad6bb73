import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { errorName } from '../src/protocol/errors.ts'
import { findCoordinator } from '../src/protocol/messages/10-find-coordinator.ts'
import { createTopics } from '../src/protocol/messages/19-create-topics.ts'
import { createPartitions } from '../src/protocol/messages/37-create-partitions.ts'
import { exitAfter } from '../test/compat/process.ts'
import { projectRoot } from '../test/compat/project-root.ts'
import { startBroker, type Target, targetName } from '../test/compat/targets.ts'
import { answersIn } from './answers.ts'
import { floodMs, type StallCase } from './case.ts'
import { adminCases } from './cases/admin.ts'
import { groupCases } from './cases/groups.ts'
import { largeTopic, many, times, topicName, wideTopic, zstdTopic } from './cases/many.ts'
import { recordCases } from './cases/records.ts'
import { Heartbeat } from './heartbeat.ts'
import { Sender } from './sender.ts'
import { merged, type Row, tableOf } from './table.ts'

const help = `npm run stall -- [flags]     how long a client waits while others ask for much
  --only TEXT      cases whose title has the text; several: A|B
  --runs N         runs of each case; the median counts (3)
  --topics N       topics that are there, and partitions of the widest (10000)
  --write          writes what was measured into the table of docs/stall.md
  ODRADEK_COMPAT_TARGET=kafka asks Apache Kafka.`

/** The goal in ms: the longest wait of a client that sends a request each millisecond. */
const goalMs = 100
/** After this time (ms) memory must be at most twice its amount before the case. */
const memoryMs = 15_000
const memoryFactor = 2

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    runs: { type: 'string', default: '3' },
    topics: { type: 'string', default: String(many) },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!

function residentBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return Number.NaN
  }
}

async function makeTopics(sender: Sender): Promise<void> {
  const count = Number(flags.topics)
  const draft = (name: string, numPartitions: number, configs: object[] = []) => ({
    ...{ name, numPartitions, replicationFactor: 1, assignments: [], configs },
  })
  const zstd = [{ name: 'compression.type', value: 'zstd' }]
  const large = [{ name: 'max.message.bytes', value: '100000000' }]
  const make = async (topics: object[]) => {
    const made = await sender.ask(createTopics, 7, { topics, timeoutMs: 600_000 })
    for (const { name, errorCode } of made.topics) {
      if (errorCode !== 0) throw new Error(`${name} is not made: ${errorName(errorCode)}`)
    }
  }
  // One request may create at most 10,000 metadata records (`MAX_RECORDS_PER_USER_OP`).
  await make([
    draft(wideTopic, Math.ceil(count / 2)),
    ...[draft(zstdTopic, 100, zstd), draft(largeTopic, 1, large)],
  ])
  const wider = [{ name: wideTopic, count, assignments: null }]
  await sender.ask(createPartitions, 3, { topics: wider, timeoutMs: 600_000, validateOnly: false })
  for (let from = 0; from < count; from += 1000) {
    await make(times(Math.min(1000, count - from), (i) => draft(topicName(from + i), 1)))
  }
  await awaitCoordinators(sender)
}

/**
 * Waits for the coordinators; the first request creates `__consumer_offsets` and
 * `__transaction_state`.
 */
async function awaitCoordinators(sender: Sender): Promise<void> {
  for (const keyType of [0, 1]) {
    const found = async () => {
      const { coordinators } = await sender.ask(findCoordinator, 6, {
        ...{ keyType, coordinatorKeys: ['any'] },
      })
      return coordinators[0].errorCode === 0
    }
    while (!(await found())) await sleep(50)
  }
}

/** Sends the requests of a case; returns the answers, null for those lost with the connection. */
async function send(
  port: number,
  { isPipelined, isSpread, connections }: StallCase,
  frames: readonly Buffer[],
): Promise<readonly (Buffer | null)[]> {
  if (connections !== undefined) return flood(port, connections, frames)
  if (isSpread) {
    const each = await Promise.all(frames.map((frame) => sendOn(port, false, [frame])))
    return each.flat()
  }
  return sendOn(port, isPipelined === true, frames)
}

async function flood(port: number, connections: number, frames: readonly Buffer[]) {
  const senders = times(connections, () => new Sender(port))
  const firsts: Buffer[] = []
  const keep = (frame: Buffer | null) => void (frame !== null && firsts.push(frame))
  for (const sender of senders) {
    const [first, ...others] = frames
    void sender.send(first!).then(keep)
    for (const other of others) void sender.send(other)
  }
  await sleep(floodMs)
  for (const sender of senders) sender.close()
  return firsts
}

async function sendOn(port: number, isPipelined: boolean, frames: readonly Buffer[]) {
  const sender = new Sender(port)
  try {
    if (isPipelined) return await Promise.all(frames.map((frame) => sender.send(frame)))
    const answers: (Buffer | null)[] = []
    for (const frame of frames) answers.push(await sender.send(frame))
    return answers
  } finally {
    sender.close()
  }
}

async function measure(one: StallCase, target: Target, heartbeat: Heartbeat): Promise<Row> {
  const sender = new Sender(target.port)
  let bytes = 0
  const before = residentBytes(target.pid)
  const worst: number[] = []
  const took: number[] = []
  let answered: readonly (Buffer | null)[] = []
  for (let run = 0; run < Number(flags.runs); run++) {
    const bodies = await one.bodies(sender, run)
    const frames = bodies.map((body) => Sender.frame(one.api, one.version, body))
    bytes = frames.reduce((sum, frame) => sum + frame.length, 0)
    const startedMs = performance.now()
    const seen = await heartbeat.during(async () => {
      const giveUp = sleep(60_000).then(() => [null])
      answered = await Promise.race([send(target.port, one, frames), giveUp])
      took.push(performance.now() - startedMs)
      await sleep(30)
    })
    worst.push(seen.worstMs)
  }
  sender.close()
  let after = residentBytes(target.pid)
  const highest = after
  const untilMs = performance.now() + memoryMs
  while (after > before * memoryFactor && performance.now() < untilMs) {
    await sleep(500)
    after = residentBytes(target.pid)
  }
  const { title, reason = null, expects = ['NONE'] } = one
  const answers = answersIn(one.api, one.version, answered)
  return {
    ...{ title, bytes, reason, waitMs: median(worst), tookMs: median(took), answers },
    isAsExpected: bytes === 0 || expects.every((name) => answers.has(name)),
    load: loadavg()[0]! / availableParallelism(),
    memory: { before, highest, after },
  }
}

/** A case without requests: the wait that the machine itself causes. */
const floor: StallCase = {
  ...{ title: '(nothing)', api: createTopics, version: 7, bodies: () => [] },
}

const all: readonly StallCase[] = [...adminCases, ...recordCases, ...groupCases]

async function main(): Promise<void> {
  if (flags.help) return console.log(help)
  const cases = all.filter(({ title }) =>
    flags.only.split('|').some((text) => title.toLowerCase().includes(text.toLowerCase())),
  )
  const target = await startBroker({
    timeoutMs: 120_000,
    settings: {
      'group.initial.rebalance.delay.ms': 100,
      ...(targetName === 'kafka' ? {} : { 'odradek.telemetry.enabled': true }),
    },
  })
  const rows: Row[] = []
  let heartbeat: Heartbeat | null = null
  try {
    const sender = new Sender(target.port)
    await makeTopics(sender)
    sender.close()
    heartbeat = new Heartbeat(target.port)
    for (const one of [floor, ...cases]) {
      const row = await measure(one, target, heartbeat)
      rows.push(row)
      console.log(tableOf([row]).split('\n').at(-1))
    }
  } finally {
    heartbeat?.close()
    await target.close()
  }
  const table = tableOf(rows)
  console.log(`\n${targetName}\n${table}`)
  if (flags.write) writeTable(table)
  const slow = rows.filter(({ waitMs, reason }) => waitMs > goalMs && reason === null)
  const fat = rows.filter(
    ({ memory, reason }) => reason === null && memory.after > memory.before * memoryFactor,
  )
  for (const { title, waitMs } of slow)
    console.log(`above ${goalMs} ms: ${title} (${waitMs.toFixed(0)} ms)`)
  for (const { title } of fat) console.log(`memory is not given back: ${title}`)
  const odd = rows.filter(({ isAsExpected }) => !isAsExpected)
  for (const { title } of odd) console.log(`not answered as expected: ${title}`)
  if (slow.length + fat.length + odd.length > 0) process.exitCode = 1
}

function writeTable(table: string): void {
  const path = join(projectRoot, 'docs', 'stall.md')
  const text = readFileSync(path, 'utf8')
  const [head, old = ''] = text.split('<!-- table -->')
  const titles = [floor, ...all].map(({ title }) => title)
  writeFileSync(path, `${head}<!-- table -->\n${merged(old, table, titles)}\n`)
}

exitAfter(main())

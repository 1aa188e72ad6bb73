import { once } from 'node:events'
import { connect } from 'node:net'
import { requestFrame } from '../src/protocol/frame.ts'
import { FrameCutter } from '../src/protocol/frame-cutter.ts'
import { produce } from '../src/protocol/messages/00-produce.ts'
import { writeBatch } from '../src/protocol/records/record.ts'
import type { Settings } from '../test/compat/targets.ts'
import { type Addressed, createTopic, deleteTopic } from './load.ts'
import { cpuSecondsInAll, syncDisks } from './measure.ts'
import type { Table } from './report.ts'
import { Sheet } from './sheet.ts'
import { inTurn, Measured, type Side } from './target.ts'

interface Fill {
  readonly port: number
  readonly topic: string
  /** One connection per partition. */
  readonly connections: number
  /** Size in bytes of the only batch of each request. */
  readonly batchBytes: number
  readonly requestsInFlight: number
  /** Total bytes of all connections. */
  readonly bytes: number
}

/** Returns a Produce frame with 1 KB records. */
function frameOf(topic: string, index: number, batchBytes: number): Buffer {
  const valueBytes = 1024 - 10
  const count = Math.max(1, Math.floor(batchBytes / 1024))
  const value = Buffer.alloc(Math.min(valueBytes, batchBytes), 'v')
  const records = Array.from({ length: count }, () => ({ key: null, value, timestampMs: 1 }))
  const partitionData = [{ index, records: writeBatch({ records }) }]
  const body = { acks: 1, timeoutMs: 30_000, topicData: [{ name: topic, partitionData }] }
  return Buffer.concat(requestFrame(produce, 9, { correlationId: 1, clientId: 'fill' }, body))
}

/**
 * Sends the same frame repeatedly on each connection.
 *
 * @returns the seconds, and the latency in ms of each answer.
 */
async function fill(o: Fill): Promise<{ seconds: number; latenciesMs: number[] }> {
  const latenciesMs: number[] = []
  const startedMs = performance.now()
  const each = Math.ceil(o.bytes / o.connections / o.batchBytes)
  await Promise.all(
    Array.from({ length: o.connections }, (_, i) => fillOne(o, i, each, latenciesMs)),
  )
  return { seconds: (performance.now() - startedMs) / 1000, latenciesMs }
}

async function fillOne(o: Fill, index: number, requests: number, latenciesMs: number[]) {
  const socket = connect({ port: o.port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const frame = frameOf(o.topic, index, o.batchBytes)
  const sentAtMs: number[] = []
  let sent = 0
  let answered = 0
  const send = () => {
    while (sent < requests && sent - answered < o.requestsInFlight) {
      sentAtMs.push(performance.now())
      sent++
      socket.write(frame)
    }
  }
  const cutter = new FrameCutter(1 << 20)
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the broker closed the connection')))
    socket.on('data', (piece) =>
      cutter.push(piece, () => {
        latenciesMs.push(performance.now() - sentAtMs[answered]!)
        answered++
        if (answered === requests) resolve()
        else send()
      }),
    )
    send()
  })
  socket.destroy()
}

/**
 * Loads that saturate a core of the broker: requests of one batch, replayed on eight connections.
 */
const fills = [65_536, 262_144, 1_000_000].map((batchBytes) => ({
  ...{ batchBytes, connections: 8, requestsInFlight: 4, bytes: 2e9 },
  mark: `${Math.round(batchBytes / 1024)} KB`,
}))
/** Bytes of a load that is synced; a disk takes them more slowly than a page cache. */
const syncedBytes = 5e8
/** One 1 KB record in flight per connection. */
const singles = [1, 16, 64, 256].map((connections) => ({
  ...{ batchBytes: 1024, connections, requestsInFlight: 1, bytes: connections === 1 ? 2e7 : 1e8 },
  mark: `${connections} connections`,
}))

const percentile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!

/** Settings with which a broker syncs each batch before it is acknowledged. */
const synced = (side: Side): Settings =>
  side === 'kafka' ? { 'log.flush.interval.messages': 1 } : { 'odradek.sync.before.ack': true }

/**
 * Measures the brokers with a client that costs next to nothing, because it sends the same bytes
 * repeatedly. The figures show the broker's work, not that of a producer beside it.
 */
export async function measureFill(
  rounds: number,
  names: readonly Side[],
  say: (line: string) => void,
): Promise<Table[]> {
  const [full, single, whenSynced] = [new Sheet(), new Sheet(), new Sheet()]
  const o = { rounds, say }
  await onAll(
    names.map((name) => new Measured(name)),
    o,
    async (target, round) => {
      for (const load of fills) await measureFull(target, load, round, noted(full, round))
      for (const load of singles) await measureSingle(target, load, round, noted(single, round))
    },
  )
  const targets = names.map((name) => new Measured(name, { settings: synced(name) }))
  await onAll(targets, o, async (target, round) => {
    for (const load of fills) {
      await measureFull(target, { ...load, bytes: syncedBytes }, round, noted(whenSynced, round))
    }
  })
  const replayed = 'Produce requests of one batch replayed on 8 connections, 4 in flight each'
  return [
    full.table(replayed),
    whenSynced.table(`${replayed}; synced before they are acknowledged`),
    single.table('One Produce request of 1 KB in flight on each connection'),
  ]
}

/** Round 0 warms up: what it gives is thrown away. */
const noted = (sheet: Sheet, round: number) => (round === 0 ? new Sheet() : sheet)

/** Starts the brokers and calls `measure` with one after the other in each round. */
async function onAll(
  targets: readonly Measured[],
  o: { readonly rounds: number; readonly say: (line: string) => void },
  measure: (target: Measured, round: number) => Promise<void>,
): Promise<void> {
  try {
    for (const target of targets) await target.start()
    for (let round = 0; round <= o.rounds; round++) {
      for (const target of inTurn(targets, round)) {
        o.say(`fill ${round}/${o.rounds}: ${target.side}`)
        await measure(target, round)
      }
    }
  } finally {
    for (const target of targets) await target.close()
  }
}

export type Load = Omit<Fill, 'port' | 'topic'> & { readonly mark: string }

type Filled = Addressed & { readonly port: number }

/** Runs a load on a topic of its own; `cpu` is in seconds, of all the broker's threads. */
export async function runFill(target: Filled, { mark, ...load }: Load, round: number) {
  const topic = `fill-${mark.replaceAll(' ', '-')}-${round}`
  await createTopic(target, topic, load.connections)
  syncDisks()
  const before = cpuSecondsInAll(target.pid)
  const { seconds, latenciesMs } = await fill({ port: target.port, topic, ...load })
  const cpu = cpuSecondsInAll(target.pid) - before
  await deleteTopic(target, topic)
  return { seconds, cpu, latenciesMs: latenciesMs.toSorted((a, b) => a - b) }
}

async function measureFull(target: Measured, load: Load, round: number, sheet: Sheet) {
  const { seconds, cpu, latenciesMs } = await runFill(target, load, round)
  const gigabytes = load.bytes / 1e9
  sheet.note(target.side, `${load.mark}, written`, 'MB/s', (gigabytes * 1e3) / seconds)
  sheet.note(target.side, `${load.mark}, cores used`, '', cpu / seconds)
  sheet.note(target.side, `${load.mark}, broker CPU`, 's/GB', cpu / gigabytes)
  noteLatencies(sheet, target.side, load.mark, latenciesMs)
}

async function measureSingle(target: Measured, load: Load, round: number, sheet: Sheet) {
  const { seconds, cpu, latenciesMs } = await runFill(target, load, round)
  const requests = latenciesMs.length
  sheet.note(target.side, `${load.mark}, requests`, '1/s', requests / seconds)
  const what = `${load.mark}, requests for a second of broker CPU`
  sheet.note(target.side, what, '', requests / cpu)
  noteLatencies(sheet, target.side, load.mark, latenciesMs)
}

function noteLatencies(sheet: Sheet, side: Side, mark: string, sortedMs: readonly number[]) {
  sheet.note(side, `${mark}, p50`, 'ms', percentile(sortedMs, 0.5))
  sheet.note(side, `${mark}, p99`, 'ms', percentile(sortedMs, 0.99))
}

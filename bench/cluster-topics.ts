import { listOffsets } from '../src/protocol/messages/02-list-offsets.ts'
import { metadata } from '../src/protocol/messages/03-metadata.ts'
import { createTopics } from '../src/protocol/messages/19-create-topics.ts'
import { Seen } from '../test/compat/mixed/seen.ts'
import { Line } from '../test/compat/wire/peer.ts'
import { type Cluster, clusters } from './cluster.ts'
import { sleep } from './measure.ts'
import type { Columns } from './report.ts'
import { inTurn } from './target.ts'

const patienceMs = 600_000
const pauseMs = 20
/** Topics of a CreateTopics request. */
const atATime = 100

interface Times {
  /** Seconds until the last request was answered. */
  readonly answered: number
  /** Until every broker tells all topics, and serves those that it leads. */
  readonly served: number
}

/**
 * Measures the time until two brokers serve many topics of one partition each: brokers of odradek
 * with a controller of either kind, and Apache Kafka's.
 */
export async function measureClusterTopics(
  o: { readonly count: number; readonly rounds: number },
  say: (line: string) => void,
): Promise<Columns> {
  const columns = Object.keys(clusters)
  const found = new Map<string, Times[]>(columns.map((name) => [name, []]))
  for (let round = 0; round < o.rounds; round++) {
    for (const name of inTurn(columns, round)) {
      say(`${o.count} topics in a cluster ${round + 1}/${o.rounds}: ${name}`)
      const cluster = await clusters[name]!()
      try {
        found.get(name)!.push(await measure(cluster, o.count))
      } finally {
        await cluster.close()
      }
    }
  }
  const valuesOf = (one: keyof Times) => columns.map((name) => found.get(name)!.map((t) => t[one]))
  return {
    title: `${o.count.toLocaleString('en')} topics of 1 partition, a controller and two brokers`,
    columns,
    rows: [
      { what: 'created, by the answers', unit: 's', values: valuesOf('answered') },
      { what: 'until all brokers serve them', unit: 's', values: valuesOf('served') },
    ],
  }
}

async function measure({ ports }: Cluster, count: number): Promise<Times> {
  await untilAllSee(ports)
  const line = new Line(ports[0]!, patienceMs)
  const sinceMs = performance.now()
  await create(line, count)
  const answered = (performance.now() - sinceMs) / 1000
  line.close()
  await Promise.all(ports.map((port) => untilServed(port, count)))
  return { answered, served: (performance.now() - sinceMs) / 1000 }
}

/** Waits until each broker sends clients to all of them. */
async function untilAllSee(ports: readonly number[]): Promise<void> {
  const deadlineMs = performance.now() + patienceMs
  for (const port of ports) {
    while ((await new Seen(port).live()).length < ports.length) {
      if (performance.now() > deadlineMs) throw new Error('the brokers do not find each other')
      await sleep(pauseMs)
    }
  }
}

async function create(line: Line, count: number): Promise<void> {
  for (let i = 0; i < count; i += atATime) {
    const topics = Array.from({ length: Math.min(atATime, count - i) }, (_, j) => ({
      ...{ name: `topic-${i + j}`, numPartitions: 1, replicationFactor: 1 },
      ...{ assignments: [], configs: [] },
    }))
    const answer = await line.ask(createTopics, 7, { topics, timeoutMs: patienceMs })
    const failed = answer.topics?.find(({ errorCode }: any) => errorCode !== 0)
    if (failed !== undefined || typeof answer === 'string') {
      throw new Error(`not created: ${JSON.stringify(failed ?? answer)}`)
    }
  }
}

/** Waits until a broker tells all topics, and the ends of those that it leads. */
async function untilServed(port: number, count: number): Promise<void> {
  const deadlineMs = performance.now() + patienceMs
  const line = new Line(port, patienceMs)
  while (!(await serves(line, port, count))) {
    if (performance.now() > deadlineMs) throw new Error(`not all are served at port ${port}`)
    await sleep(pauseMs)
  }
  line.close()
}

async function serves(line: Line, port: number, count: number): Promise<boolean> {
  const { topics, brokers } = await line.ask(metadata, 12, { topics: null })
  const id = brokers.find((one: any) => one.port === port)?.nodeId
  if (topics.length < count || id === undefined) return false
  const leaders: number[] = topics.map((topic: any) => topic.partitions[0]?.leaderId ?? -1)
  if (leaders.includes(-1)) return false
  const own = topics.filter((_: unknown, i: number) => leaders[i] === id)
  const partitions = [{ partitionIndex: 0, timestamp: -1 }]
  const asked = own.map(({ name }: { name: string }) => ({ name, partitions }))
  const ends = await line.ask(listOffsets, 7, { replicaId: -1, topics: asked })
  return ends.topics.every(({ partitions: [one] }: any) => one.errorCode === 0)
}

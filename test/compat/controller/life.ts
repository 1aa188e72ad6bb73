import { decodeMetadataRecord } from '../../../src/metadata/records.ts'
import { fetch } from '../../../src/protocol/messages/01-fetch.ts'
import { alterPartition } from '../../../src/protocol/messages/56-alter-partition.ts'
import { brokerRegistration } from '../../../src/protocol/messages/62-broker-registration.ts'
import { brokerHeartbeat } from '../../../src/protocol/messages/63-broker-heartbeat.ts'
import { batchesIn } from '../../../src/protocol/records/batch.ts'
import { readRecords } from '../../../src/protocol/records/record.ts'
import type { AnyApi } from '../../../src/protocol/schema.ts'
import { until } from '../kafkajs/client.ts'
import { fetchBody } from './quorum-steps.ts'
import type { ControllerSide, NewTopic } from './sides.ts'

/** Returns a uuid that names itself. */
export function uuidOf(name: string): string {
  return Buffer.from(name.padEnd(16, '.').slice(0, 16)).toString('base64url')
}

/** The features of a broker of release 4.4, with these in place of its own; null for none. */
export function featuresOf(others: Record<string, readonly [number, number] | null> = {}) {
  const all: Record<string, readonly [number, number] | null> = {
    'group.version': [0, 1],
    'transaction.version': [0, 2],
    'eligible.leader.replicas.version': [0, 1],
    'kraft.version': [0, 1],
    'metadata.version': [7, 33],
    'share.version': [0, 2],
    'streams.version': [0, 1],
    ...others,
  }
  return Object.entries(all).flatMap(([name, range]) =>
    range === null ? [] : [{ name, minSupportedVersion: range[0], maxSupportedVersion: range[1] }],
  )
}

/** A broker as a test plays it. */
export class PlayedBroker {
  readonly id: number
  readonly dirs: readonly string[]
  incarnation: string
  epoch = -1

  constructor(id: number, dirs = 1) {
    this.id = id
    this.incarnation = uuidOf(`broker ${id} first`)
    this.dirs = Array.from({ length: dirs }, (_, i) => uuidOf(`dir ${i} of ${id}`))
  }
}

/** Numbers that count records of the log: compared by their distance from where a script began. */
const offsetKeys = new Set(['brokerEpoch', 'currentMetadataOffset', 'previousBrokerEpoch'])

/** One script against one controller: what it answers, and what it writes. */
export class Life {
  readonly side: ControllerSide
  readonly transcript: unknown[] = []
  readonly #names = new Map<string, string>()
  #base = 0
  #epoch = 0

  constructor(side: ControllerSide) {
    this.side = side
  }

  async begin(): Promise<void> {
    this.#base = await this.end()
  }

  /** Asks, notes the answer, and returns it. */
  async ask(title: string, api: AnyApi, version: number, body: object): Promise<any> {
    const answer = await this.side.ask(api, version, body)
    this.note(title, answer)
    return answer
  }

  note(title: string, answer: unknown): void {
    this.transcript.push({ [title]: this.#plain(answer) })
  }

  /** Returns the end of the log. */
  async end(): Promise<number> {
    const { highWatermark } = await this.#fetch(0, 0)
    return highWatermark
  }

  /** Makes a topic; it is not noted how. */
  async topic(topic: NewTopic): Promise<string> {
    const id = await this.side.makeTopic(topic)
    this.#names.set(id, topic.name)
    return id
  }

  async register(broker: PlayedBroker, more: object = {}, version = 4): Promise<number> {
    const { answer, code } = await this.#register(broker, more, version)
    this.note(`register ${broker.id} v${version} ${this.#show(more)}`, answer)
    return code
  }

  /** Registers another incarnation. */
  async comeBack(broker: PlayedBroker, incarnation: string, more: object = {}, version = 4) {
    broker.incarnation = uuidOf(incarnation)
    await this.register(broker, more, version)
  }

  /** Waits until a broker is fenced for its silence, while others go on. */
  async fenced(broker: PlayedBroker, alive: readonly PlayedBroker[] = []): Promise<void> {
    const fencings = async () => {
      const records = (await this.written()).flat() as Record<string, unknown>[]
      return records.filter((one) => one.fenced === 1 && one.brokerId === broker.id).length
    }
    const before = await fencings()
    await until(`broker ${broker.id} is fenced`, async () => {
      for (const one of alive) {
        await this.side.ask(brokerHeartbeat, 2, await this.#heartbeatOf(one))
      }
      return (await fencings()) > before
    })
  }

  /** Waits until there are so many batches since the script began. */
  async grownTo(batches: number): Promise<void> {
    const isGrown = async () => (await this.written()).length >= batches
    await until(`there are ${batches} batches`, isGrown)
  }

  async heartbeat(broker: PlayedBroker, more: object = {}, version = 2): Promise<any> {
    const body = { ...(await this.#heartbeatOf(broker)), ...more }
    return this.ask(`heartbeat of ${broker.id} ${this.#show(more)}`, brokerHeartbeat, version, body)
  }

  /** Registers and unfences brokers. */
  async enter(...brokers: readonly PlayedBroker[]): Promise<void> {
    for (const broker of brokers) {
      await this.register(broker)
      await this.heartbeat(broker)
    }
  }

  /** Proposes an ISR for a partition as its leader. */
  alter(leader: PlayedBroker, partition: object, version = 3, more: object = {}): Promise<any> {
    const { topicId, ...asked } = partition as { topicId: string }
    const topics = [
      {
        topicId,
        partitions: [
          {
            ...{ partitionIndex: 0, leaderEpoch: 0, partitionEpoch: 0, leaderRecoveryState: 0 },
            ...{ newIsr: [], newIsrWithEpochs: [], ...asked },
          },
        ],
      },
    ]
    const body = { brokerId: leader.id, brokerEpoch: leader.epoch, topics, ...more }
    const title = `AlterPartition v${version} of ${leader.id} ${this.#show(asked)}`
    return this.ask(title, alterPartition, version, body)
  }

  /** Returns the records written since the script began, batch by batch. */
  async written(): Promise<unknown[]> {
    const batches: unknown[] = []
    for (let offset = this.#base; ; ) {
      const { records } = await this.#fetch(offset, this.#epoch)
      if (records === null || records.length === 0) return batches
      for (const batch of batchesIn(records)) {
        offset = batch.nextOffset
        if (batch.isControl) continue
        const read = await readRecords(batch)
        const shown = read.map(({ value }) => {
          const record = decodeMetadataRecord(value!)
          const { name } = record.of
          return { record: `${name} v${record.version}`, ...(this.#plain(record.value) as object) }
        })
        batches.push(inOrder(shown))
      }
    }
  }

  async #heartbeatOf({ id, epoch }: PlayedBroker) {
    return {
      ...{ brokerId: id, brokerEpoch: epoch, currentMetadataOffset: await this.end() },
      ...{ wantFence: false, wantShutDown: false, offlineLogDirs: [], cordonedLogDirs: null },
    }
  }

  async #register(broker: PlayedBroker, more: object, version: number) {
    const body = {
      ...{ brokerId: broker.id, clusterId: this.side.clusterId },
      incarnationId: broker.incarnation,
      listeners: [{ name: 'PLAINTEXT', host: 'somewhere', port: 9092, securityProtocol: 0 }],
      ...{ features: featuresOf(), rack: null, logDirs: broker.dirs, previousBrokerEpoch: -1 },
      ...more,
    }
    const answer = await this.side.ask(brokerRegistration, version, body)
    if (answer.errorCode === 0) broker.epoch = answer.brokerEpoch
    return { answer, code: answer.errorCode }
  }

  async #fetch(fetchOffset: number, currentLeaderEpoch: number): Promise<any> {
    const lastFetchedEpoch = fetchOffset === 0 ? 0 : this.#epoch
    const asked = { currentLeaderEpoch, fetchOffset, lastFetchedEpoch }
    const nobody = { replicaState: { replicaId: -1, replicaEpoch: -1 } }
    const answer = await this.side.ask(fetch, 18, fetchBody(asked, nobody))
    const partition = answer.responses[0].partitions[0]
    if (partition.errorCode !== 74) return partition
    this.#epoch = partition.currentLeader.leaderEpoch
    return this.#fetch(fetchOffset, this.#epoch)
  }

  #show(more: object): string {
    return JSON.stringify(this.#plain(more))
  }

  #plain(value: unknown, key = ''): unknown {
    if (typeof value === 'string') return this.#names.get(value) ?? value
    if (typeof value === 'number') {
      return offsetKeys.has(key) && value > 0 ? `+${value - this.#base}` : value
    }
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map((one) => this.#plain(one))
    const fields = Object.entries(value).map(([name, one]) => [name, this.#plain(one, name)])
    return Object.fromEntries(fields)
  }
}

interface ShownRecord {
  readonly record: string
  readonly topicId?: unknown
  readonly partitionId?: unknown
}

/** Sorts neighbouring changes of partitions: Kafka writes them in the order of a hash table. */
function inOrder(records: readonly ShownRecord[]): ShownRecord[] {
  const sorted: ShownRecord[] = []
  let run: ShownRecord[] = []
  const keyOf = (one: ShownRecord) => `${one.topicId}-${String(one.partitionId).padStart(5, '0')}`
  const endRun = () => {
    sorted.push(...run.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)))
    run = []
  }
  for (const one of records) {
    if (one.record.startsWith('PartitionChange')) run.push(one)
    else {
      endRun()
      sorted.push(one)
    }
  }
  endRun()
  return sorted
}

import { createTopics } from '../src/protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../src/protocol/messages/20-delete-topics.ts'
import { createPartitions } from '../src/protocol/messages/37-create-partitions.ts'
import { incrementalAlterConfigs } from '../src/protocol/messages/44-incremental-alter-configs.ts'
import { unregisterBroker } from '../src/protocol/messages/64-unregister-broker.ts'
import {
  type ChaosClient,
  retention,
  type Seen,
  type SeenPartition,
  topicResource,
} from './client.ts'
import type { World } from './world.ts'

const setOperation = 0
/** A client gives up after this time in ms; what it asked for may still happen. */
const patienceMs = 15_000

/** A topic as the answers so far allow it to be. */
interface Wished {
  /** Null while its creation is not acknowledged. */
  topicId: string | null
  mayBeDeleted: boolean
  isDeleted: boolean
  /** Number of partitions that is acknowledged, and the most that was asked for. */
  partitions: number
  partitionsMax: number
  /** Asked for once, since a duplicate of an earlier request may be carried out late. */
  wantedRetention: string | null
  /** Null while it is not acknowledged. */
  retention: string | null
}

/** The moments of a request: a client sends it, or gets its response without an error. */
export type WishEvent = 'asked' | 'acknowledged'

/** Changes that clients have asked for, and which of them were acknowledged. */
export class Wishes {
  private readonly world: World
  private readonly client: ChaosClient
  readonly topics = new Map<string, Wished>()
  /** Number of changes that were acknowledged. */
  acknowledged = 0
  /** Requests that have no answer yet. */
  pending = 0
  private count = 0
  private onNext: { readonly event: WishEvent; readonly run: () => void } | null = null

  constructor(world: World, client: ChaosClient) {
    this.world = world
    this.client = client
  }

  /** Calls `run` at the next event of this kind, instead of what was to be called before. */
  atNext(event: WishEvent, run: () => void): void {
    this.onNext = { event, run }
  }

  private happened(event: WishEvent): void {
    const { onNext } = this
    if (onNext?.event !== event) return
    this.onNext = null
    onNext.run()
  }

  /** Asks a broker for a random change. */
  ask(broker: number, brokerIds: readonly number[]): void {
    const { world } = this
    const known = [...this.topics].filter(
      ([, { topicId, mayBeDeleted }]) => topicId !== null && !mayBeDeleted,
    )
    const kind = world.random.int(20)
    if (known.length === 0 || kind < 8) return this.run(this.create(broker))
    const [name, topic] = world.oneOf(known)
    if (kind < 13) this.run(this.alter(broker, name, topic))
    else if (kind < 16) this.run(this.grow(broker, name, topic))
    else if (kind < 19) this.run(this.remove(broker, name, topic))
    else this.run(this.unregister(broker, world.oneOf(brokerIds)))
  }

  private run(asked: Promise<boolean>): void {
    this.pending++
    this.happened('asked')
    asked.then(
      (isDone) => {
        this.pending--
        if (!isDone) return
        this.acknowledged++
        this.happened('acknowledged')
      },
      () => void this.pending--,
    )
  }

  private async create(broker: number): Promise<boolean> {
    const name = `t${++this.count}`
    const numPartitions = 1 + this.world.random.int(3)
    const wished: Wished = {
      ...{ topicId: null, mayBeDeleted: false, isDeleted: false, partitions: 0 },
      ...{ partitionsMax: numPartitions, wantedRetention: null, retention: null },
    }
    this.topics.set(name, wished)
    const topics = [
      { ...{ name, numPartitions, replicationFactor: 1 }, assignments: [], configs: [] },
    ]
    const body = { topics, timeoutMs: patienceMs }
    const { topics: made } = await this.client.send(broker, createTopics, 7, body, patienceMs)
    if (made[0]!.errorCode !== 0) return false
    this.world.note(`${name} is created`)
    wished.topicId = made[0]!.topicId
    wished.partitions = numPartitions
    return true
  }

  private async alter(broker: number, name: string, topic: Wished): Promise<boolean> {
    if (topic.wantedRetention !== null) return false
    const value = String(1_000_000 + ++this.count)
    topic.wantedRetention = value
    const configs = [{ name: retention, configOperation: setOperation, value }]
    const resources = [{ resourceType: topicResource, resourceName: name, configs }]
    const body = { resources, validateOnly: false }
    const answer = await this.client.send(broker, incrementalAlterConfigs, 1, body, patienceMs)
    if (answer.responses[0]!.errorCode !== 0) return false
    this.world.note(`${retention} of ${name} is ${value}`)
    topic.retention = value
    return true
  }

  private async grow(broker: number, name: string, topic: Wished): Promise<boolean> {
    const count = topic.partitionsMax + 1
    topic.partitionsMax = count
    const topics = [{ name, count, assignments: null }]
    const body = { topics, timeoutMs: patienceMs, validateOnly: false }
    const { results } = await this.client.send(broker, createPartitions, 3, body, patienceMs)
    if (results[0]!.errorCode !== 0) return false
    this.world.note(`${name} has ${count} partitions`)
    topic.partitions = Math.max(topic.partitions, count)
    return true
  }

  private async remove(broker: number, name: string, topic: Wished): Promise<boolean> {
    topic.mayBeDeleted = true
    // By id: a late duplicate of its creation may make another topic of that name.
    const body = { topics: [{ name: null, topicId: topic.topicId! }], timeoutMs: patienceMs }
    const { responses } = await this.client.send(broker, deleteTopics, 6, body, patienceMs)
    if (responses[0]!.errorCode !== 0) return false
    this.world.note(`${name} is deleted`)
    topic.isDeleted = true
    return true
  }

  private async unregister(broker: number, brokerId: number): Promise<boolean> {
    const body = { brokerId }
    const answer = await this.client.send(broker, unregisterBroker, 0, body, patienceMs)
    if (answer.errorCode !== 0) return false
    this.world.note(`broker ${brokerId} is unregistered`)
    return true
  }

  /**
   * Returns what a broker does not show as it was acknowledged; null if there is nothing.
   */
  missedAt(seen: Seen, retentions: ReadonlyMap<string, string | null>): string | null {
    const shown = new Map<string, SeenPartition[]>()
    for (const one of seen.partitions) shown.set(one.topic, [...(shown.get(one.topic) ?? []), one])
    for (const [name, topic] of this.topics) {
      const wrong = wrongIn(topic, shown.get(name) ?? [], retentions.get(name) ?? null)
      if (wrong !== null) return `${name} ${wrong}`
    }
    return null
  }
}

function wrongIn(
  topic: Wished,
  partitions: readonly SeenPartition[],
  kept: string | null,
): string | null {
  const id = partitions[0]?.topicId ?? null
  if (topic.isDeleted && id === topic.topicId) return 'was deleted, and exists'
  if (topic.topicId === null || topic.mayBeDeleted) return null
  if (id !== topic.topicId) return `was created as ${topic.topicId}, and is ${id}`
  const { length } = partitions
  if (length < topic.partitions || length > topic.partitionsMax) {
    return `has ${length} partitions, not ${topic.partitions} to ${topic.partitionsMax}`
  }
  if (topic.retention === null || kept === topic.retention) return null
  return `has the ${retention} ${kept}, not ${topic.retention}`
}

import type { BrokerSettings } from '../metadata/config/settings.ts'
import type { TopicChanges } from '../metadata/delta.ts'
import type { Image, TopicState } from '../metadata/image.ts'
import type { LogDir } from '../storage/log-dir.ts'
import { LogConfigs } from './log-configs.ts'
import { Partition } from './partition.ts'

export interface PartitionsOptions {
  readonly brokerId: number
  readonly logDirs: readonly LogDir[]
  readonly settings: BrokerSettings
}

/** Told of partitions of this broker that begin or cease to be led by it. */
export interface LeadershipListener {
  elected(partition: Partition): void
  resigned(topic: string, index: number): void
}

/** How many partitions are opened at a time at start; more would only wait for the disk. */
const openingMax = 16

/** All partitions of a broker, kept in step with the metadata image. */
export class Partitions {
  private readonly o: PartitionsOptions
  private readonly byTopic = new Map<string, (Partition | undefined)[]>()
  private readonly listeners: LeadershipListener[] = []
  readonly configs: LogConfigs

  constructor(o: PartitionsOptions) {
    this.o = o
    this.configs = new LogConfigs(o.settings)
  }

  listen(listener: LeadershipListener): void {
    this.listeners.push(listener)
  }

  get(topic: string, index: number): Partition | undefined {
    return this.byTopic.get(topic)?.[index]
  }

  *all(): Iterable<Partition> {
    for (const partitions of this.byTopic.values()) {
      for (const partition of partitions) if (partition !== undefined) yield partition
    }
  }

  /** At start: everything that the image says is here is opened. */
  async open(image: Image): Promise<void> {
    this.configs.follow(image)
    const topics = [...image.topics.values()]
    await this.apply(image, { changed: topics, deleted: [] })
  }

  /** Opens, leads, gives up and deletes partitions as the image says. */
  async apply(image: Image, { changed, deleted }: TopicChanges): Promise<void> {
    this.configs.follow(image)
    await Promise.all(deleted.map((topic) => this.deleteTopic(topic)))
    const due: (() => Promise<void>)[] = []
    for (const topic of changed) {
      topic.partitions.forEach((state, index) => {
        if (state.replicas.includes(this.o.brokerId)) {
          due.push(() => this.follow(topic, index, state.leader, state.leaderEpoch))
        }
      })
    }
    await inParallel(due, openingMax)
  }

  private async follow(
    topic: TopicState,
    index: number,
    leader: number,
    leaderEpoch: number,
  ): Promise<void> {
    const partition = this.get(topic.name, index) ?? (await this.openPartition(topic, index))
    if (leader === this.o.brokerId) {
      const isNew = partition.leaderEpoch !== leaderEpoch
      partition.lead(leaderEpoch)
      if (isNew) for (const listener of this.listeners) listener.elected(partition)
    } else if (partition.isLeader) {
      partition.resign()
      for (const listener of this.listeners) listener.resigned(topic.name, index)
    }
  }

  private async openPartition(topic: TopicState, index: number): Promise<Partition> {
    const name = `${topic.name}-${index}`
    const logDir = this.o.logDirs.find((dir) => dir.has(name)) ?? this.emptiest()
    const log = await logDir.openLog(name, {
      topicId: topic.id,
      config: () => this.configs.of(topic.name),
    })
    const partition = new Partition({ topic: topic.name, topicId: topic.id, index }, log)
    let partitions = this.byTopic.get(topic.name)
    if (partitions === undefined) this.byTopic.set(topic.name, (partitions = []))
    partitions[index] = partition
    return partition
  }

  /** A new partition goes where the fewest are. */
  private emptiest(): LogDir {
    return this.o.logDirs.reduce((a, b) => (b.logCount < a.logCount ? b : a))
  }

  private async deleteTopic(topic: TopicState): Promise<void> {
    const partitions = this.byTopic.get(topic.name) ?? []
    if (partitions.find((one) => one !== undefined)?.topicId !== topic.id) return
    this.byTopic.delete(topic.name)
    for (const partition of partitions) {
      if (partition === undefined) continue
      partition.resign()
      for (const listener of this.listeners) listener.resigned(topic.name, partition.index)
      await this.o.logDirs.find((dir) => dir.has(partition.name))?.deleteLog(partition.name)
    }
  }
}

/** Runs the jobs, at most `width` at a time; the first failure is thrown when all are through. */
export async function inParallel(jobs: readonly (() => Promise<void>)[], width: number) {
  let next = 0
  const failures: unknown[] = []
  const worker = async () => {
    while (next < jobs.length) {
      try {
        await jobs[next++]!()
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, jobs.length) }, worker))
  if (failures.length > 0) throw failures[0]
}

import type { BrokerSettings } from '../metadata/config/settings.ts'
import type { PlacedPartition } from '../metadata/controller/directories.ts'
import type { TopicChanges } from '../metadata/delta.ts'
import { isOnlineDirectory } from '../metadata/directories.ts'
import type { Image, TopicState } from '../metadata/image.ts'
import { DiskError } from '../storage/disk.ts'
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

/** Replicas of this broker whose directory the metadata do not have right. */
export interface Misplaced {
  readonly assigned: (PlacedPartition & { readonly directoryId: string })[]
  readonly lost: PlacedPartition[]
}

/** How many partitions are opened at a time at start; more would only wait for the disk. */
const openingMax = 16

/** All partitions of a broker, kept in step with the metadata image. */
export class Partitions {
  private readonly o: PartitionsOptions
  private readonly byTopic = new Map<string, (Partition | undefined)[]>()
  private readonly listeners: LeadershipListener[] = []
  /** Opened in another directory than the metadata say, or in none that is left. */
  private misplaced: Misplaced = { assigned: [], lost: [] }
  /** By topic id and number: what may lie in a directory that failed is not begun anew in another. */
  private readonly lost = new Set<string>()
  private readonly moving = new Map<string, Promise<void>>()
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
    await this.applyChanges(image, { changed: topics, deleted: [] }, false)
  }

  /** What of its partitions' places the cluster does not know yet. Asking takes it. */
  takeMisplaced(): Misplaced {
    const { misplaced } = this
    this.misplaced = { assigned: [], lost: [] }
    return misplaced
  }

  /** A directory has failed: gives up what lies there. @returns which partitions that are. */
  lose(dir: LogDir): PlacedPartition[] {
    const lost = [...this.all()].filter(({ name }) => dir.has(name))
    for (const partition of lost) {
      if (!partition.isLeader) continue
      partition.resign()
      const { topic, index } = partition
      for (const listener of this.listeners) listener.resigned(topic, index)
    }
    return lost.map(({ topicId, index }) => ({ topicId, index }))
  }

  /** Opens, leads, gives up and deletes partitions as the image says. */
  apply(image: Image, changes: TopicChanges): Promise<void> {
    return this.applyChanges(image, changes, true)
  }

  private async applyChanges(
    image: Image,
    { changed, deleted }: TopicChanges,
    mayBeNew: boolean,
  ): Promise<void> {
    this.configs.follow(image)
    await Promise.all(deleted.map((topic) => this.deleteTopic(topic)))
    const due: (() => Promise<void>)[] = []
    for (const topic of changed) {
      topic.partitions.forEach((state, index) => {
        if (state.replicas.includes(this.o.brokerId)) {
          due.push(() => this.follow(topic, index, mayBeNew))
        }
      })
    }
    await inParallel(due, openingMax)
  }

  private async follow(topic: TopicState, index: number, mayBeNew: boolean): Promise<void> {
    const { leader, leaderEpoch } = topic.partitions[index]!
    // What is on its way to another directory is followed when it is there.
    await this.moving.get(`${topic.name}-${index}`)
    const known = this.get(topic.name, index)
    const partition = known ?? (await this.openPartition(topic, index, mayBeNew))
    if (partition === null || partition.log.isOffline) return
    if (leader === this.o.brokerId) {
      const isNew = partition.leaderEpoch !== leaderEpoch
      partition.lead(leaderEpoch)
      if (isNew) for (const listener of this.listeners) listener.elected(partition)
    } else if (partition.isLeader) {
      partition.resign()
      for (const listener of this.listeners) listener.resigned(topic.name, index)
    }
  }

  /** Moves a partition to another directory; meanwhile clients are told that nobody leads it here. */
  async move(state: TopicState, index: number, to: LogDir): Promise<void> {
    const name = `${state.name}-${index}`
    const moved = this.moveNow(state, index, to)
    this.moving.set(
      name,
      moved.catch(() => {}),
    )
    try {
      await moved
    } finally {
      this.moving.delete(name)
    }
  }

  private async moveNow(state: TopicState, index: number, to: LogDir): Promise<void> {
    const topic = state.name
    const partition = this.get(topic, index)
    const partitions = this.byTopic.get(topic)
    const from = this.o.logDirs.find((dir) => dir.has(`${topic}-${index}`))
    if (partition === undefined || partitions === undefined || from === undefined) return
    const { leaderEpoch, isLeader } = partition
    delete partitions[index]
    partition.resign()
    for (const listener of this.listeners) listener.resigned(topic, index)
    try {
      await from.handOver(partition.name, to)
    } finally {
      const moved = await this.openPartition(state, index, false)
      await to.checkpoint()
      if (moved !== null && isLeader) {
        moved.lead(leaderEpoch)
        for (const listener of this.listeners) listener.elected(moved)
      }
    }
  }

  /** Null where the directory that has it, or may have it, cannot be used. */
  private async openPartition(
    topic: TopicState,
    index: number,
    mayBeNew: boolean,
  ): Promise<Partition | null> {
    const name = `${topic.name}-${index}`
    const { id: topicId } = topic
    const { replicas, directories } = topic.partitions[index]!
    const directory = directories[replicas.indexOf(this.o.brokerId)]
    const key = `${topicId}-${index}`
    if (this.lost.has(key)) return null
    const { log, dir } = await this.openLog(topic, name, directory, mayBeNew)
    if (log === null) {
      this.lost.add(key)
      this.misplaced.lost.push({ topicId, index })
      return null
    }
    const { directoryId } = dir
    if (directory !== directoryId) {
      this.misplaced.assigned.push({ topicId, index, directoryId })
    }
    const partition = new Partition({ topic: topic.name, topicId: topic.id, index }, log)
    let partitions = this.byTopic.get(topic.name)
    if (partitions === undefined) this.byTopic.set(topic.name, (partitions = []))
    partitions[index] = partition
    return partition
  }

  /** Opens the log where it is; a new one where the fewest are, trying the next when that one fails. */
  private async openLog(
    topic: TopicState,
    name: string,
    directory: string | undefined,
    mayBeNew: boolean,
  ) {
    const { logDirs } = this.o
    const o = { topicId: topic.id, config: () => this.configs.of(topic.name) }
    for (;;) {
      const usable = logDirs.filter((dir) => !dir.isOffline)
      const holders = usable.filter((dir) => dir.has(name))
      // A move that was broken off may leave two that are equal: what the cluster knows of goes on.
      const known = holders.find((dir) => dir.directoryId === directory) ?? holders[0]
      for (const other of holders) if (other !== known) await other.discard(name)
      const online = usable.map(({ directoryId }) => directoryId)
      const isElsewhere = !isOnlineDirectory(directory, online)
      const mayCreate = usable.length === logDirs.length || (mayBeNew && !isElsewhere)
      const dir = known ?? (mayCreate ? emptiest(usable) : undefined)
      if (dir === undefined) return { log: null, dir: null }
      try {
        return { log: await dir.openLog(name, o), dir }
      } catch (error) {
        if (!(error instanceof DiskError)) throw error
        dir.fail(error)
        if (known !== undefined) return { log: null, dir: null }
      }
    }
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

/** A new partition goes where the fewest are. */
function emptiest(dirs: readonly LogDir[]): LogDir | undefined {
  return dirs.toSorted((a, b) => a.logCount - b.logCount)[0]
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

import type { Turns } from '../base/turns.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import type { TopicChanges } from '../metadata/delta.ts'
import type { PlacedPartition } from '../metadata/directories.ts'
import { isOnlineDirectory } from '../metadata/directories.ts'
import type { Image, TopicState } from '../metadata/image.ts'
import { ApiError } from '../protocol/errors.ts'
import { metadataTopic } from '../quorum/metadata-partition.ts'
import { DamagedFile } from '../storage/damaged-file.ts'
import { DiskError } from '../storage/disk.ts'
import type { LogDir } from '../storage/log-dir.ts'
import { LogConfigs } from './log-configs.ts'
import { Partition } from './partition.ts'

export interface PartitionsOptions {
  readonly brokerId: number
  readonly logDirs: readonly LogDir[]
  readonly settings: BrokerSettings
  readonly turns: Turns
}

/** Is notified when this broker becomes or stops being the leader of a partition. */
export interface LeadershipListener {
  elected(partition: Partition): void
  resigned(topic: string, index: number): void
}

/** A replica of this broker in another directory than in the metadata. */
export type Misplaced = PlacedPartition & { readonly directoryId: string }

/** Number of partitions opened concurrently at start; more would only wait for the disk. */
const openingMax = 16

/** Maximum number of errors in the message if several partitions cannot be opened. */
const failuresShown = 3

/** All partitions of a broker, updated from the metadata image. */
export class Partitions {
  private readonly options: PartitionsOptions
  private readonly byTopic = new Map<string, (Partition | undefined)[]>()
  private readonly listeners: LeadershipListener[] = []
  private misplaced: Misplaced[] = []
  /**
   * Topic id and index: a partition possibly in a failed directory is not created again elsewhere.
   */
  private readonly lost = new Set<string>()
  private readonly moving = new Map<string, Promise<void>>()
  /** The image that is being applied; not published until its changes are done. */
  private image: Image | null = null
  readonly configs: LogConfigs

  constructor(options: PartitionsOptions) {
    this.options = options
    this.configs = new LogConfigs(options.settings)
  }

  listen(listener: LeadershipListener): void {
    this.listeners.push(listener)
  }

  get(topic: string, index: number): Partition | undefined {
    return this.byTopic.get(topic)?.[index]
  }

  /**
   * Returns whether a partition is in the newest image, on any broker; false for a topic that is
   * being deleted.
   */
  isKnown(topic: string, index: number): boolean {
    return this.image?.topics.get(topic)?.partitions[index] !== undefined
  }

  /**
   * Returns a partition of this broker.
   * @param image the one that the request sees.
   * @throws ApiError UNKNOWN_TOPIC_OR_PARTITION if it does not exist, NOT_LEADER_OR_FOLLOWER if it
   * is on another broker, KAFKA_STORAGE_ERROR if its directory has failed.
   */
  need(topic: string, index: number, image: Image): Partition {
    const partition = this.get(topic, index)
    partition?.checkOnline()
    if (partition !== undefined) return partition
    const isPublished = image.topics.get(topic)?.partitions[index] !== undefined
    const exists = isPublished && this.isKnown(topic, index)
    throw new ApiError(exists ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_TOPIC_OR_PARTITION')
  }

  /** @throws ApiError NOT_ENOUGH_REPLICAS if fewer than `min.insync.replicas` are in sync. */
  checkInSync(topic: TopicState, index: number): void {
    const { isr, replicas } = topic.partitions[index]!
    const min = this.configs.minInsyncReplicas(topic.name)
    // Kafka caps min.insync.replicas at the number of replicas.
    if (isr.length >= Math.min(min, replicas.length)) return
    throw new ApiError(
      'NOT_ENOUGH_REPLICAS',
      `The size of the current ISR ${isr.length} is insufficient to satisfy the min.isr requirement ` +
        `of ${min} for partition ${topic.name}-${index}`,
    )
  }

  *all(): Iterable<Partition> {
    for (const partitions of this.byTopic.values()) {
      for (const partition of partitions) if (partition !== undefined) yield partition
    }
  }

  /** Opens all partitions that the image assigns to this broker; at start. */
  async open(image: Image): Promise<void> {
    this.configs.follow(image)
    const topics = [...image.topics.values()]
    await this.applyChanges(image, { changed: topics, deleted: [] }, false)
    const { brokerId, logDirs } = this.options
    const isOurs = (name: string) => {
      const at = name.lastIndexOf('-')
      const index = Number(name.slice(at + 1))
      return image.topics.get(name.slice(0, at))?.partitions[index]?.replicas.includes(brokerId)
    }
    for (const dir of logDirs) {
      await dir.setStraysAside((name) => name.startsWith(metadataTopic) || isOurs(name) === true)
    }
  }

  /** Returns and clears the misplaced partitions that the controller does not know of yet. */
  takeMisplaced(): Misplaced[] {
    const { misplaced } = this
    this.misplaced = []
    return misplaced
  }

  /** Gives up the partitions in a failed directory. */
  lose(dir: LogDir): void {
    const lost = [...this.all()].filter(({ name }) => dir.has(name))
    for (const partition of lost) {
      if (!partition.isLeader) continue
      partition.resign()
      const { topic, index } = partition
      for (const listener of this.listeners) listener.resigned(topic, index)
    }
  }

  /** Opens, leads, resigns and deletes partitions according to the image. */
  apply(image: Image, changes: TopicChanges): Promise<void> {
    return this.applyChanges(image, changes, true)
  }

  private async applyChanges(
    image: Image,
    { changed, deleted }: TopicChanges,
    mayBeNew: boolean,
  ): Promise<void> {
    this.image = image
    this.configs.follow(image)
    const removed = await Promise.allSettled(deleted.map((topic) => this.deleteTopic(topic)))
    const due: (() => Promise<void>)[] = []
    for (const topic of changed) {
      topic.partitions.forEach((state, index) => {
        if (state.replicas.includes(this.options.brokerId)) {
          due.push(() => this.follow(topic, index, mayBeNew))
        }
      })
    }
    // A topic that could not be deleted must not keep other partitions from being opened.
    await inParallel(due, openingMax, this.options.turns)
    for (const one of removed) if (one.status === 'rejected') throw one.reason
  }

  private async follow(topic: TopicState, index: number, mayBeNew: boolean): Promise<void> {
    const { leader, leaderEpoch } = topic.partitions[index]!
    // A partition that is being moved to another directory is handled after the move.
    await this.moving.get(`${topic.name}-${index}`)
    const known = this.get(topic.name, index)
    const partition = known ?? (await this.openPartition(topic, index, mayBeNew))
    if (partition === null || partition.log.isOffline) return
    if (leader === this.options.brokerId) {
      const isNew = partition.leaderEpoch !== leaderEpoch
      partition.lead(leaderEpoch)
      if (isNew) for (const listener of this.listeners) listener.elected(partition)
    } else if (partition.isLeader) {
      partition.resign()
      for (const listener of this.listeners) listener.resigned(topic.name, index)
    }
  }

  /**
   * Moves a partition to another directory; until then this broker is not its leader for clients.
   */
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
    const from = this.options.logDirs.find((dir) => dir.has(`${topic}-${index}`))
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

  /** Returns null if the directory that has, or may have, the partition is offline. */
  private async openPartition(
    topic: TopicState,
    index: number,
    mayBeNew: boolean,
  ): Promise<Partition | null> {
    const name = `${topic.name}-${index}`
    const { id: topicId } = topic
    const { replicas, directories } = topic.partitions[index]!
    const directory = directories[replicas.indexOf(this.options.brokerId)]
    const key = `${topicId}-${index}`
    if (this.lost.has(key)) return null
    const { log, dir } = await this.openLog(topic, name, directory, mayBeNew)
    if (log === null) {
      this.lost.add(key)
      return null
    }
    const { directoryId } = dir
    if (directory !== directoryId) {
      this.misplaced.push({ topicId, index, directoryId })
    }
    const identity = { topic: topic.name, topicId: topic.id, index }
    const partition = new Partition(identity, log, this.options.turns)
    let partitions = this.byTopic.get(topic.name)
    if (partitions === undefined) this.byTopic.set(topic.name, (partitions = []))
    partitions[index] = partition
    return partition
  }

  /**
   * Opens the log in its directory; a new one in the directory with the fewest partitions, or in
   * the next if that fails.
   */
  private async openLog(
    topic: TopicState,
    name: string,
    directory: string | undefined,
    mayBeNew: boolean,
  ) {
    const { logDirs } = this.options
    const options = { topicId: topic.id, config: () => this.configs.of(topic.name) }
    for (;;) {
      const usable = logDirs.filter((dir) => !dir.isOffline)
      const holders = usable.filter((dir) => dir.has(name))
      // An interrupted move may leave two equal copies; the one in the metadata is kept.
      const known = holders.find((dir) => dir.directoryId === directory) ?? holders[0]
      for (const other of holders) if (other !== known) await other.discard(name)
      const online = usable.map(({ directoryId }) => directoryId)
      const isElsewhere = !isOnlineDirectory(directory, online)
      const mayCreate = usable.length === logDirs.length || (mayBeNew && !isElsewhere)
      const dir = known ?? (mayCreate ? emptiest(usable) : undefined)
      if (dir === undefined) return { log: null, dir: null }
      try {
        return { log: await dir.openLog(name, options), dir }
      } catch (error) {
        // Apache Kafka, too, takes a directory offline if one of its partitions cannot be opened.
        if (!(error instanceof DiskError || error instanceof DamagedFile)) throw error
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
      if (this.options.turns.isOver()) await this.options.turns.next()
      partition.resign()
      for (const listener of this.listeners) listener.resigned(topic.name, partition.index)
      await this.options.logDirs.find((dir) => dir.has(partition.name))?.deleteLog(partition.name)
    }
  }
}

/** Returns the directory with the fewest partitions. */
function emptiest(dirs: readonly LogDir[]): LogDir | undefined {
  return dirs.toSorted((a, b) => a.logCount - b.logCount)[0]
}

/** Runs the jobs, at most `width` at a time; throws the errors after all have ended. */
export async function inParallel(
  jobs: readonly (() => Promise<void>)[],
  width: number,
  turns: Turns,
) {
  let next = 0
  const failures: unknown[] = []
  const worker = async () => {
    while (next < jobs.length) {
      // If the disk responds synchronously, nothing else yields to the event loop.
      if (turns.isOver()) await turns.next()
      const job = jobs[next++]
      if (job === undefined) return
      try {
        await job()
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, jobs.length) }, worker))
  if (failures.length === 1) throw failures[0]
  if (failures.length === 0) return
  const shown = failures.slice(0, failuresShown).map((one) => String(one))
  throw new AggregateError(failures, `${failures.length} failed: ${shown.join('; ')}`)
}

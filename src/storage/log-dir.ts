import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import {
  cleanerOffsetFile,
  highWatermarkFile,
  logStartOffsetFile,
  OffsetCheckpoint,
  recoveryPointFile,
} from './checkpoints.ts'
import { identify } from './directory-identity.ts'
import { type DirectoryLock, type Disk, DiskError, type DiskSpace } from './disk.ts'
import { asideOf, deletedDirectorySuffix } from './file-names.ts'
import type { TailMemory } from './hot-tail.ts'
import { Log } from './log.ts'
import type { LogConfig } from './log-config.ts'
import { moveDirectory } from './move-directory.ts'
import { readPartitionMetadata, writePartitionMetadata } from './partition-metadata.ts'
import { SharedSync } from './shared-sync.ts'

export interface LogDirOptions {
  readonly disk: Disk
  readonly path: string
  readonly nodeId: number
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly tailMemory: TailMemory
}

export interface OpenLog {
  readonly log: Log
  /** Up to where it is committed: what the high watermark checkpoint says of it. */
  readonly highWatermark: () => number
  /** Whether retention applies: not to the metadata log, which goes by its snapshots. */
  readonly isRetained: boolean
}

const cleanShutdownFile = '.kafka_cleanshutdown'

/** How many logs are closed at a time: each waits for its own syncs. */
const closingMax = 16

/**
 * One of `log.dirs`: its lock, whose it is, whether it was left in order, its logs and their
 * checkpoints. The metadata partition lives in one of them, but is nobody's topic.
 */
export class LogDir {
  readonly path: string
  readonly directoryId: string
  readonly clusterId: string
  private readonly o: LogDirOptions
  private readonly lock: DirectoryLock
  private readonly isClean: boolean
  private readonly names: Set<string>
  private readonly logs = new Map<string, OpenLog>()
  /** Log start offsets of what is on its way here from another directory. */
  private readonly coming = new Map<string, number>()
  /** A thousand new partitions need not wait for a thousand syncs. */
  private readonly ownSync: SharedSync
  private readonly recoveryPoints: OffsetCheckpoint
  private readonly startOffsets: OffsetCheckpoint
  private readonly highWatermarks: OffsetCheckpoint
  private readonly cleanerOffsets: OffsetCheckpoint
  private readonly found: {
    recovery: Map<string, number>
    start: Map<string, number>
    cleaner: Map<string, number>
  }
  private readonly removals = new Set<Timer>()
  private failed: Error | null = null
  /** Told once, when the directory fails. */
  onFailure: (() => void) | null = null

  private constructor(
    o: LogDirOptions,
    lock: DirectoryLock,
    identity: { clusterId: string; directoryId: string },
    state: { names: Set<string>; isClean: boolean; found: LogDir['found'] },
  ) {
    this.o = o
    this.path = o.path
    this.lock = lock
    this.clusterId = identity.clusterId
    this.directoryId = identity.directoryId
    this.names = state.names
    this.isClean = state.isClean
    this.ownSync = new SharedSync(o.disk, o.path)
    this.found = state.found
    const checkpoint = (name: string) => new OffsetCheckpoint(o.disk, `${o.path}/${name}`)
    this.recoveryPoints = checkpoint(recoveryPointFile)
    this.startOffsets = checkpoint(logStartOffsetFile)
    this.highWatermarks = checkpoint(highWatermarkFile)
    this.cleanerOffsets = checkpoint(cleanerOffsetFile)
  }

  /**
   * Takes the directory for this broker, and formats it if it is new.
   *
   * @param clusterId of the broker's other directories; null to take what stands here, or `fresh`.
   * @param fresh makes an id for a cluster or a directory that has none yet.
   * @throws DirectoryLocked, DiskError, CannotUseDirectory for another node's or cluster's directory.
   */
  static async open(
    o: LogDirOptions,
    clusterId: string | null,
    fresh: () => string,
  ): Promise<LogDir> {
    const { disk, path } = o
    await disk.makeDirectory(path)
    const lock = await disk.lock(path)
    try {
      const identity = await identify(o, clusterId, fresh)
      const marker = `${path}/${cleanShutdownFile}`
      const isClean = (await disk.readFile(marker)) !== null
      // From here on the logs change: a crash must not look like a stop in order.
      if (isClean) {
        await disk.remove(marker)
        await disk.syncDirectory(path)
      }
      const entries = (await disk.list(path)) ?? []
      const directories = entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name)
      const names = new Set(directories.filter((name) => /-\d+$/.test(name)))
      const read = (name: string) => new OffsetCheckpoint(disk, `${path}/${name}`).read()
      const found = {
        recovery: await read(recoveryPointFile),
        start: await read(logStartOffsetFile),
        cleaner: await read(cleanerOffsetFile),
      }
      for (const name of directories.filter((one) => one.endsWith(deletedDirectorySuffix))) {
        await disk.remove(`${path}/${name}`)
      }
      return new LogDir(o, lock, identity, { names, isClean, found })
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** A directory that cannot be opened while others can: it is known of, and that is all. */
  static unusable(o: LogDirOptions, why: Error): LogDir {
    const found = { recovery: new Map(), start: new Map(), cleaner: new Map() }
    const state = { names: new Set<string>(), isClean: false, found }
    const lock = { release: () => Promise.resolve() }
    const dir = new LogDir(o, lock, { clusterId: '', directoryId: '' }, state)
    dir.fail(why)
    return dir
  }

  /** Whether a file in it could not be read or written: then none of it is used any more. */
  get isOffline(): boolean {
    return this.failed !== null
  }

  /** Takes all of its partitions offline; those of other directories go on (KIP-112). */
  fail(why: Error): void {
    if (this.failed !== null) return
    this.failed = why
    for (const timer of this.removals) timer.clear()
    for (const { log } of this.logs.values()) log.fail(why)
    const fields = { directory: this.path, partitions: this.logs.size, why: why.message }
    this.o.logger.error(
      'a log directory has failed: it is not used until the broker restarts',
      fields,
    )
    this.onFailure?.()
  }

  get logCount(): number {
    return this.names.size
  }

  /** Of the file system that the directory is on. */
  space(): Promise<DiskSpace> {
    return this.o.disk.space(this.path)
  }

  /** The logs that are open now. A copy: logs come and go. */
  open(): OpenLog[] {
    return [...this.logs.values()]
  }

  has(name: string): boolean {
    return this.names.has(name)
  }

  /**
   * Opens a partition, creating it if it is not there. A directory that belongs to an earlier topic
   * of the same name is put aside: its records are never shown again.
   */
  async openLog(
    name: string,
    o: {
      readonly topicId: string
      readonly config: () => LogConfig
      readonly isRetained?: boolean
    },
  ): Promise<Log> {
    const { disk, clock, random, logger, tailMemory } = this.o
    const dir = `${this.path}/${name}`
    const isThere = this.names.has(name)
    // At once: the next new partition must not go where this one already is.
    this.names.add(name)
    const owner = isThere ? await readPartitionMetadata(disk, dir) : null
    if (owner !== null && owner !== o.topicId) {
      logger.warn('a partition of a deleted topic of the same name is removed', { partition: name })
      await disk.remove(dir)
    }
    if (owner !== o.topicId) this.found.cleaner.delete(name)
    const isKnown = owner === o.topicId || (owner === null && isThere)
    const log = await Log.open({
      disk,
      dir,
      name,
      config: o.config,
      clock,
      random,
      logger,
      tailMemory,
      recoveryPoint: isKnown ? (this.found.recovery.get(name) ?? 0) : 0,
      logStartOffset: isKnown ? (this.found.start.get(name) ?? 0) : 0,
      cleanShutdown: this.isClean || !isKnown,
      onOffline: (why) => this.fail(why),
    })
    if (owner !== o.topicId) {
      await writePartitionMetadata(disk, dir, o.topicId)
      await this.ownSync.sync()
    }
    const isRetained = o.isRetained ?? true
    this.logs.set(name, { log, highWatermark: () => log.writtenOffset, isRetained })
    return log
  }

  /** Closes a log and takes it out of sight; the files go after `file.delete.delay.ms`. */
  async deleteLog(name: string): Promise<void> {
    const open = this.logs.get(name)
    if (open === undefined) return
    this.logs.delete(name)
    await open.log.abandon()
    await this.putAside(name, open.log.config.fileDeleteDelayMs)
  }

  /** Gives up a second copy of a partition, of which a move that was broken off left two. */
  async discard(name: string): Promise<void> {
    const fields = { partition: name, directory: this.path }
    this.o.logger.warn('a second copy of a partition, left by a move, is removed', fields)
    await this.putAside(name, 0)
  }

  private async putAside(name: string, delayMs: number): Promise<void> {
    const { disk, clock } = this.o
    this.names.delete(name)
    this.found.cleaner.delete(name)
    if (this.isOffline) return
    const aside = asideOf(`${this.path}/${name}`, this.unique())
    await this.guard(() => disk.rename(`${this.path}/${name}`, aside))
    const timer = clock.after(delayMs, () => {
      this.removals.delete(timer)
      void this.guard(() => disk.remove(aside))
    })
    this.removals.add(timer)
  }

  private unique(): string {
    return this.o.random.bytes(16).toString('hex')
  }

  /**
   * Gives a log to another directory of this broker, closed; who wants it opens it there.
   * @throws DiskError; it then stands where it stood, closed.
   */
  async handOver(name: string, to: LogDir): Promise<void> {
    const open = this.logs.get(name)
    if (open === undefined) return
    const { log } = open
    await log.close()
    const [here, there] = [this, to].map((dir) => `${dir.path}/${name}`)
    // Where it starts is known there before it comes: a crash must not show deleted records again.
    to.coming.set(name, log.logStartOffset)
    try {
      await to.saveStartOffsets()
      await moveDirectory(this.o.disk, here!, there!, this.unique())
    } finally {
      to.coming.delete(name)
    }
    this.logs.delete(name)
    this.names.delete(name)
    to.names.add(name)
    to.found.recovery.set(name, log.logEndOffset)
    to.found.start.set(name, log.logStartOffset)
    to.found.cleaner.set(name, this.cleanerOffset(name))
    this.found.cleaner.delete(name)
    for (const dir of [to, this]) await this.o.disk.syncDirectory(dir.path)
  }

  /** Writes down how far each log is synced, committed and cut. */
  checkpoint(): Promise<void> {
    return this.guard(() => this.writeCheckpoints())
  }

  /** A failing call of the disk is the end of the directory, not of who asked for it. */
  private async guard(work: () => Promise<void>): Promise<void> {
    if (this.isOffline) return
    try {
      await work()
    } catch (error) {
      // Whatever failed meanwhile has said so.
      if (this.isOffline) return
      if (!(error instanceof DiskError)) throw error
      this.fail(error)
    }
  }

  private async writeCheckpoints(): Promise<void> {
    const of = (offset: (open: OpenLog) => number) =>
      new Map([...this.logs].map(([name, open]) => [name, offset(open)]))
    await this.recoveryPoints.write(of(({ log }) => log.flushedOffset))
    await this.highWatermarks.write(of(({ highWatermark }) => highWatermark()))
    await this.saveStartOffsets()
  }

  /** Up to where the cleaner has looked at the log's keys. */
  cleanerOffset(name: string): number {
    return this.found.cleaner.get(name) ?? 0
  }

  async saveCleanerOffset(name: string, offset: number): Promise<void> {
    this.found.cleaner.set(name, offset)
    await this.guard(() => this.cleanerOffsets.write(this.found.cleaner))
  }

  private async saveStartOffsets(): Promise<void> {
    const open = this.open()
    const starts = open.map(({ log }) => [log.name, log.logStartOffset] as const)
    // A log must not end, after a loss of power, below where it is said to start.
    for (const [i, { log }] of open.entries()) {
      if (starts[i]![1] > log.flushedOffset && !log.isOffline) await log.flush()
    }
    const all = [...this.coming, ...starts].filter(([, offset]) => offset > 0)
    await this.startOffsets.write(new Map(all))
    for (const [i, { log }] of open.entries()) log.logStartOffsetSaved(starts[i]![1])
  }

  /** Gives the directory up as it is: after a start that failed. */
  async release(): Promise<void> {
    for (const timer of this.removals) timer.clear()
    for (const { log } of this.logs.values()) await log.abandon()
    await this.releaseLock()
  }

  private async releaseLock(): Promise<void> {
    await this.lock.release().catch((error: unknown) => {
      if (!this.isOffline) throw error
    })
  }

  /** Closes all logs and marks the directory as left in order. */
  async close(brokerEpoch: number): Promise<void> {
    if (this.isOffline) return this.release()
    for (const timer of this.removals) timer.clear()
    let isClean = true
    await this.guard(() => this.saveStartOffsets())
    const closing = this.open().values()
    const closer = async () => {
      for (const { log } of closing) {
        await log.close().catch((error: Error) => {
          isClean = false
          this.o.logger.error(
            'a log could not be closed in order; it will be checked at the next start',
            { log: log.name, error: error.message },
          )
        })
        if (log.isOffline) isClean = false
      }
    }
    await Promise.all(Array.from({ length: closingMax }, closer))
    await this.checkpoint()
    const content = Buffer.from(JSON.stringify({ version: 0, brokerEpoch }))
    const marker = `${this.path}/${cleanShutdownFile}`
    if (isClean) await this.guard(() => this.o.disk.writeFileAtomically(marker, content))
    await this.releaseLock()
  }
}

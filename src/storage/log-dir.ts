import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { endlessTurn, mapInTurns, type Turns } from '../base/turns.ts'
import {
  cleanerOffsetFile,
  highWatermarkFile,
  logStartOffsetFile,
  OffsetCheckpoint,
  recoveryPointFile,
} from './checkpoints.ts'
import { takeCleanShutdown, writeCleanShutdown } from './clean-shutdown.ts'
import { directoriesIn, identify } from './directory-identity.ts'
import { type DirectoryLock, type Disk, DiskError, type DiskSpace } from './disk.ts'
import { asideOf, deletedDirectorySuffix, isPartitionName } from './file-names.ts'
import { Log } from './log.ts'
import type { LogConfig } from './log-config.ts'
import { moveDirectory } from './move-directory.ts'
import { checkOwner, readPartitionMetadata, writePartitionMetadata } from './partition-metadata.ts'
import { SharedSync } from './shared-sync.ts'
import { setStrayAside } from './stray-partition.ts'
import type { TailCacheBudget } from './tail-cache.ts'

export interface LogDirOptions {
  readonly disk: Disk
  readonly path: string
  readonly nodeId: number
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly tailCacheBudget: TailCacheBudget
}

export interface OpenLog {
  readonly log: Log
  /** Whether retention applies; the metadata log is trimmed by its snapshots instead. */
  readonly isRetained: boolean
}

/** Number of logs that are closed concurrently; each waits for its own syncs. */
const closingMax = 16

/**
 * One of `log.dirs`: its lock, identity, clean shutdown marker, logs and checkpoints. One of them
 * also stores the metadata partition, which is not a topic.
 */
export class LogDir {
  readonly path: string
  readonly directoryId: string
  readonly clusterId: string
  /** The broker epoch in which it was closed cleanly, -1 if unknown; null if it was not. */
  readonly cleanEpoch: number | null
  private readonly options: LogDirOptions
  private readonly lock: DirectoryLock
  private readonly names: Set<string>
  private readonly logs = new Map<string, OpenLog>()
  /** Log start offsets of partitions that are being moved here from another directory. */
  private readonly coming = new Map<string, number>()
  /** Shared by new partitions: a thousand of them do not need a thousand syncs. */
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
  /** Called once, when the directory fails. */
  onFailure: (() => void) | null = null

  private constructor(
    options: LogDirOptions,
    lock: DirectoryLock,
    identity: { clusterId: string; directoryId: string },
    state: { names: Set<string>; cleanEpoch: number | null; found: LogDir['found'] },
  ) {
    this.options = options
    this.path = options.path
    this.lock = lock
    this.clusterId = identity.clusterId
    this.directoryId = identity.directoryId
    this.names = state.names
    this.cleanEpoch = state.cleanEpoch
    this.ownSync = new SharedSync(options.disk, options.path)
    this.found = state.found
    const checkpoint = (name: string) =>
      new OffsetCheckpoint(options.disk, `${options.path}/${name}`)
    this.recoveryPoints = checkpoint(recoveryPointFile)
    this.startOffsets = checkpoint(logStartOffsetFile)
    this.highWatermarks = checkpoint(highWatermarkFile)
    this.cleanerOffsets = checkpoint(cleanerOffsetFile)
  }

  /**
   * Locks the directory for this broker and formats it if it is new.
   * @param clusterId of the broker's other directories; null to use the stored one, or `fresh`.
   * @param fresh generates an id for a cluster or a directory without one.
   * @throws DirectoryLocked, DiskError, CannotUseDirectory (`identify`, `directoriesIn`).
   */
  static async open(
    options: LogDirOptions,
    clusterId: string | null,
    fresh: () => string,
  ): Promise<LogDir> {
    const { disk, path } = options
    await disk.makeDirectory(path)
    const lock = await disk.lock(path)
    try {
      const identity = await identify(options, clusterId, fresh)
      const directories = await directoriesIn(disk, path)
      const cleanEpoch = await takeCleanShutdown(disk, path)
      const names = new Set(directories.filter(isPartitionName))
      const read = (name: string) => new OffsetCheckpoint(disk, `${path}/${name}`).read()
      const found = {
        recovery: await read(recoveryPointFile),
        start: await read(logStartOffsetFile),
        cleaner: await read(cleanerOffsetFile),
      }
      // Not used with one replica, but Kafka does not start if it is unreadable.
      await read(highWatermarkFile)
      for (const name of directories.filter((one) => one.endsWith(deletedDirectorySuffix))) {
        await disk.remove(`${path}/${name}`)
      }
      return new LogDir(options, lock, identity, { names, cleanEpoch, found })
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** Represents a directory that cannot be opened while other directories can; it is offline. */
  static unusable(options: LogDirOptions, why: Error): LogDir {
    const found = { recovery: new Map(), start: new Map(), cleaner: new Map() }
    const state = { names: new Set<string>(), cleanEpoch: null, found }
    const lock = { release: () => Promise.resolve() }
    const dir = new LogDir(options, lock, { clusterId: '', directoryId: '' }, state)
    dir.fail(why)
    return dir
  }

  /** Whether a file could not be read or written; the directory is no longer used then. */
  get isOffline(): boolean {
    return this.failed !== null
  }

  /** Takes all partitions of this directory offline; other directories stay online (KIP-112). */
  fail(why: Error): void {
    if (this.failed !== null) return
    this.failed = why
    for (const timer of this.removals) timer.clear()
    for (const { log } of this.logs.values()) log.fail(why)
    const fields = { directory: this.path, partitions: this.logs.size, why: why.message }
    this.options.logger.error(
      'a log directory has failed: it is not used until the broker restarts',
      fields,
    )
    this.onFailure?.()
  }

  get logCount(): number {
    return this.names.size
  }

  /** Returns the space of the directory's file system. */
  space(): Promise<DiskSpace> {
    return this.options.disk.space(this.path)
  }

  /** Returns a copy of the open logs, because logs are opened and closed concurrently. */
  open(): OpenLog[] {
    return [...this.logs.values()]
  }

  has(name: string): boolean {
    return this.names.has(name)
  }

  /**
   * Opens or creates a partition. A directory of another topic with the same name is set aside, so
   * that its records are never served again.
   * @throws DamagedFile, DiskError
   */
  async openLog(
    name: string,
    options: {
      readonly topicId: string
      readonly config: () => LogConfig
      readonly isRetained?: boolean
      /** Whether to check all checksums on each open, not only after an unclean shutdown. */
      readonly isAlwaysRecovered?: boolean
    },
  ): Promise<Log> {
    const { disk, clock, random, logger, tailCacheBudget } = this.options
    const { isAlwaysRecovered = false } = options
    const dir = `${this.path}/${name}`
    const isThere = this.names.has(name)
    // Added before any await: a new partition is placed in the directory with the fewest.
    this.names.add(name)
    const owner = isThere ? await readPartitionMetadata(disk, dir) : null
    if (isAlwaysRecovered && owner !== null) checkOwner(dir, owner, options.topicId)
    const isStray = owner === null ? isThere && !isAlwaysRecovered : owner !== options.topicId
    const why = `it belongs to topic ${owner ?? 'of no known id'}, and not to ${options.topicId}`
    if (isStray) await setStrayAside(this.options, name, this.unique(), why)
    if (owner !== options.topicId) this.found.cleaner.delete(name)
    const isKnown = isThere && !isStray
    const log = await Log.open({
      ...{ disk, dir, name, config: options.config },
      ...{ clock, random, logger, tailCacheBudget },
      recoveryPoint: isKnown && !isAlwaysRecovered ? (this.found.recovery.get(name) ?? 0) : 0,
      logStartOffset: isKnown ? (this.found.start.get(name) ?? 0) : 0,
      cleanShutdown: (this.cleanEpoch !== null && !isAlwaysRecovered) || !isKnown,
      onOffline: (why) => this.fail(why),
    })
    if (owner !== options.topicId) {
      await writePartitionMetadata(disk, dir, options.topicId)
      await this.ownSync.sync()
    }
    const isRetained = options.isRetained ?? true
    this.logs.set(name, { log, isRetained })
    return log
  }

  /** Closes and hides a log; its files are removed after `file.delete.delay.ms`. */
  async deleteLog(name: string): Promise<void> {
    const open = this.logs.get(name)
    if (open === undefined) return
    this.logs.delete(name)
    await open.log.abandon()
    await this.putAside(name, open.log.config.fileDeleteDelayMs)
  }

  /**
   * Sets aside every partition that is neither open nor in the metadata; logs a warning for each.
   */
  async setStraysAside(isKnown: (name: string) => boolean): Promise<void> {
    for (const name of [...this.names]) {
      if (this.logs.has(name) || isKnown(name)) continue
      const why = 'the cluster knows no such partition here'
      await this.guard(() => setStrayAside(this.options, name, this.unique(), why))
      this.names.delete(name)
    }
  }

  /** Removes a second copy of a partition that an interrupted move left behind. */
  async discard(name: string): Promise<void> {
    const fields = { partition: name, directory: this.path }
    this.options.logger.warn('a second copy of a partition, left by a move, is removed', fields)
    await this.putAside(name, 0)
  }

  private async putAside(name: string, delayMs: number): Promise<void> {
    const { disk, clock } = this.options
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
    return this.options.random.bytes(16).toString('hex')
  }

  /**
   * Closes a log and moves it to another directory of this broker, to be opened there.
   * @throws DiskError; the log is then closed but still in this directory.
   */
  async handOver(name: string, to: LogDir): Promise<void> {
    const open = this.logs.get(name)
    if (open === undefined) return
    const { log } = open
    await log.close()
    const [here, there] = [this, to].map((dir) => `${dir.path}/${name}`)
    // Saved before the move: after a crash, deleted records must not be served again.
    to.coming.set(name, log.logStartOffset)
    try {
      await to.saveStartOffsets()
      await moveDirectory(this.options.disk, here!, there!, this.unique())
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
    for (const dir of [to, this]) await this.options.disk.syncDirectory(dir.path)
  }

  /** Writes the recovery points, high watermarks and log start offsets of all logs. */
  checkpoint(turns: Turns = endlessTurn): Promise<void> {
    return this.guard(() => this.writeCheckpoints(turns))
  }

  /** Runs the work; a disk error takes the directory offline instead of rejecting. */
  private async guard(work: () => Promise<void>): Promise<void> {
    if (this.isOffline) return
    try {
      await work()
    } catch (error) {
      // The error that took the directory offline meanwhile has been logged already.
      if (this.isOffline) return
      if (!(error instanceof DiskError)) throw error
      this.fail(error)
    }
  }

  private async writeCheckpoints(turns: Turns): Promise<void> {
    const of = (offset: (open: OpenLog) => number) =>
      mapInTurns(turns, this.open(), (open) => [open.log.name, offset(open)] as const)
    await this.recoveryPoints.write(await of(({ log }) => log.flushedOffset), turns)
    await this.highWatermarks.write(await of(({ log }) => log.highWatermark.offset), turns)
    await this.saveStartOffsets(turns)
  }

  /** Returns the offset up to which the cleaner has examined the log's keys. */
  cleanerOffset(name: string): number {
    return this.found.cleaner.get(name) ?? 0
  }

  async saveCleanerOffset(name: string, offset: number): Promise<void> {
    this.found.cleaner.set(name, offset)
    await this.guard(() => this.cleanerOffsets.write(this.found.cleaner))
  }

  private async saveStartOffsets(turns: Turns = endlessTurn): Promise<void> {
    const open = this.open()
    const startOf = ({ log }: OpenLog) => [log.name, log.logStartOffset] as const
    const starts = await mapInTurns(turns, open, startOf)
    // After a power failure a log must not end below its saved log start offset.
    for (const [i, { log }] of open.entries()) {
      if (starts[i]![1] > log.flushedOffset && !log.isOffline) await log.flush()
    }
    const all = [...this.coming, ...starts].filter(([, offset]) => offset > 0)
    await this.startOffsets.write(new Map(all), turns)
    await mapInTurns(turns, open, ({ log }, i) => log.logStartOffsetSaved(starts[i]![1]))
  }

  /** Closes the directory without marking it as clean: for a failed start. */
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

  /** Closes all logs and marks the directory as cleanly shut down. */
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
          this.options.logger.error(
            'a log could not be closed in order; it will be checked at the next start',
            { log: log.name, error: error.message },
          )
        })
        if (log.isOffline) isClean = false
      }
    }
    await Promise.all(Array.from({ length: closingMax }, closer))
    await this.checkpoint()
    const { disk } = this.options
    if (isClean) await this.guard(() => writeCleanShutdown(disk, this.path, brokerEpoch))
    await this.releaseLock()
  }
}

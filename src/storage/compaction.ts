import type { Clock, Timer } from '../base/clock.ts'
import { messageOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Turns } from '../base/turns.ts'
import { CleaningAborted, cleanLog } from './cleaner.ts'
import { DiskError } from './disk.ts'
import type { Log } from './log.ts'
import type { LogDir, OpenLog } from './log-dir.ts'
import { Throttle } from './throttle.ts'

export interface CompactionSettings {
  /** `log.cleaner.enable` */
  readonly isEnabled: boolean
  /** `log.cleaner.backoff.ms`: pause in ms if no log needs cleaning. */
  readonly backoffMs: number
  /** `log.cleaner.dedupe.buffer.size` */
  readonly keyBytesMax: number
  /** `log.cleaner.io.max.bytes.per.second`, for reads and writes; called on each use. */
  readonly bytesPerSecondMax?: () => number
}

/** A log that can be cleaned, with its range of offsets and its priority. */
interface Candidate {
  readonly dir: LogDir
  readonly open: OpenLog
  readonly firstDirty: number
  readonly upTo: number
  readonly dirtyRatio: number
  /** Whether `max.compaction.lag.ms` has passed. */
  readonly isOverdue: boolean
}

/** Compacts the logs of a broker in the background: one at a time, highest dirty ratio first. */
export class Compaction {
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly random: Random
  private readonly turns: Turns
  private readonly dirs: readonly LogDir[]
  private readonly settings: CompactionSettings
  /** Names of logs whose cleaning failed; they are skipped until the broker restarts. */
  private readonly uncleanable = new Set<string>()
  private readonly throttle: Throttle
  private timer: Timer | null = null
  private running: Promise<void> = Promise.resolve()
  private isStopped = false

  constructor(options: {
    readonly clock: Clock
    readonly logger: Logger
    readonly random: Random
    readonly turns: Turns
    readonly dirs: readonly LogDir[]
    readonly settings: CompactionSettings
  }) {
    this.clock = options.clock
    this.logger = options.logger
    this.random = options.random
    this.turns = options.turns
    this.dirs = options.dirs
    this.settings = options.settings
    this.throttle = new Throttle(
      options.clock,
      options.settings.bytesPerSecondMax ?? (() => Infinity),
    )
    if (options.settings.isEnabled) this.wait()
  }

  /** Stops compaction and waits for the current round. */
  async stop(): Promise<void> {
    this.isStopped = true
    this.throttle.lift()
    this.timer?.clear()
    await this.running
  }

  /** Cleans the dirtiest log; must not be called concurrently. @returns false if no log is due. */
  async cleanOne(): Promise<boolean> {
    const due = await this.dirtiest()
    if (due === null) return false
    const { dir, firstDirty, upTo } = due
    const { log } = due.open
    const startedMs = this.clock.monotonicMs()
    try {
      const { random, turns, settings, throttle } = this
      const options = {
        keyBytesMax: settings.keyBytesMax,
        random,
        turns,
        nowMs: this.clock.nowMs(),
        throttle,
      }
      const cleaned = await cleanLog(log, firstDirty, upTo, options)
      await dir.saveCleanerOffset(log.name, cleaned.endOffset)
      this.logger.info('compacted a log', {
        partition: log.name,
        fromOffset: firstDirty,
        toOffset: cleaned.endOffset,
        bytesRead: cleaned.bytesRead,
        bytesWritten: cleaned.bytesWritten,
        keys: cleaned.keys,
        tookMs: Math.round(this.clock.monotonicMs() - startedMs),
      })
    } catch (error) {
      if (log.isClosed || log.isOffline || isOvertaken(error, log)) return true
      // For the cleaner, unlike for a reader, a disk error takes the log directory offline.
      if (error instanceof DiskError) dir.fail(error)
      else this.leaveAlone(log, error)
    }
    return true
  }

  private leaveAlone(log: Log, error: unknown): void {
    this.uncleanable.add(log.name)
    const why = messageOf(error)
    const message = 'a log cannot be compacted: left alone until the broker restarts'
    this.logger.error(message, { partition: log.name, why })
  }

  private wait(): void {
    this.timer = this.clock.after(this.settings.backoffMs, () => {
      this.running = this.cleanAll().finally(() => {
        if (!this.isStopped) this.wait()
      })
    })
  }

  private async cleanAll(): Promise<void> {
    while (!this.isStopped && (await this.cleanOne())) {
      // Continue with the next log.
    }
  }

  private async dirtiest(): Promise<Candidate | null> {
    let worst: Candidate | null = null
    for (const dir of this.dirs) {
      for (const open of dir.open()) {
        if (this.turns.isOver()) await this.turns.next()
        const { log } = open
        if (log.isClosed) continue
        const isCompacted = open.isRetained && log.config.cleanupPolicy.includes('compact')
        if (!isCompacted || log.isOffline || this.uncleanable.has(log.name)) continue
        try {
          const found = await this.examine(dir, open)
          if (found !== null && isWorse(found, worst)) worst = found
        } catch (error) {
          if (!log.isClosed && !log.isOffline) this.leaveAlone(log, error)
        }
      }
    }
    return worst
  }

  /** Returns the range of a log that can be cleaned; null if the log is not dirty enough. */
  private async examine(dir: LogDir, open: OpenLog): Promise<Candidate | null> {
    const { log } = open
    const { segments, config } = log
    const nowMs = this.clock.nowMs()
    const saved = dir.cleanerOffset(log.name)
    const start = Math.max(log.logStartOffset, segments.first.baseOffset)
    const firstDirty = saved < start || saved > segments.active.baseOffset ? start : saved
    const upTo = await this.firstUncleanable(open, firstDirty, nowMs)
    let [clean, dirty] = [0, 0]
    let oldestMs = nowMs
    for (const segment of segments.all) {
      if (segment.baseOffset >= upTo) break
      if ((segments.endOf(segment) ?? upTo) <= firstDirty) clean += segment.sizeBytes
      else {
        dirty += segment.sizeBytes
        if (segment.firstTimestampMs < 0) await segment.findEnd(config.indexIntervalBytes)
        if (segment.firstTimestampMs >= 0) oldestMs = Math.min(oldestMs, segment.firstTimestampMs)
      }
    }
    const dirtyRatio = dirty === 0 ? 0 : dirty / (clean + dirty)
    const isOverdue = dirty > 0 && nowMs - oldestMs > config.maxCompactionLagMs
    if (dirty === 0 || (dirtyRatio <= config.minCleanableDirtyRatio && !isOverdue)) return null
    return { dir, open, firstDirty, upTo, dirtyRatio, isOverdue }
  }

  /**
   * Returns the base offset of the first segment that must not be cleaned: the active segment, one
   * with an undecided transaction, or one with records younger than `min.compaction.lag.ms`.
   */
  private async firstUncleanable(
    { log }: OpenLog,
    firstDirty: number,
    nowMs: number,
  ): Promise<number> {
    const { minCompactionLagMs, indexIntervalBytes } = log.config
    const upTo = Math.min(log.segments.active.baseOffset, log.highWatermark.lastStableOffset)
    // Only whole segments are cleaned.
    const last = log.segments.holding(upTo)
    if (minCompactionLagMs > 0) {
      for (const segment of log.segments.from(firstDirty)) {
        if (segment.baseOffset >= upTo) break
        const newestMs = await segment.newestTimestamp(indexIntervalBytes)
        if (newestMs > nowMs - minCompactionLagMs) return segment.baseOffset
      }
    }
    return last.baseOffset
  }
}

/**
 * Returns whether a segment was closed, truncated or removed during cleaning; if so the log is
 * examined again.
 */
function isOvertaken(error: unknown, { segments }: Log): boolean {
  if (error instanceof CleaningAborted) return true
  if (!(error instanceof DiskError) || error.code !== 'ENOENT') return false
  return segments.all.every(({ log }) => log.path !== error.path)
}

function isWorse(a: Candidate, b: Candidate | null): boolean {
  if (b === null) return true
  if (a.isOverdue !== b.isOverdue) return a.isOverdue
  return a.dirtyRatio > b.dirtyRatio
}

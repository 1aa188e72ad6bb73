import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { CleaningAborted, cleanLog } from './cleaner.ts'
import { DiskError } from './disk.ts'
import type { Log } from './log.ts'
import type { LogDir, OpenLog } from './log-dir.ts'
import { Throttle } from './throttle.ts'

export interface CompactionSettings {
  /** `log.cleaner.enable` */
  readonly isEnabled: boolean
  /** `log.cleaner.backoff.ms`: how long to wait when nothing was to be done. */
  readonly backoffMs: number
  /** `log.cleaner.dedupe.buffer.size` */
  readonly keyBytesMax: number
  /** `log.cleaner.io.max.bytes.per.second`, read and written; asked whenever it matters. */
  readonly bytesPerSecondMax?: () => number
}

/** What there is to clean in a log, and how pressing it is. */
interface Candidate {
  readonly dir: LogDir
  readonly open: OpenLog
  readonly firstDirty: number
  readonly upTo: number
  readonly dirtyRatio: number
  /** `max.compaction.lag.ms` has run out. */
  readonly isOverdue: boolean
}

/** Compacts the logs of a broker in the background, one at a time, the dirtiest first. */
export class Compaction {
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly random: Random
  private readonly dirs: readonly LogDir[]
  private readonly settings: CompactionSettings
  /** Logs that could not be cleaned: left alone until the broker restarts. */
  private readonly uncleanable = new Set<string>()
  private readonly throttle: Throttle
  private timer: Timer | null = null
  private running: Promise<void> = Promise.resolve()
  private isStopped = false

  constructor(o: {
    readonly clock: Clock
    readonly logger: Logger
    readonly random: Random
    readonly dirs: readonly LogDir[]
    readonly settings: CompactionSettings
  }) {
    this.clock = o.clock
    this.logger = o.logger
    this.random = o.random
    this.dirs = o.dirs
    this.settings = o.settings
    this.throttle = new Throttle(o.clock, o.settings.bytesPerSecondMax ?? (() => Infinity))
    if (o.settings.isEnabled) this.wait()
  }

  /** Resolves when the round that is under way, if any, is over. */
  async stop(): Promise<void> {
    this.isStopped = true
    this.throttle.lift()
    this.timer?.clear()
    await this.running
  }

  /** Cleans the dirtiest log; one call at a time. @returns false if no log is dirty enough. */
  async cleanOne(): Promise<boolean> {
    const due = await this.dirtiest()
    if (due === null) return false
    const { dir, firstDirty, upTo } = due
    const { log } = due.open
    const startedMs = this.clock.monotonicMs()
    try {
      const { random, settings, throttle } = this
      const o = { keyBytesMax: settings.keyBytesMax, random, nowMs: this.clock.nowMs(), throttle }
      const cleaned = await cleanLog(log, firstDirty, upTo, o)
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
      // Of a cleaner, unlike of a reader, a failure of the disk is the end of the directory.
      if (error instanceof DiskError) dir.fail(error)
      else this.leaveAlone(log, error)
    }
    return true
  }

  private leaveAlone(log: Log, error: unknown): void {
    this.uncleanable.add(log.name)
    const why = error instanceof Error ? error.message : String(error)
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
      // The next one.
    }
  }

  private async dirtiest(): Promise<Candidate | null> {
    let worst: Candidate | null = null
    for (const dir of this.dirs) {
      for (const open of dir.open()) {
        const { log } = open
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

  /** What of a log is dirty, and may be cleaned; null if that is not enough to begin. */
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

  /** Not the segment that is written to, no undecided transaction, nothing younger than the lag. */
  private async firstUncleanable(
    { log, highWatermark }: OpenLog,
    firstDirty: number,
    nowMs: number,
  ): Promise<number> {
    const { minCompactionLagMs, indexIntervalBytes } = log.config
    const upTo = Math.min(
      log.segments.active.baseOffset,
      log.lastStableOffset(highWatermark()),
      highWatermark(),
    )
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

/** Whether what is being cleaned was closed, cut or removed meanwhile: then it is looked at anew. */
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

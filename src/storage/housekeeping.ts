import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Log } from './log.ts'
import type { LogDir } from './log-dir.ts'
import { deleteOldSegments } from './retention.ts'

/** How often what is done, in milliseconds; the comment names the broker's setting. */
export interface HousekeepingIntervals {
  /** `log.initial.task.delay.ms`: the first time comes no later, however long an interval is. */
  readonly initialDelayMs: number
  /** `log.retention.check.interval.ms` */
  readonly retentionCheckMs: number
  /** `log.flush.scheduler.interval.ms` */
  readonly flushCheckMs: number
  /** `log.flush.offset.checkpoint.interval.ms` */
  readonly checkpointMs: number
  /** `producer.id.expiration.check.interval.ms` */
  readonly producerCheckMs: number
  /** `producer.id.expiration.ms` */
  readonly producerExpirationMs: number
}

/**
 * What the indexes of closed segments may take in memory before they are given back, to be read again
 * when needed. Those of a full segment of 1 GB take about 5 MB.
 */
const indexBytesMax = 64 * 1024 * 1024

/**
 * The regular work on all logs of a broker: a timer a chore, none a log. A chore that takes longer
 * than its interval is not begun twice.
 */
export class Housekeeping {
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly dirs: readonly LogDir[]
  private readonly timers = new Map<string, Timer>()
  private readonly running = new Set<Promise<void>>()
  private readonly initialDelayMs: number
  private isStopped = false

  constructor(o: {
    readonly clock: Clock
    readonly logger: Logger
    readonly dirs: readonly LogDir[]
    readonly intervals: HousekeepingIntervals
  }) {
    this.clock = o.clock
    this.logger = o.logger
    this.dirs = o.dirs
    const { intervals } = o
    this.initialDelayMs = intervals.initialDelayMs
    this.every('remove old segments', intervals.retentionCheckMs, () => this.retain())
    this.every('flush logs', intervals.flushCheckMs, () => this.flush())
    this.every('write checkpoints', intervals.checkpointMs, () => this.checkpoint())
    this.every('forget silent producers', intervals.producerCheckMs, async () => {
      const nowMs = this.clock.nowMs()
      for (const { log } of this.logs()) log.producers.expire(nowMs, intervals.producerExpirationMs)
    })
  }

  /** Resolves when no chore is under way; none begins after. */
  async stop(): Promise<void> {
    this.isStopped = true
    for (const timer of this.timers.values()) timer.clear()
    await Promise.all(this.running)
  }

  /** Applies retention to every log that has one. */
  async retain(): Promise<void> {
    for (const { log, highWatermark, isRetained } of this.logs()) {
      if (!isRetained || log.isOffline) continue
      await this.attempt('remove old segments', log, async () => {
        const count = await deleteOldSegments(log, highWatermark(), this.clock.nowMs())
        if (count === 0) return
        this.logger.info('removed old segments', {
          partition: log.name,
          segments: count,
          logStartOffset: log.logStartOffset,
        })
      })
    }
  }

  private async flush(): Promise<void> {
    const nowMs = this.clock.nowMs()
    for (const { log } of this.logs()) {
      const isDue = nowMs - log.lastFlushMs >= log.config.flushMs
      if (isDue && !log.isOffline && log.flushedOffset < log.writtenOffset) {
        await this.attempt('flush', log, () => log.flush())
      }
    }
  }

  /** What fails of one log must not keep the work from the others. */
  private async attempt(what: string, log: Log, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      // What ended the log, and that it has ended, has been said.
      if (this.isStopped || log.isOffline || log.isClosed) return
      const why = error instanceof Error ? error.message : String(error)
      this.logger.error(`could not ${what}; tried again later`, { partition: log.name, why })
    }
  }

  private async checkpoint(): Promise<void> {
    this.dropIndexes()
    for (const dir of this.dirs) await dir.checkpoint()
  }

  /** Gives the indexes of closed segments back, if there are many in memory. */
  dropIndexes(bytesMax = indexBytesMax): void {
    const resident = [...this.logs()].flatMap(({ log }) =>
      log.segments.all.filter(
        (segment) => segment !== log.segments.active && segment.indexBytes > 0,
      ),
    )
    const bytes = resident.reduce((sum, segment) => sum + segment.indexBytes, 0)
    if (bytes > bytesMax) for (const segment of resident) segment.dropIndexes()
  }

  private *logs() {
    for (const dir of this.dirs) yield* dir.open()
  }

  private every(what: string, intervalMs: number, work: () => Promise<void>): void {
    const ring = () => {
      const done = work()
        .catch((error: unknown) => {
          if (this.isStopped) return
          const why = error instanceof Error ? error.message : String(error)
          this.logger.error(`could not ${what}; tried again later`, { why })
        })
        .then(() => {
          this.running.delete(done)
          if (!this.isStopped) this.timers.set(what, this.clock.after(intervalMs, ring))
        })
      this.running.add(done)
    }
    this.timers.set(what, this.clock.after(Math.min(intervalMs, this.initialDelayMs), ring))
  }
}

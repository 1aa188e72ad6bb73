import type { Clock, Timer } from '../base/clock.ts'
import { messageOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import type { Turns } from '../base/turns.ts'
import type { Log } from './log.ts'
import type { LogDir } from './log-dir.ts'
import { deleteOldSegments } from './retention.ts'
import type { Segment } from './segment.ts'

/** Intervals of the tasks in ms, each with the broker setting it comes from. */
export interface HousekeepingIntervals {
  /**
   * `log.initial.task.delay.ms`: maximum delay of the first run, even if the interval is longer.
   */
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
 * Maximum memory of the indexes of closed segments in bytes; above it they are dropped and read
 * again when needed. The indexes of a full segment of 1 GB take about 5 MB.
 */
const indexBytesMax = 64 * 1024 * 1024

/**
 * Runs the periodic tasks on all logs of a broker, with one timer per task instead of one per log.
 * A task is not started again while it is still running.
 */
export class Housekeeping {
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly dirs: readonly LogDir[]
  private readonly turns: Turns
  private readonly timers = new Map<string, Timer>()
  private readonly running = new Set<Promise<void>>()
  private readonly initialDelayMs: number
  private isStopped = false

  constructor(options: {
    readonly clock: Clock
    readonly logger: Logger
    readonly dirs: readonly LogDir[]
    readonly turns: Turns
    readonly intervals: HousekeepingIntervals
  }) {
    this.clock = options.clock
    this.logger = options.logger
    this.dirs = options.dirs
    this.turns = options.turns
    const { intervals } = options
    this.initialDelayMs = intervals.initialDelayMs
    this.every('remove old segments', intervals.retentionCheckMs, () => this.retain())
    this.every('flush logs', intervals.flushCheckMs, () => this.flush())
    this.every('write checkpoints', intervals.checkpointMs, () => this.checkpoint())
    // Kafka waits a whole interval before the first time (`PeriodicProducerExpirationCheck`).
    const forget = async () => {
      const nowMs = this.clock.nowMs()
      for await (const { log } of this.logs()) {
        log.producers.expire(nowMs, intervals.producerExpirationMs)
      }
    }
    const { producerCheckMs } = intervals
    this.every('forget silent producers', producerCheckMs, forget, producerCheckMs)
  }

  /** Resolves when no task is running; no task starts afterwards. */
  async stop(): Promise<void> {
    this.isStopped = true
    for (const timer of this.timers.values()) timer.clear()
    await Promise.all(this.running)
  }

  /** Applies retention to every log that has retention enabled. */
  async retain(): Promise<void> {
    for await (const { log, isRetained } of this.logs()) {
      if (!isRetained || log.isOffline) continue
      await this.attempt('remove old segments', log, async () => {
        const count = await deleteOldSegments(log, log.highWatermark.offset, this.clock.nowMs())
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
    for await (const { log } of this.logs()) {
      const isDue = nowMs - log.lastFlushMs >= log.config.flushMs
      if (isDue && !log.isOffline && log.flushedOffset < log.writtenOffset) {
        await this.attempt('flush', log, () => log.flush())
      }
    }
  }

  /** Runs the work for one log; an error must not prevent the work on other logs. */
  private async attempt(what: string, log: Log, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      // The error that took the log offline or closed it has been logged already.
      if (this.isStopped || log.isOffline || log.isClosed) return
      const why = messageOf(error)
      this.logger.error(`could not ${what}; tried again later`, { partition: log.name, why })
    }
  }

  private async checkpoint(): Promise<void> {
    await this.dropIndexes()
    for (const dir of this.dirs) await dir.checkpoint(this.turns)
  }

  /** Drops the indexes of closed segments if they exceed `bytesMax` in memory. */
  async dropIndexes(bytesMax = indexBytesMax): Promise<void> {
    const resident: Segment[] = []
    let bytes = 0
    for await (const { log } of this.logs()) {
      for (const segment of log.segments.all) {
        if (segment === log.segments.active || segment.indexBytes === 0) continue
        resident.push(segment)
        bytes += segment.indexBytes
      }
    }
    if (bytes > bytesMax) for (const segment of resident) segment.dropIndexes()
  }

  /** Iterates over all logs; pauses between two logs when a turn of the event loop is over. */
  private async *logs() {
    for (const dir of this.dirs) {
      for (const open of dir.open()) {
        if (this.turns.isOver()) await this.turns.next()
        if (!open.log.isClosed) yield open
      }
    }
  }

  private every(
    what: string,
    intervalMs: number,
    work: () => Promise<void>,
    firstMs = Math.min(intervalMs, this.initialDelayMs),
  ): void {
    const ring = () => {
      const done = work()
        .catch((error: unknown) => {
          if (this.isStopped) return
          const why = messageOf(error)
          this.logger.error(`could not ${what}; tried again later`, { why })
        })
        .then(() => {
          this.running.delete(done)
          if (!this.isStopped) this.timers.set(what, this.clock.after(intervalMs, ring))
        })
      this.running.add(done)
    }
    this.timers.set(what, this.clock.after(firstMs, ring))
  }
}

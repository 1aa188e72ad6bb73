/** Maximum bytes of a read or write on the thread of the event loop. */
const inlineBytesMax = 2 * 1024 * 1024
/**
 * Operations that take longer (ms) have waited for the disk instead of using the page cache. The
 * limit for writes is higher because the kernel throttles writers for longer than readers. Where
 * the processor is shared, any thread may be descheduled for a few ms, which says nothing about the
 * disk.
 */
export const slowMs = { read: 3, write: 10 } as const
/** Operations above this time (ms) are too slow for the event loop for whatever reason. */
const tooLongMs = 50
/**
 * Duration (ms) for which operations then use the thread pool: the first one, and the longest after
 * repeated slowness.
 */
const restMs = { first: 250, longest: 60_000 } as const

/**
 * Decides whether bytes are read or written at once or on the thread pool. A copy from or to the
 * page cache takes less time than a handover to another thread and a third less processor time. But
 * if the file system reads from the disk or throttles writers, the event loop must not wait for it.
 * One instance per direction.
 */
export class InlineIo {
  private readonly monotonicMs: () => number
  private readonly slowMs: number
  private readonly diskReads: () => number | null
  private lastDiskReads = 0
  private isSlow = false
  /** Only valid while `isSlow` is true. */
  private slowUntilMs = 0
  private restMs: number = restMs.first
  /** If an operation is slow again before this time, the last pause was too short. */
  private provenMs = 0

  /**
   * @param diskReads returns how often this process has read from a disk so far; null if unknown or
   * for a writer. Then only the time counts.
   */
  constructor(monotonicMs: () => number, slowMs: number, diskReads: () => number | null) {
    this.monotonicMs = monotonicMs
    this.slowMs = slowMs
    this.diskReads = diskReads
  }

  mayBeInline(bytes: number): boolean {
    return !this.isSlow && bytes <= inlineBytesMax
  }

  /** Runs the work on the event loop and starts a pause if it was too slow. */
  inline<T>(work: () => T): T {
    const startedMs = this.monotonicMs()
    const result = work()
    const endedMs = this.monotonicMs()
    const tookMs = endedMs - startedMs
    if (tookMs > this.slowMs && this.hasWaitedForDisk(tookMs)) this.rest(startedMs, endedMs)
    return result
  }

  /**
   * Runs the work on the thread pool. Inline operations resume only after a fast one here, so a
   * disk that hangs stops the event loop once, not again and again.
   */
  async pooled<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (!this.isSlow || bytes > inlineBytesMax) return work()
    const startedMs = this.monotonicMs()
    const result = await work()
    const endedMs = this.monotonicMs()
    // An operation started before the pause was over says nothing about the current state.
    if (!this.isSlow || startedMs < this.slowUntilMs) return result
    if (endedMs - startedMs > this.slowMs) this.rest(startedMs, endedMs)
    else {
      this.isSlow = false
      this.provenMs = endedMs + this.restMs
    }
    return result
  }

  /** Starts a pause, twice as long as the last one if that was too short. */
  private rest(startedMs: number, endedMs: number): void {
    const isAgain = this.isSlow || startedMs < this.provenMs
    this.restMs = isAgain ? Math.min(this.restMs * 2, restMs.longest) : restMs.first
    this.isSlow = true
    this.slowUntilMs = endedMs + this.restMs
  }

  private hasWaitedForDisk(tookMs: number): boolean {
    const reads = this.diskReads()
    const isKnown = reads !== null && reads === this.lastDiskReads
    if (reads !== null) this.lastDiskReads = reads
    return !isKnown || tookMs > tooLongMs
  }
}

/** The inline I/O of one disk, by direction. */
export interface InlineIoOfDisks {
  readonly read: InlineIo
  readonly write: InlineIo
}

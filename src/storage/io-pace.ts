/** The most that is moved without leaving the event loop's thread. */
const inlineBytesMax = 2 * 1024 * 1024
/**
 * What took longer did not come from, or go to, the page cache: it waited for the disk. A writer
 * that the kernel holds back waits for longer than a reader; and where the processor is shared, any
 * thread may be put aside for a few milliseconds, which says nothing of the disk.
 */
export const slowMs = { read: 3, write: 10 } as const
/** What takes so long is too much for the loop, whatever the reason. */
const tooLongMs = 50
/** How long the thread pool then does the work. */
const restMs = 250

/**
 * Whether bytes are moved at once or on the thread pool. A copy from or to the page cache takes less
 * time than handing it to another thread, and a third less of the processor; but a file system that
 * reads from the disk, or holds its writers back, must not hold back the event loop. One for each
 * direction.
 */
export class IoPace {
  private readonly monotonicMs: () => number
  private readonly slowMs: number
  private readonly diskReads: () => number | null
  private lastDiskReads = 0
  /** 0 when it is not slow: so that nobody asks for the time. */
  private slowUntilMs = 0

  /**
   * @param diskReads how often this process has had to read from a disk so far; null where nobody
   *   counts, or for a writer: then time alone tells.
   */
  constructor(monotonicMs: () => number, slowMs: number, diskReads: () => number | null) {
    this.monotonicMs = monotonicMs
    this.slowMs = slowMs
    this.diskReads = diskReads
  }

  mayBeInline(bytes: number): boolean {
    if (bytes > inlineBytesMax) return false
    if (this.slowUntilMs === 0) return true
    if (this.monotonicMs() < this.slowUntilMs) return false
    this.slowUntilMs = 0
    return true
  }

  /** Does the work, and notes when it took too long. */
  inline<T>(work: () => T): T {
    const startedMs = this.monotonicMs()
    const result = work()
    const endedMs = this.monotonicMs()
    const tookMs = endedMs - startedMs
    if (tookMs > this.slowMs && this.hasWaitedForDisk(tookMs)) this.slowUntilMs = endedMs + restMs
    return result
  }

  private hasWaitedForDisk(tookMs: number): boolean {
    const reads = this.diskReads()
    const isKnown = reads !== null && reads === this.lastDiskReads
    if (reads !== null) this.lastDiskReads = reads
    return !isKnown || tookMs > tooLongMs
  }
}

/** The paces of one disk. */
export interface IoPaces {
  readonly read: IoPace
  readonly write: IoPace
}

/** The most that is written without leaving the event loop's thread. */
const inlineBytesMax = 1024 * 1024
/** A write that took longer was made to wait by the file system: its cache is full of unsynced pages. */
const slowMs = 3
/** How long writes then go to the thread pool. */
const restMs = 250

/**
 * Whether a write is made at once or on the thread pool. A copy into the page cache takes less time
 * than handing it to another thread, and a third less of the processor; but a file system that
 * holds its writers back must not hold back the event loop.
 */
export class WritePace {
  private readonly monotonicMs: () => number
  private slowUntilMs = 0

  constructor(monotonicMs: () => number) {
    this.monotonicMs = monotonicMs
  }

  mayBeInline(bytes: number): boolean {
    return bytes <= inlineBytesMax && this.monotonicMs() >= this.slowUntilMs
  }

  /** Does the write, and notes when it took too long. */
  inline<T>(write: () => T): T {
    const startedMs = this.monotonicMs()
    const result = write()
    const endedMs = this.monotonicMs()
    if (endedMs - startedMs > slowMs) this.slowUntilMs = endedMs + restMs
    return result
  }
}

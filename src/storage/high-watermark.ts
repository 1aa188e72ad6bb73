/** Called when more of a log is readable, or when it can no longer be read here. */
export type Waiter = () => void

/**
 * Up to where a log's records are committed: they survive a change of leader and are shown to
 * consumers. The log moves it; those who wait are told by it. With one replica it is where the
 * written records end.
 */
export class HighWatermark {
  private readonly log: { lastStableOffset(highWatermark: number): number }
  private readonly waiting = new Set<Waiter>()
  private committed: number

  constructor(log: HighWatermark['log'], offset: number) {
    this.log = log
    this.committed = offset
  }

  /** Records below are committed. */
  get offset(): number {
    return this.committed
  }

  /** Transactions below are decided, too. */
  get lastStableOffset(): number {
    return this.log.lastStableOffset(this.committed)
  }

  moveTo(offset: number): void {
    this.committed = offset
    // Not called during the append, because waiters respond at once and may do much work.
    if (this.waiting.size > 0) queueMicrotask(() => this.wake())
  }

  add(waiter: Waiter): void {
    this.waiting.add(waiter)
  }

  remove(waiter: Waiter): void {
    this.waiting.delete(waiter)
  }

  wake(): void {
    // A copy, because a satisfied waiter removes itself during the iteration; others stay.
    for (const waiter of [...this.waiting]) waiter()
  }
}

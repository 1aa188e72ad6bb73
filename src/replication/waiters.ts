/** Told when more of a partition became readable, or when it can no longer be read here. */
export type Waiter = () => void

/**
 * Who waits for a partition. A long poll waits on many partitions with one function; it asks again
 * what is readable when it is called.
 */
export class Waiters {
  private readonly waiting = new Set<Waiter>()

  get size(): number {
    return this.waiting.size
  }

  add(waiter: Waiter): void {
    this.waiting.add(waiter)
  }

  remove(waiter: Waiter): void {
    this.waiting.delete(waiter)
  }

  wake(): void {
    if (this.waiting.size === 0) return
    // A waiter that is not satisfied stays; one that is removes itself while we go round.
    for (const waiter of [...this.waiting]) waiter()
  }
}

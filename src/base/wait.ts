import type { Clock } from './clock.ts'

/** The waits of a node's tasks, which others may end before their time. */
export class Wait {
  private readonly clock: Clock
  private readonly wakes = new Set<() => void>()
  private isDue = false
  private isClosed = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Resolves after this time in ms, when `until` resolves, or by `end` or `close`. */
  async for(delayMs: number, until?: Promise<void>): Promise<void> {
    if (!this.isDue && !this.isClosed) {
      let wake = () => {}
      await new Promise<void>((resolve) => {
        const timer = this.clock.after(delayMs, resolve)
        wake = () => {
          timer.clear()
          resolve()
        }
        this.wakes.add(wake)
        void until?.then(wake)
      })
      this.wakes.delete(wake)
    }
    this.isDue = false
  }

  /** Ends the present waits or, if there are none, the next one. */
  end(): void {
    if (this.wakes.size === 0) this.isDue = true
    for (const wake of this.wakes) wake()
  }

  /** Ends the present waits, and all later ones at once. */
  close(): void {
    this.isClosed = true
    for (const wake of this.wakes) wake()
  }
}

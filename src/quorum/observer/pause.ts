import type { Clock } from '../../base/clock.ts'

/** The waits of a task, which another one may end for good. */
export class Pause {
  private readonly clock: Clock
  private isOver = false
  private wake: (() => void) | null = null

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Resolves after this time in ms, or when `until` resolves; at once after `end`. */
  async for(delayMs: number, until?: Promise<void>): Promise<void> {
    if (this.isOver) return
    await new Promise<void>((resolve) => {
      const timer = this.clock.after(delayMs, resolve)
      this.wake = () => {
        timer.clear()
        resolve()
      }
      void until?.then(this.wake)
    })
    this.wake = null
  }

  /** Ends the wait in progress, and all later ones. */
  end(): void {
    this.isOver = true
    this.wake?.()
  }
}

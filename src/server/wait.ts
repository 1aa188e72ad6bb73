import type { Clock } from '../base/clock.ts'

/** The waits of one task; another one may end the present wait or, if there is none, the next. */
export class Wait {
  private readonly clock: Clock
  private wake: (() => void) | null = null
  private isDue = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Resolves after this time in ms, or at `end`. */
  async for(delayMs: number): Promise<void> {
    if (!this.isDue) {
      await new Promise<void>((resolve) => {
        const timer = this.clock.after(delayMs, resolve)
        this.wake = () => {
          timer.clear()
          resolve()
        }
      })
    }
    this.isDue = false
    this.wake = null
  }

  end(): void {
    this.isDue = true
    this.wake?.()
  }
}

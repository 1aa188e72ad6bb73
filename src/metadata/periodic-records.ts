import type { Clock, Timer } from '../base/clock.ts'

/** Records that the controller writes of its own accord, at an interval. */
export class PeriodicRecords {
  private readonly clock: Clock
  private readonly intervalMs: number
  private readonly write: () => Promise<void>
  private timer: Timer | null = null
  private isStopped = false
  private writing: Promise<void> = Promise.resolve()

  /** @param options.write rejects if the metadata log cannot be written. */
  constructor(options: {
    readonly clock: Clock
    readonly intervalMs: number
    readonly write: () => Promise<void>
  }) {
    this.clock = options.clock
    this.intervalMs = options.intervalMs
    this.write = options.write
    this.wait()
  }

  /** Resolves when no record is being written any more. */
  async stop(): Promise<void> {
    this.isStopped = true
    this.timer?.clear()
    await this.writing
  }

  private wait(): void {
    this.timer = this.clock.after(this.intervalMs, () => {
      this.writing = this.tick()
    })
  }

  private async tick(): Promise<void> {
    try {
      await this.write()
    } catch {
      return // The log cannot be written, which is logged already; stop.
    }
    if (!this.isStopped) this.wait()
  }
}

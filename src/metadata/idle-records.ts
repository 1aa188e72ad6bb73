import type { Clock, Timer } from '../base/clock.ts'
import type { MetadataController } from './metadata.ts'

/**
 * Appends a NoOpRecord while the metadata log is idle, so that its followers can tell that it is
 * alive (KIP-835, `metadata.max.idle.interval.ms`).
 */
export class IdleRecords {
  private readonly clock: Clock
  private readonly metadata: MetadataController
  private readonly intervalMs: number
  private lastOffset = -1
  private timer: Timer | null = null
  private isStopped = false
  private writing: Promise<void> = Promise.resolve()

  /** @param options.intervalMs interval in ms; 0 disables the records. */
  constructor(options: {
    readonly clock: Clock
    readonly metadata: MetadataController
    readonly intervalMs: number
  }) {
    this.clock = options.clock
    this.metadata = options.metadata
    this.intervalMs = options.intervalMs
    if (this.intervalMs > 0) this.wait()
  }

  /** Resolves when no record is being written any more. */
  async stop(): Promise<void> {
    this.isStopped = true
    this.timer?.clear()
    await this.writing
  }

  private wait(): void {
    this.lastOffset = this.metadata.image.offset
    this.timer = this.clock.after(this.intervalMs, () => {
      this.writing = this.tick()
    })
  }

  private async tick(): Promise<void> {
    const isIdle = this.metadata.image.offset === this.lastOffset
    try {
      if (isIdle) await this.metadata.writeNoOp()
    } catch {
      return // The log cannot be written, which is logged already; stop.
    }
    if (!this.isStopped) this.wait()
  }
}

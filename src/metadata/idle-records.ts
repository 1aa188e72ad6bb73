import type { Clock, Timer } from '../base/clock.ts'
import type { MetadataController } from './metadata.ts'

/**
 * While nothing happens the metadata log grows by a record that says nothing, so that whoever follows it
 * can tell that it is alive (KIP-835, `metadata.max.idle.interval.ms`).
 */
export class IdleRecords {
  private readonly clock: Clock
  private readonly metadata: MetadataController
  private readonly intervalMs: number
  private lastOffset = -1
  private timer: Timer | null = null
  private isStopped = false
  private writing: Promise<void> = Promise.resolve()

  /** @param o.intervalMs 0 for never. */
  constructor(o: {
    readonly clock: Clock
    readonly metadata: MetadataController
    readonly intervalMs: number
  }) {
    this.clock = o.clock
    this.metadata = o.metadata
    this.intervalMs = o.intervalMs
    if (this.intervalMs > 0) this.wait()
  }

  /** Resolves when nothing is being written any more. */
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
      return // The log cannot be written, which was said; there is no more to come.
    }
    if (!this.isStopped) this.wait()
  }
}

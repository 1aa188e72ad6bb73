import type { Clock, Timer } from '../base/clock.ts'
import { sweepTokens } from './controller/delegation-tokens.ts'
import type { MetadataController } from './metadata.ts'

/**
 * Removes expired delegation tokens at an interval (`delegation.token.expiry.check.interval.ms`).
 * Until then they are described, and can log in.
 */
export class ExpiredTokens {
  private readonly clock: Clock
  private readonly metadata: MetadataController
  private readonly intervalMs: number
  private timer: Timer | null = null
  private isStopped = false
  private sweeping: Promise<void> = Promise.resolve()

  constructor(options: {
    readonly clock: Clock
    readonly metadata: MetadataController
    readonly intervalMs: number
  }) {
    this.clock = options.clock
    this.metadata = options.metadata
    this.intervalMs = options.intervalMs
    this.wait()
  }

  /** Resolves when no token is being removed any more. */
  async stop(): Promise<void> {
    this.isStopped = true
    this.timer?.clear()
    await this.sweeping
  }

  private wait(): void {
    this.timer = this.clock.after(this.intervalMs, () => {
      this.sweeping = this.sweep()
    })
  }

  private async sweep(): Promise<void> {
    try {
      await this.metadata.submit(sweepTokens)
    } catch {
      return // The log cannot be written, which is logged already; stop.
    }
    if (!this.isStopped) this.wait()
  }
}

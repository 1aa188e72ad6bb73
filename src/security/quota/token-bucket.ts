import type { QuotaWindow } from './rate.ts'

/**
 * Permits that return at the rate of a quota, up to those of a whole window; they may be overdrawn
 * once (`TokenBucket` of Kafka's metrics, KIP-599).
 */
export class TokenBucket {
  private readonly window: QuotaWindow
  private tokens = 0
  /** A new bucket fills up at once. */
  private filledMs = Number.NEGATIVE_INFINITY

  constructor(window: QuotaWindow) {
    this.window = window
  }

  /** Takes permits, also those that are not there yet. @param limit permits per second. */
  take(permits: number, limit: number, nowMs: number): void {
    this.fill(limit, nowMs)
    this.tokens = Math.min(this.burst(limit), this.tokens - permits)
  }

  /** Returns how long it stays overdrawn, in ms; null if it is not. */
  throttleMs(limit: number, nowMs: number): number | null {
    this.fill(limit, nowMs)
    return this.tokens >= 0 ? null : Math.round((-this.tokens / limit) * 1000)
  }

  private fill(limit: number, nowMs: number): void {
    const returned = (limit * (nowMs - this.filledMs)) / 1000
    this.tokens = Math.min(this.burst(limit), this.tokens + returned)
    this.filledMs = nowMs
  }

  private burst(limit: number): number {
    const { samples, sampleMs } = this.window
    return (samples * sampleMs * limit) / 1000
  }
}

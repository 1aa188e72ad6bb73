import type { Random } from '../base/random.ts'

/** `reconnect.backoff.ms` and `reconnect.backoff.max.ms` of Kafka's clients. */
export const reconnectMs = { firstMs: 50, maxMs: 1_000 }

/** Share by which a delay is randomly shorter or longer, so that nodes do not act at once. */
const jitter = 0.2
/** Steps of the random factor. */
const grains = 1_000_000

/** Delays that double with each failure, as those of Kafka's `ExponentialBackoff`. */
export class Backoff {
  private readonly firstMs: number
  private readonly maxMs: number
  private readonly random: Random

  constructor(options: {
    readonly firstMs: number
    /** No delay is longer, whatever its random factor. */
    readonly maxMs: number
    readonly random: Random
  }) {
    this.firstMs = options.firstMs
    this.maxMs = options.maxMs
    this.random = options.random
  }

  /** Returns the delay in ms after this number of failures in a row, not counting the last one. */
  delayMs(failures: number): number {
    const doublings = Math.min(failures, Math.log2(this.maxMs / this.firstMs))
    const factor = 1 - jitter + (2 * jitter * this.random.int(grains + 1)) / grains
    return Math.min(Math.floor(factor * this.firstMs * 2 ** doublings), this.maxMs)
  }
}

import type { Clock } from '../base/clock.ts'

/** A follower that is silent for longer, in ms, is not waited for. */
const followingMs = 1000

/** Maximum time, in ms, that is waited for the others. */
const waitMsMax = 1000

interface Follower {
  /** It has all records below, and knows that they are committed. */
  reached: number
  /** The high watermark of the last answer. */
  answeredHighWatermark: number
  /** Monotonic time in ms of its last fetch, or of the answer to it. */
  lastMs: number
  isWaiting: boolean
}

interface Pending {
  readonly offset: number
  readonly end: () => void
}

/** A follower's fetch: from where, and what it knows to be committed. */
export interface FetchedFrom {
  readonly offset: number
  /** Before Fetch v18 (KIP-1166) a follower does not say; `Infinity` then. */
  readonly highWatermark: number
}

/**
 * How far those who follow the metadata log at this moment have come, so that an answer can wait
 * until all brokers know what it says.
 */
export class FollowersInStep {
  private readonly clock: Clock
  private readonly followers = new Map<string, Follower>()
  private readonly pending = new Set<Pending>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** A fetch has arrived; `answered` or `left` ends it. */
  fetched(key: string, { offset, highWatermark }: FetchedFrom): void {
    const known = this.followers.get(key)
    const answeredHighWatermark = known?.answeredHighWatermark ?? -1
    const committed = Number.isFinite(highWatermark) ? highWatermark : answeredHighWatermark
    this.followers.set(key, {
      reached: Math.min(offset, committed),
      answeredHighWatermark,
      lastMs: this.clock.monotonicMs(),
      isWaiting: true,
    })
    this.check()
  }

  answered(key: string, highWatermark: number): void {
    const follower = this.followers.get(key)
    if (follower === undefined) return
    follower.isWaiting = false
    follower.lastMs = this.clock.monotonicMs()
    follower.answeredHighWatermark = highWatermark
  }

  /** The follower's connection was closed. */
  left(key: string): void {
    this.followers.delete(key)
    this.check()
  }

  /**
   * Resolves when all who follow have the committed records below `offset`, and after a second at
   * the latest. Never rejects.
   */
  reached(offset: number): Promise<void> {
    if (this.haveReached(offset)) return Promise.resolve()
    return new Promise((resolve) => {
      const pending: Pending = {
        offset,
        end: () => {
          timer.clear()
          this.pending.delete(pending)
          resolve()
        },
      }
      const timer = this.clock.after(waitMsMax, pending.end)
      this.pending.add(pending)
    })
  }

  private check(): void {
    for (const { offset, end } of [...this.pending]) if (this.haveReached(offset)) end()
  }

  private haveReached(offset: number): boolean {
    const since = this.clock.monotonicMs() - followingMs
    let isReached = true
    for (const [key, { reached, lastMs, isWaiting }] of this.followers) {
      if (!isWaiting && lastMs < since) this.followers.delete(key)
      else if (reached < offset) isReached = false
    }
    return isReached
  }
}

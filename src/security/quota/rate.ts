/** Number and length of the samples over which a quota is measured. */
export interface QuotaWindow {
  /** `quota.window.num`, of which the newest is still being filled. */
  readonly samples: number
  /** `quota.window.size.seconds`, in ms. */
  readonly sampleMs: number
}

/** The sum of the values recorded in one part of the window. */
interface Sample {
  sum: number
  startMs: number
  lastMs: number
}

/**
 * The rate per second of the values recorded in the window (`Rate` of Kafka's metrics). A young
 * rate is taken over at least all samples but one, so that a burst at the start is not a high rate.
 */
export class Rate {
  private readonly window: QuotaWindow
  /** A ring of one sample more than the window has. */
  private readonly ring: Sample[] = []
  private newest = 0

  constructor(window: QuotaWindow) {
    this.window = window
  }

  record(value: number, nowMs: number): void {
    const sample = this.sampleAt(nowMs)
    sample.sum += value
    sample.lastMs = nowMs
  }

  /** Returns the rate per second. */
  measure(nowMs: number): number {
    const windowMs = this.windowMs(nowMs)
    const sum = this.ring.reduce((total, sample) => total + sample.sum, 0)
    return (sum * 1000) / windowMs
  }

  /** Returns over how long the rate is taken, in ms; samples that are too old are emptied. */
  windowMs(nowMs: number): number {
    const { samples, sampleMs } = this.window
    let startMs = nowMs
    for (const sample of this.ring) {
      if (nowMs - sample.lastMs >= samples * sampleMs) empty(sample, nowMs)
      startMs = Math.min(startMs, sample.startMs)
    }
    const elapsedMs = nowMs - startMs
    const missing = Math.max(samples - 1 - Math.floor(elapsedMs / sampleMs), 0)
    return Math.max(elapsedMs + missing * sampleMs, 1)
  }

  private sampleAt(nowMs: number): Sample {
    const current = this.ring[this.newest]
    if (current === undefined) return this.add(nowMs)
    if (nowMs - current.startMs < this.window.sampleMs) return current
    this.newest = (this.newest + 1) % (this.window.samples + 1)
    const next = this.ring[this.newest]
    if (next === undefined) return this.add(nowMs)
    empty(next, nowMs)
    return next
  }

  private add(nowMs: number): Sample {
    const sample = { sum: 0, startMs: nowMs, lastMs: nowMs }
    this.ring.push(sample)
    return sample
  }
}

function empty(sample: Sample, nowMs: number): void {
  sample.sum = 0
  sample.startMs = nowMs
  sample.lastMs = nowMs
}

/**
 * Returns how long to wait, in ms, until the rate is back at its limit, if nothing is recorded
 * meanwhile; 0 within the limit (`QuotaUtils.throttleTime`).
 */
export function throttleMsOf(rate: Rate, limit: number, nowMs: number): number {
  const measured = rate.measure(nowMs)
  if (measured <= limit) return 0
  return Math.round(((measured - limit) / limit) * rate.windowMs(nowMs))
}

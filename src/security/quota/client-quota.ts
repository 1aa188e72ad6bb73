import type { Clock } from '../../base/clock.ts'
import { emptyImage, type Image } from '../../metadata/image.ts'
import { type QuotaName, type QuotaSubject, QuotaTable } from './quota-table.ts'
import { type QuotaWindow, Rate, throttleMsOf } from './rate.ts'
import { Sensors } from './sensors.ts'
import { TokenBucket } from './token-bucket.ts'

/** A client, as quotas tell clients apart. */
export interface QuotaClient {
  /** The name of its principal. */
  readonly user: string
  /** Empty for a client that has none. */
  readonly clientId: string
}

/** The longest throttle that fits into a response, in ms. */
const throttleMsMax = 2 ** 31 - 1

/** One quota of all clients: who has which limit, and what was used of it. */
abstract class ClientQuota<S> {
  protected readonly window: QuotaWindow
  protected readonly clock: Pick<Clock, 'monotonicMs'>
  private readonly name: QuotaName
  private readonly sensors: Sensors<S>
  private table: QuotaTable
  private quotas: Image['quotas'] = emptyImage.quotas

  constructor(options: {
    readonly name: QuotaName
    readonly window: QuotaWindow
    readonly clock: Pick<Clock, 'monotonicMs'>
    readonly sensor: () => S
  }) {
    this.name = options.name
    this.window = options.window
    this.clock = options.clock
    this.sensors = new Sensors(options.sensor)
    this.table = new QuotaTable(emptyImage, options.name)
  }

  /** Whether anybody has this quota; nothing is measured otherwise. */
  get isSet(): boolean {
    return !this.table.isEmpty
  }

  /** Applies the quotas of a new image, also to what has been measured already. */
  follow(image: Pick<Image, 'quotas' | 'quotaLevels'>): void {
    if (image.quotas === this.quotas) return
    this.quotas = image.quotas
    this.table = new QuotaTable(image, this.name)
  }

  protected useOf({ user, clientId }: QuotaClient, nowMs: number): { sensor: S; limit: number } {
    const subject = this.table.subjectOf(user, clientId)
    return {
      sensor: this.sensors.get(sensorName(subject), nowMs),
      limit: this.table.limitOf(subject) ?? Number.POSITIVE_INFINITY,
    }
  }

  protected limitOf({ user, clientId }: QuotaClient): number {
    return this.table.limitOf(this.table.subjectOf(user, clientId)) ?? Number.POSITIVE_INFINITY
  }
}

const sensorName = ({ user, clientId }: QuotaSubject) => JSON.stringify([user, clientId])

/** A quota of a rate: bytes per second, or percent of the time (KIP-13, KIP-124). */
export class RateQuota extends ClientQuota<Rate> {
  private readonly throttleMsMax: number

  constructor(options: {
    readonly name: QuotaName
    readonly window: QuotaWindow
    readonly clock: Pick<Clock, 'monotonicMs'>
    /** The longest throttle, in ms. */
    readonly throttleMsMax?: number
  }) {
    super({ ...options, sensor: () => new Rate(options.window) })
    this.throttleMsMax = options.throttleMsMax ?? throttleMsMax
  }

  /** Records a use. @returns how long the client is to wait, in ms; 0 within its limit. */
  record(client: QuotaClient, value: number): number {
    if (!this.isSet) return 0
    const nowMs = this.now()
    const { sensor, limit } = this.useOf(client, nowMs)
    sensor.record(value, nowMs)
    return Math.min(throttleMsOf(sensor, limit, nowMs), this.throttleMsMax)
  }

  /** Takes back a use that was recorded for something that is not sent after all. */
  takeBack(client: QuotaClient, value: number): void {
    if (!this.isSet) return
    const nowMs = this.now()
    this.useOf(client, nowMs).sensor.record(-value, nowMs)
  }

  /**
   * Returns the most that may be recorded at once: more would be throttled even if nothing else
   * was recorded lately, and so never be sent.
   */
  mostAtOnce(client: QuotaClient): number {
    const { samples, sampleMs } = this.window
    return Math.floor((this.limitOf(client) * (samples - 1) * sampleMs) / 1000)
  }

  /** Whole ms, as Kafka measures. */
  private now(): number {
    return Math.floor(this.clock.monotonicMs())
  }
}

/** The permits that one request takes from the mutation quota of its client (KIP-599). */
export interface MutationUse {
  /**
   * Takes permits for so many partitions.
   * @returns false if the request must not change them.
   */
  take(partitions: number): boolean
  /** How long the client is to wait from now on, in ms. */
  throttleMs(): number
}

/** The quota of topics and partitions that are created and deleted. */
export class MutationQuota extends ClientQuota<TokenBucket> {
  constructor(options: {
    readonly window: QuotaWindow
    readonly clock: Pick<Clock, 'monotonicMs'>
  }) {
    super({
      ...options,
      name: 'controller_mutation_rate',
      sensor: () => new TokenBucket(options.window),
    })
  }

  /**
   * Begins a request; null if nobody has this quota.
   * @param isStrict whether it is refused what goes beyond the quota, or throttled for it.
   */
  begin(client: QuotaClient, isStrict: boolean): MutationUse | null {
    if (!this.isSet) return null
    let throttledMs = 0
    let throttledAtMs = 0
    const note = (ms: number, nowMs: number) => {
      throttledMs = Math.min(ms, throttleMsMax)
      throttledAtMs = nowMs
    }
    return {
      take: (partitions) => {
        const nowMs = this.clock.monotonicMs()
        const { sensor, limit } = this.useOf(client, nowMs)
        if (limit === Number.POSITIVE_INFINITY) return true
        // A strict request is refused once the permits are overdrawn, another one waits for them.
        if (!isStrict) sensor.take(partitions, limit, nowMs)
        const waitMs = sensor.throttleMs(limit, nowMs)
        if (waitMs !== null) note(waitMs, nowMs)
        if (!isStrict) return true
        if (waitMs === null) sensor.take(partitions, limit, nowMs)
        return waitMs === null
      },
      throttleMs: () => {
        const sinceMs = this.clock.monotonicMs() - throttledAtMs
        return Math.max(0, Math.round(throttledMs - sinceMs))
      },
    }
  }
}

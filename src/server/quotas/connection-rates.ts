import type { Image } from '../../metadata/image.ts'
import { quotaKey } from '../../metadata/quotas.ts'
import { type QuotaWindow, Rate, throttleMsOf } from '../../security/quota/rate.ts'
import { Sensors } from '../../security/quota/sensors.ts'

const localhost = '127.0.0.1'

/**
 * How many connections a second come to the broker, to each listener and from each address
 * (KIP-402, KIP-612). A throttle is at most one sample long.
 */
export class ConnectionRates {
  private readonly window: QuotaWindow
  private readonly image: () => Image
  private readonly accepted: Sensors<Rate>
  private readonly byAddress: Sensors<Rate>

  constructor(window: QuotaWindow, image: () => Image) {
    this.window = window
    this.image = image
    this.accepted = new Sensors(() => new Rate(window))
    this.byAddress = new Sensors(() => new Rate(window))
  }

  /**
   * Counts a connection of the broker (null) or of a listener.
   * @returns how long to wait, in ms, before it is served.
   */
  record(listener: string | null, limit: number, nowMs: number): number {
    const rate = this.accepted.get(JSON.stringify(listener), nowMs)
    rate.record(1, nowMs)
    return this.throttleMs(rate, limit, nowMs)
  }

  /** Takes back a connection that is not served after all. */
  takeBack(listener: string | null, nowMs: number): void {
    this.accepted.get(JSON.stringify(listener), nowMs).record(-1, nowMs)
  }

  /**
   * Counts a connection of an address.
   * @returns after which time, in ms, to close it; 0 if it is to be served.
   */
  recordAddress(address: string, nowMs: number): number {
    const limit = this.limitOf(address)
    if (limit === undefined) return 0
    const rate = this.byAddress.get(address, nowMs)
    rate.record(1, nowMs)
    const throttleMs = this.throttleMs(rate, limit, nowMs)
    if (throttleMs > 0) rate.record(-1, nowMs)
    return throttleMs
  }

  private throttleMs(rate: Rate, limit: number, nowMs: number): number {
    return Math.min(throttleMsOf(rate, limit, nowMs), this.window.sampleMs)
  }

  private limitOf(address: string): number | undefined {
    const { quotas } = this.image()
    if (quotas.size === 0) return undefined
    const names = address === localhost ? [address, 'localhost', null] : [address, null]
    for (const entityName of names) {
      const entity = [{ entityType: 'ip', entityName }]
      const limit = quotas.get(quotaKey(entity))?.values.get('connection_creation_rate')
      if (limit !== undefined) return limit
    }
    return undefined
  }
}

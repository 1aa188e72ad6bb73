import type { BrokerSettings } from '../metadata/config/settings.ts'

/**
 * Limits of the connections of one address, on all listeners together (Kafka's `ConnectionQuotas`).
 */
export class ConnectionQuotas {
  private readonly settings: BrokerSettings
  private readonly counts = new Map<string, number>()

  constructor(settings: BrokerSettings) {
    this.settings = settings
  }

  /** @returns the limit that the address has reached; null if it may have another connection. */
  limitReached(address: string): number | null {
    const max = this.maxOf(address)
    return (this.counts.get(address) ?? 0) >= max ? max : null
  }

  opened(address: string): void {
    this.counts.set(address, (this.counts.get(address) ?? 0) + 1)
  }

  closed(address: string): void {
    const left = (this.counts.get(address) ?? 0) - 1
    if (left > 0) this.counts.set(address, left)
    else this.counts.delete(address)
  }

  /** `max.connections.per.ip.overrides` has entries `address:count`; an IPv6 address has colons. */
  private maxOf(address: string): number {
    const overrides = (this.settings.string('max.connections.per.ip.overrides') ?? '').split(',')
    for (const entry of overrides) {
      const colon = entry.lastIndexOf(':')
      if (entry.slice(0, colon).trim() === address) return Number(entry.slice(colon + 1))
    }
    return this.settings.int('max.connections.per.ip')
  }
}

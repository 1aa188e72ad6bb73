import type { Clock, Timer } from '../../base/clock.ts'
import type { BrokerSettings } from '../../metadata/config/settings.ts'
import type { ConnectionRates } from './connection-rates.ts'

/** A listener as connections are counted. */
export interface CountedListener {
  readonly name: string
  /** `max.connections` and `max.connection.creation.rate` of the listener. */
  readonly limit: (key: string) => number
  /** Closes the connection that was idle for longest; another one needs its place. */
  readonly closeIdlest: () => void
}

export type Verdict =
  | { readonly kind: 'open' }
  /** The address has as many connections as it may have. */
  | { readonly kind: 'tooMany'; readonly max: number }
  /** The address connects too often: nothing is read, and the connection is closed later. */
  | { readonly kind: 'throttled'; readonly forMs: number }

interface Arrival {
  readonly address: string
  readonly decide: (verdict: Verdict) => void
  /** From when on the rates permit it; null if they have not been asked. */
  dueMs: number | null
}

interface Gate {
  readonly listener: CountedListener
  readonly arrivals: Arrival[]
  count: number
  timer: Timer | null
}

/** Time in ms after which a waiting connection finds that the limits have been changed. */
const recheckMs = 500

/**
 * Limits of the number and the rate of connections (Kafka's `ConnectionQuotas`). Where a listener
 * or the broker has no place, or connections come too fast, they wait unread, in order.
 */
export class ConnectionQuotas {
  private readonly settings: BrokerSettings
  private readonly rates: ConnectionRates
  private readonly clock: Clock
  private readonly gates = new Map<string, Gate>()
  private readonly counts = new Map<string, number>()
  private total = 0

  constructor(settings: BrokerSettings, rates: ConnectionRates, clock: Clock) {
    this.settings = settings
    this.rates = rates
    this.clock = clock
  }

  register(listener: CountedListener): void {
    this.gates.set(listener.name, { listener, arrivals: [], count: 0, timer: null })
  }

  /** Forgets a closed listener, whose waiting connections are closed by it. */
  unregister(listenerName: string): void {
    this.gates.get(listenerName)?.timer?.clear()
    this.gates.delete(listenerName)
  }

  /** Decides on a new connection, at once or when there is place. */
  arrive(listenerName: string, address: string, decide: Arrival['decide']): void {
    const gate = this.gates.get(listenerName)!
    gate.arrivals.push({ address, decide, dueMs: null })
    if (gate.arrivals.length === 1) this.admit(gate)
  }

  /** Call this once for each connection that was decided to be open, when it has ended. */
  closed(listenerName: string, address: string): void {
    const left = (this.counts.get(address) ?? 0) - 1
    if (left > 0) this.counts.set(address, left)
    else this.counts.delete(address)
    this.total--
    const gate = this.gates.get(listenerName)
    if (gate !== undefined) gate.count--
    for (const one of this.gates.values()) this.admit(one)
  }

  /** Decides on waiting connections as far as there is place. */
  private admit(gate: Gate): void {
    gate.timer?.clear()
    gate.timer = null
    for (let first = gate.arrivals[0]; first !== undefined; first = gate.arrivals[0]) {
      const nowMs = this.clock.monotonicMs()
      first.dueMs ??= nowMs + this.recordArrival(gate, nowMs)
      const waitMs = first.dueMs > nowMs ? first.dueMs - nowMs : this.hasPlace(gate) ? 0 : recheckMs
      if (waitMs > 0) {
        gate.timer = this.clock.after(waitMs, () => this.admit(gate))
        break
      }
      gate.arrivals.shift()
      first.decide(this.verdictOn(gate, first.address, nowMs))
    }
    if (this.total > this.settings.int('max.connections')) this.makePlace()
  }

  private verdictOn(gate: Gate, address: string, nowMs: number): Verdict {
    const forMs = this.rates.recordAddress(address, nowMs)
    if (forMs > 0) {
      if (!this.isProtected(gate)) this.rates.takeBack(null, nowMs)
      this.rates.takeBack(gate.listener.name, nowMs)
      return { kind: 'throttled', forMs }
    }
    const max = this.maxOf(address)
    const count = this.counts.get(address) ?? 0
    if (count >= max) return { kind: 'tooMany', max }
    this.counts.set(address, count + 1)
    gate.count++
    this.total++
    return { kind: 'open' }
  }

  /** @returns how long the connection must wait, in ms. */
  private recordArrival(gate: Gate, nowMs: number): number {
    const key = 'max.connection.creation.rate'
    const { name, limit } = gate.listener
    const own = this.rates.record(name, limit(key), nowMs)
    if (this.isProtected(gate)) return own
    return Math.max(own, this.rates.record(null, this.settings.int(key), nowMs))
  }

  private hasPlace(gate: Gate): boolean {
    const { limit } = gate.listener
    if (gate.count >= limit('max.connections')) return false
    return this.isProtected(gate) || this.total < this.settings.int('max.connections')
  }

  /** The brokers' own listener is not limited by what clients do on others. */
  private isProtected({ listener }: Gate): boolean {
    if (this.gates.size === 1) return false
    const named =
      this.settings.string('inter.broker.listener.name') ??
      this.settings.string('security.inter.broker.protocol')
    return listener.name === named?.toUpperCase()
  }

  private makePlace(): void {
    const others = [...this.gates.values()].filter((gate) => !this.isProtected(gate))
    others.find(({ count }) => count > 0)?.listener.closeIdlest()
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

import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../base/clock.ts'
import { crc32c } from '../../base/crc32c.ts'
import type { Random } from '../../base/random.ts'
import { resourceTypes } from '../../metadata/config/keys.ts'
import { randomUuid } from '../../metadata/controller/controller.ts'
import type { Image } from '../../metadata/image.ts'
import { Refusal } from '../../protocol/errors.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { matchesClient } from './match.ts'

/** What a client says of itself, beyond its metrics. */
export interface TelemetryClient {
  readonly clientId: string | null
  readonly clientHost: string
  readonly softwareName: string
  readonly softwareVersion: string
}

/** The newest metrics of one client. */
export interface ClientMetrics extends TelemetryClient {
  readonly clientInstanceId: string
  readonly receivedMs: number
  /** OpenTelemetry's MetricsData in protocol buffers, decompressed. */
  readonly metrics: Buffer
}

export interface Subscription {
  readonly clientInstanceId: string
  readonly subscriptionId: number
  readonly pushIntervalMs: number
  /** Prefixes of metric names; one empty string for all. */
  readonly metrics: readonly string[]
}

interface Instance {
  subscription: Subscription
  lastAskedMs: number
  lastPushedMs: number
  isTerminating: boolean
  /** The client was told to ask anew, and may do so at once. */
  mayAskAgain: boolean
}

/** More clients are not remembered: the longest silent is forgotten. */
const clientsMax = 1000
/** `ClientMetricsConfigs.INTERVAL_MS_DEFAULT`: how often a client asks where nothing is subscribed. */
const intervalMsDefault = 300_000

/**
 * Which client metrics are wanted, and the newest that came (KIP-714). Kafka hands them to a plugin;
 * here they are kept in memory for whoever holds the broker.
 */
export class ClientTelemetry {
  private readonly clock: Clock
  private readonly random: Random
  private readonly image: () => Image
  private readonly instances = new Map<string, Instance>()
  private readonly newest = new Map<string, ClientMetrics>()

  constructor(o: {
    readonly clock: Clock
    readonly random: Random
    readonly image: () => Image
  }) {
    this.clock = o.clock
    this.random = o.random
    this.image = o.image
  }

  /** The newest metrics of each client, the longest silent first. */
  clientMetrics(): ClientMetrics[] {
    return [...this.newest.values()]
  }

  /** @throws Refusal THROTTLING_QUOTA_EXCEEDED for one that asks again before its interval is over. */
  subscribe(clientInstanceId: string, client: TelemetryClient): Subscription {
    const id = clientInstanceId === zeroUuid ? randomUuid(this.random) : clientInstanceId
    const nowMs = this.clock.monotonicMs()
    const subscription = this.subscriptionOf(id, client)
    const known = this.instances.get(id)
    if (known === undefined) {
      this.remember(id, newInstance(subscription, nowMs))
      return subscription
    }
    const isEarly = nowMs < known.lastAskedMs + known.subscription.pushIntervalMs
    if (isEarly && !known.mayAskAgain) throw new Refusal('THROTTLING_QUOTA_EXCEEDED')
    known.subscription = subscription
    known.lastAskedMs = nowMs
    known.mayAskAgain = false
    return subscription
  }

  /**
   * Takes word that metrics are coming; the caller decompresses and calls `keep`.
   * @throws Refusal INVALID_REQUEST, UNKNOWN_SUBSCRIPTION_ID, THROTTLING_QUOTA_EXCEEDED
   */
  admit(o: {
    readonly clientInstanceId: string
    readonly subscriptionId: number
    readonly isTerminating: boolean
    readonly client: TelemetryClient
  }): void {
    const { clientInstanceId: id, subscriptionId, isTerminating, client } = o
    if (id === zeroUuid) throw new Refusal('INVALID_REQUEST')
    const nowMs = this.clock.monotonicMs()
    const fresh = this.subscriptionOf(id, client)
    let instance = this.instances.get(id)
    if (instance === undefined) {
      instance = newInstance(fresh, nowMs)
      this.remember(id, instance)
    }
    if (instance.isTerminating) throw new Refusal('INVALID_REQUEST')
    const { subscription, lastPushedMs, lastAskedMs } = instance
    const isFirst = lastPushedMs <= lastAskedMs
    const isEarly = !isFirst && nowMs < lastPushedMs + subscription.pushIntervalMs
    if (isEarly && !isTerminating) throw new Refusal('THROTTLING_QUOTA_EXCEEDED')
    if (subscriptionId !== fresh.subscriptionId) {
      instance.mayAskAgain = true
      throw new Refusal('UNKNOWN_SUBSCRIPTION_ID')
    }
    if (!isDeepStrictEqual(fresh, subscription)) instance.subscription = fresh
    instance.lastPushedMs = nowMs
    instance.isTerminating = isTerminating
  }

  keep(clientInstanceId: string, client: TelemetryClient, metrics: Buffer): void {
    const receivedMs = this.clock.nowMs()
    this.newest.delete(clientInstanceId)
    this.newest.set(clientInstanceId, { ...client, clientInstanceId, receivedMs, metrics })
    forgetBeyond(this.newest)
  }

  private remember(id: string, instance: Instance): void {
    this.instances.set(id, instance)
    forgetBeyond(this.instances)
  }

  /** What all `client-metrics` resources together ask of a client. */
  private subscriptionOf(clientInstanceId: string, client: TelemetryClient): Subscription {
    const metrics = new Set<string>()
    let pushIntervalMs = Number.POSITIVE_INFINITY
    for (const [key, overrides] of this.image().configs) {
      if (!key.startsWith(`${resourceTypes.clientMetrics}:`)) continue
      const match = overrides.get('match') ?? ''
      if (!matchesClient(match, { ...client, clientInstanceId })) continue
      const interval = Number(overrides.get('interval.ms') ?? intervalMsDefault)
      pushIntervalMs = Math.min(pushIntervalMs, interval)
      for (const name of (overrides.get('metrics') ?? '').split(',')) {
        if (name.trim() !== '') metrics.add(name.trim())
      }
    }
    if (!Number.isFinite(pushIntervalMs)) pushIntervalMs = intervalMsDefault
    const wanted = metrics.has('*') ? [''] : [...metrics]
    const subscriptionId = idOf(wanted, pushIntervalMs, clientInstanceId)
    return { clientInstanceId, subscriptionId, pushIntervalMs, metrics: wanted }
  }
}

function newInstance(subscription: Subscription, nowMs: number): Instance {
  const lastPushedMs = Number.NEGATIVE_INFINITY
  return {
    subscription,
    lastAskedMs: nowMs,
    lastPushedMs,
    isTerminating: false,
    mayAskAgain: false,
  }
}

function forgetBeyond(map: Map<string, unknown>): void {
  if (map.size <= clientsMax) return
  const [oldest] = map.keys()
  map.delete(oldest!)
}

/** Kafka's: a checksum of what is wanted, mixed with who is asked, as int32. */
function idOf(metrics: readonly string[], intervalMs: number, instanceId: string): number {
  const text = Buffer.from(`[${metrics.join(', ')}]${intervalMs}`)
  const uuid = Buffer.from(instanceId, 'base64url')
  const words = [0, 4, 8, 12].map((at) => uuid.readInt32BE(at))
  return crc32c(text) ^ words[0]! ^ words[1]! ^ words[2]! ^ words[3]!
}

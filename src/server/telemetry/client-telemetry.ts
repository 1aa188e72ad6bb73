import type { Clock } from '../../base/clock.ts'
import { crc32c } from '../../base/crc32c.ts'
import type { Random } from '../../base/random.ts'
import {
  type ClientMatch,
  type ClientProperty,
  parseClientMatch,
} from '../../metadata/client-match.ts'
import { resourceTypes } from '../../metadata/config/keys.ts'
import type { Overrides } from '../../metadata/config/settings.ts'
import { randomUuid } from '../../metadata/controller/controller.ts'
import type { Image } from '../../metadata/image.ts'
import { Refusal } from '../../protocol/errors.ts'
import type { codecs } from '../../protocol/records/batch.ts'
import { zeroUuid } from '../../protocol/schema.ts'

/** What a client says of itself, beyond its metrics. */
export interface TelemetryClient {
  readonly clientId: string | null
  /** As Kafka prints an InetAddress: `/127.0.0.1`. */
  readonly clientHost: string
  readonly clientPort: number
  readonly softwareName: string
  readonly softwareVersion: string
}

/** The newest metrics of one client. */
export interface ClientMetrics extends TelemetryClient {
  readonly clientInstanceId: string
  readonly receivedMs: number
  /** The client said that they were its last. */
  readonly isTerminating: boolean
  /** How they were sent. */
  readonly compression: keyof typeof codecs
  /** OpenTelemetry's MetricsData in protocol buffers, decompressed. */
  readonly metrics: Buffer
}

export interface Subscription {
  readonly clientInstanceId: string
  readonly subscriptionId: number
  readonly pushIntervalMs: number
  /** Prefixes of metric names; one `*` for all. */
  readonly metrics: readonly string[]
}

/** What is known of a client until its connection is gone, or the subscriptions change. */
interface Instance {
  readonly subscription: Subscription
  /** Of which state of the subscriptions. */
  readonly version: number
  lastAskedMs: number
  lastPushedMs: number
  isTerminating: boolean
  /** Its push was refused in a way that it gets over by asking anew, at once. */
  mayAskAgain: boolean
}

/** A client's word that metrics are coming. */
export interface Push {
  readonly clientInstanceId: string
  readonly subscriptionId: number
  /** It is the client's last. */
  readonly isTerminating: boolean
  /** They are compressed in a way that is known here. */
  readonly isReadable: boolean
  readonly bytes: number
  readonly bytesMax: number
}

type Subscriptions = readonly (readonly [string, Overrides])[]

const isSubscription = (key: string) => key.startsWith(`${resourceTypes.clientMetrics}:`)

/** `Uuid.RESERVED`: nobody's. */
const reservedIds: ReadonlySet<string> = new Set([zeroUuid, 'AAAAAAAAAAAAAAAAAAAAAQ'])
/** More clients are not remembered: the longest silent is forgotten. */
const clientsMax = 1000
/** Subscriptions whose expressions are kept compiled. */
const matchesMax = 100
/** `ClientMetricsConfigs.INTERVAL_MS_DEFAULT`: the longest that a client waits, whatever it is told. */
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
  private readonly matches = new Map<string, ClientMatch>()
  private version = 0
  private lastConfigs: Image['configs'] | null = null
  private lastSubscriptions: Subscriptions = []
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
  subscribe(clientInstanceId: string, client: TelemetryClient, gone: AbortSignal): Subscription {
    const isGiven = !reservedIds.has(clientInstanceId)
    const id = isGiven ? clientInstanceId : randomUuid(this.random)
    const nowMs = this.clock.monotonicMs()
    const instance = this.instanceOf(id, client, gone)
    const lastMs = Math.max(instance.lastAskedMs, instance.lastPushedMs)
    if (nowMs - lastMs >= instance.subscription.pushIntervalMs) instance.lastAskedMs = nowMs
    else if (!instance.mayAskAgain) throw new Refusal('THROTTLING_QUOTA_EXCEEDED')
    instance.mayAskAgain = false
    return instance.subscription
  }

  /**
   * Takes word that metrics are coming; the caller decompresses and calls `keep`.
   * @throws Refusal INVALID_REQUEST, UNKNOWN_SUBSCRIPTION_ID, THROTTLING_QUOTA_EXCEEDED,
   *   UNSUPPORTED_COMPRESSION_TYPE, TELEMETRY_TOO_LARGE
   */
  admit(push: Push, client: TelemetryClient, gone: AbortSignal): void {
    if (reservedIds.has(push.clientInstanceId)) throw new Refusal('INVALID_REQUEST')
    const instance = this.instanceOf(push.clientInstanceId, client, gone)
    try {
      this.check(push, instance)
    } catch (error) {
      const reason = error instanceof Refusal ? error.reason : null
      instance.mayAskAgain =
        reason === 'UNKNOWN_SUBSCRIPTION_ID' || reason === 'UNSUPPORTED_COMPRESSION_TYPE'
      throw error
    } finally {
      instance.isTerminating = push.isTerminating
    }
  }

  private check(push: Push, instance: Instance): void {
    if (instance.isTerminating) throw new Refusal('INVALID_REQUEST')
    const nowMs = this.clock.monotonicMs()
    const { subscription, lastPushedMs, lastAskedMs } = instance
    const isFirst = lastAskedMs > lastPushedMs
    if (isFirst || nowMs - lastPushedMs >= subscription.pushIntervalMs)
      instance.lastPushedMs = nowMs
    else if (!push.isTerminating) throw new Refusal('THROTTLING_QUOTA_EXCEEDED')
    if (push.subscriptionId !== subscription.subscriptionId) {
      throw new Refusal('UNKNOWN_SUBSCRIPTION_ID')
    }
    if (!push.isReadable) throw new Refusal('UNSUPPORTED_COMPRESSION_TYPE')
    if (push.bytes > push.bytesMax) throw new Refusal('TELEMETRY_TOO_LARGE')
  }

  keep(metrics: Omit<ClientMetrics, 'receivedMs'>): void {
    const { clientInstanceId } = metrics
    this.newest.delete(clientInstanceId)
    this.newest.set(clientInstanceId, { ...metrics, receivedMs: this.clock.nowMs() })
    forgetBeyond(this.newest, clientsMax)
  }

  private instanceOf(id: string, client: TelemetryClient, gone: AbortSignal): Instance {
    const version = this.versionOfSubscriptions()
    const known = this.instances.get(id)
    if (known !== undefined && known.version === version) return known
    const instance: Instance = {
      subscription: this.subscriptionOf(id, client),
      version,
      lastAskedMs: Number.NEGATIVE_INFINITY,
      lastPushedMs: Number.NEGATIVE_INFINITY,
      isTerminating: false,
      mayAskAgain: false,
    }
    if (known === undefined) {
      gone.addEventListener('abort', () => void this.instances.delete(id), { once: true })
    }
    this.instances.set(id, instance)
    forgetBeyond(this.instances, clientsMax)
    return instance
  }

  /** Rises with every change of a subscription. */
  private versionOfSubscriptions(): number {
    const { configs } = this.image()
    if (configs === this.lastConfigs) return this.version
    this.lastConfigs = configs
    const now = [...configs].filter(([key]) => isSubscription(key))
    const isSame =
      now.length === this.lastSubscriptions.length &&
      now.every(([, overrides], i) => overrides === this.lastSubscriptions[i]?.[1])
    if (!isSame) this.version++
    this.lastSubscriptions = now
    return this.version
  }

  /** A text is read once, not for each request. */
  private matchOf(text: string): ClientMatch {
    const known = this.matches.get(text)
    if (known !== undefined) return known
    const match = parseClientMatch(text)
    this.matches.set(text, match)
    forgetBeyond(this.matches, matchesMax)
    return match
  }

  /** What all `client-metrics` resources together ask of a client. */
  private subscriptionOf(clientInstanceId: string, client: TelemetryClient): Subscription {
    const metrics = new Set<string>()
    let pushIntervalMs = intervalMsDefault
    for (const [, overrides] of this.lastSubscriptions) {
      const match = this.matchOf(overrides.get('match') ?? '')
      if (!isMeant(match, { ...client, clientInstanceId })) continue
      const interval = Number(overrides.get('interval.ms') ?? intervalMsDefault)
      pushIntervalMs = Math.min(pushIntervalMs, interval)
      for (const name of (overrides.get('metrics') ?? '').split(',')) {
        if (name.trim() !== '') metrics.add(name.trim())
      }
    }
    const wanted = metrics.has('*') ? ['*'] : [...metrics]
    const subscriptionId = idOf(wanted, pushIntervalMs, clientInstanceId)
    return { clientInstanceId, subscriptionId, pushIntervalMs, metrics: wanted }
  }
}

type AskedClient = TelemetryClient & { readonly clientInstanceId: string }

const propertyOf: Readonly<Record<ClientProperty, (client: AskedClient) => string | null>> = {
  client_instance_id: (client) => client.clientInstanceId,
  client_id: (client) => client.clientId,
  client_software_name: (client) => client.softwareName,
  client_software_version: (client) => client.softwareVersion,
  client_source_address: (client) => client.clientHost.replace(/^\//, ''),
  client_source_port: (client) => String(client.clientPort),
}

/** Whether every expression fits the whole of its property. */
function isMeant(match: ClientMatch, client: AskedClient): boolean {
  return [...match].every(([property, expression]) => {
    const value = propertyOf[property](client)
    return value !== null && expression.matches(value)
  })
}

function forgetBeyond(map: Map<string, unknown>, max: number): void {
  if (map.size <= max) return
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

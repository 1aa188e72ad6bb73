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
import { ApiError } from '../../protocol/errors.ts'
import type { codecs } from '../../protocol/records/batch.ts'
import { zeroUuid } from '../../protocol/schema.ts'

/** Properties of a client that pushes metrics. */
export interface TelemetryClient {
  readonly clientId: string | null
  /** In the format of Java's InetAddress: `/127.0.0.1`. */
  readonly clientHost: string
  readonly clientPort: number
  readonly softwareName: string
  readonly softwareVersion: string
}

/** The newest metrics of one client. */
export interface ClientMetrics extends TelemetryClient {
  readonly clientInstanceId: string
  readonly receivedMs: number
  /** Whether the client marked them as its last. */
  readonly isTerminating: boolean
  /** Compression of the push. */
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

/** State of a client until its connection closes or the subscriptions change. */
interface Instance {
  readonly subscription: Subscription
  /** The version of the subscriptions it was computed from. */
  readonly version: number
  lastAskedMs: number
  lastPushedMs: number
  isTerminating: boolean
  /** Whether its push was refused with an error that lets it get its subscription again at once. */
  mayAskAgain: boolean
}

/** The properties of a PushTelemetry request. */
export interface Push {
  readonly clientInstanceId: string
  readonly subscriptionId: number
  /** Whether it is the client's last. */
  readonly isTerminating: boolean
  /** Whether the compression type is known. */
  readonly isReadable: boolean
  readonly bytes: number
  readonly bytesMax: number
}

type Subscriptions = readonly (readonly [string, Overrides])[]

const isSubscription = (key: string) => key.startsWith(`${resourceTypes.clientMetrics}:`)

/** `Uuid.RESERVED`: ids that no client has. */
const reservedIds: ReadonlySet<string> = new Set([zeroUuid, 'AAAAAAAAAAAAAAAAAAAAAQ'])
/** Maximum number of clients remembered; the one silent longest is dropped. */
const clientsMax = 1000
/** Maximum number of subscriptions whose regular expressions stay compiled. */
const matchesMax = 100
/** `ClientMetricsConfigs.INTERVAL_MS_DEFAULT`: upper bound of a client's push interval, in ms. */
const intervalMsDefault = 300_000

/**
 * Client metrics subscriptions, and the newest metrics received (KIP-714). Kafka hands them to a
 * plugin; here they are kept in memory for the library's user.
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

  constructor(options: {
    readonly clock: Clock
    readonly random: Random
    readonly image: () => Image
  }) {
    this.clock = options.clock
    this.random = options.random
    this.image = options.image
  }

  /** Returns the newest metrics of each client, the one silent longest first. */
  clientMetrics(): ClientMetrics[] {
    return [...this.newest.values()]
  }

  /** @throws ApiError THROTTLING_QUOTA_EXCEEDED for a request within the push interval. */
  subscribe(clientInstanceId: string, client: TelemetryClient, gone: AbortSignal): Subscription {
    const isGiven = !reservedIds.has(clientInstanceId)
    const id = isGiven ? clientInstanceId : randomUuid(this.random)
    const nowMs = this.clock.monotonicMs()
    const instance = this.instanceOf(id, client, gone)
    const lastMs = Math.max(instance.lastAskedMs, instance.lastPushedMs)
    if (nowMs - lastMs >= instance.subscription.pushIntervalMs) instance.lastAskedMs = nowMs
    else if (!instance.mayAskAgain) throw new ApiError('THROTTLING_QUOTA_EXCEEDED')
    instance.mayAskAgain = false
    return instance.subscription
  }

  /**
   * Checks a push; the caller then decompresses the metrics and calls `keep`.
   * @throws ApiError INVALID_REQUEST, UNKNOWN_SUBSCRIPTION_ID, THROTTLING_QUOTA_EXCEEDED,
   * UNSUPPORTED_COMPRESSION_TYPE, TELEMETRY_TOO_LARGE
   */
  admit(push: Push, client: TelemetryClient, gone: AbortSignal): void {
    if (reservedIds.has(push.clientInstanceId)) throw new ApiError('INVALID_REQUEST')
    const instance = this.instanceOf(push.clientInstanceId, client, gone)
    try {
      this.check(push, instance)
    } catch (error) {
      const reason = error instanceof ApiError ? error.reason : null
      instance.mayAskAgain =
        reason === 'UNKNOWN_SUBSCRIPTION_ID' || reason === 'UNSUPPORTED_COMPRESSION_TYPE'
      throw error
    } finally {
      instance.isTerminating = push.isTerminating
    }
  }

  private check(push: Push, instance: Instance): void {
    if (instance.isTerminating) throw new ApiError('INVALID_REQUEST')
    const nowMs = this.clock.monotonicMs()
    const { subscription, lastPushedMs, lastAskedMs } = instance
    const isFirst = lastAskedMs > lastPushedMs
    if (isFirst || nowMs - lastPushedMs >= subscription.pushIntervalMs)
      instance.lastPushedMs = nowMs
    else if (!push.isTerminating) throw new ApiError('THROTTLING_QUOTA_EXCEEDED')
    if (push.subscriptionId !== subscription.subscriptionId) {
      throw new ApiError('UNKNOWN_SUBSCRIPTION_ID')
    }
    if (!push.isReadable) throw new ApiError('UNSUPPORTED_COMPRESSION_TYPE')
    if (push.bytes > push.bytesMax) throw new ApiError('TELEMETRY_TOO_LARGE')
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

  /** Returns a number that rises with every change of a subscription. */
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

  /** Returns a parsed `match` setting; caches it, as every request needs it. */
  private matchOf(text: string): ClientMatch {
    const known = this.matches.get(text)
    if (known !== undefined) return known
    const match = parseClientMatch(text)
    this.matches.set(text, match)
    forgetBeyond(this.matches, matchesMax)
    return match
  }

  /** Combines all `client-metrics` resources that match the client. */
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

/** Whether every expression matches the whole of its property. */
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

/**
 * Returns the subscription id as Kafka computes it, as int32: a checksum of the metrics and the
 * interval, mixed with the client instance id.
 */
function idOf(metrics: readonly string[], intervalMs: number, instanceId: string): number {
  const text = Buffer.from(`[${metrics.join(', ')}]${intervalMs}`)
  const uuid = Buffer.from(instanceId, 'base64url')
  const words = [0, 4, 8, 12].map((at) => uuid.readInt32BE(at))
  return crc32c(text) ^ words[0]! ^ words[1]! ^ words[2]! ^ words[3]!
}

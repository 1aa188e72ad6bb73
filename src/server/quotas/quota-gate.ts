import type { Clock } from '../../base/clock.ts'
import type { BrokerSettings } from '../../metadata/config/settings.ts'
import { emptyImage, type Image } from '../../metadata/image.ts'
import { RateQuota } from '../../security/quota/client-quota.ts'
import { QuotaTable } from '../../security/quota/quota-table.ts'
import type { QuotaWindow } from '../../security/quota/rate.ts'
import type { Call, Interceptor, InterceptorSeat } from '../interceptor.ts'
import { clientOf, type QuotaOrigin, type RequestQuotas } from './request-quotas.ts'
import { LoopTurn, RequestTime } from './request-time.ts'

const produceKey = 0
/** Requests between brokers, which count for nobody: WriteTxnMarkers. */
const exemptKeys: ReadonlySet<number> = new Set([27])

/** Reads the window of the quotas of clients, or with `controller.` that of the controller. */
export function quotaWindow(settings: BrokerSettings, prefix: '' | 'controller.'): QuotaWindow {
  return {
    samples: settings.int(`${prefix}quota.window.num`),
    sampleMs: settings.int(`${prefix}quota.window.size.seconds`) * 1000,
  }
}

/**
 * Enforces the quotas of users and client ids: the response leaves at once and says for how long
 * the client is throttled, and no more is read from its connection for that time (KIP-219). Here
 * alone the quotas meet: a handler's own throttle and those of all requests; the largest counts.
 */
export class QuotaGate implements Interceptor, InterceptorSeat, RequestQuotas {
  private readonly produce: RateQuota
  private readonly fetch: RateQuota
  private readonly request: RateQuota
  private readonly clock: Clock
  /** The one that stands here without quotas. */
  private readonly inner: Interceptor | null
  private readonly loopTurn = new LoopTurn()
  /** The time of requests that has not been recorded yet. */
  private readonly times = new WeakMap<QuotaOrigin, RequestTime>()
  private quotas: Image['quotas'] = emptyImage.quotas
  isActive = false

  constructor(options: {
    readonly window: QuotaWindow
    readonly clock: Clock
    readonly inner: Interceptor | null
  }) {
    const { window, clock } = options
    this.produce = new RateQuota({ name: 'producer_byte_rate', window, clock })
    this.fetch = new RateQuota({ name: 'consumer_byte_rate', window, clock })
    this.request = new RateQuota({
      ...{ name: 'request_percentage', window, clock },
      throttleMsMax: window.sampleMs,
    })
    this.clock = clock
    this.inner = options.inner
  }

  /** This gate if any client has a quota. */
  get current(): Interceptor | null {
    return this.isActive ? this : this.inner
  }

  /** Applies the quotas of a new image. */
  follow(image: Image): void {
    if (image.quotas === this.quotas) return
    this.quotas = image.quotas
    const own = [this.produce, this.fetch, this.request]
    for (const quota of own) quota.follow(image)
    this.isActive =
      own.some(({ isSet }) => isSet) || !new QuotaTable(image, 'controller_mutation_rate').isEmpty
  }

  before(call: Call): void | Promise<void> {
    if (this.request.isSet) {
      const time = new RequestTime(call, this.clock.monotonicMs(), this.loopTurn.current)
      this.times.set(call.context, time)
    }
    return this.inner?.before(call)
  }

  after(call: Call, body: object | null): object | null | Promise<object | null> {
    const answer = this.throttled(call, body)
    return this.inner === null ? answer : this.inner.after(call, answer)
  }

  fetchBytesMax(context: QuotaOrigin): number {
    return this.fetch.isSet ? this.fetch.mostAtOnce(clientOf(context)) : Number.POSITIVE_INFINITY
  }

  fetchThrottleMs(context: QuotaOrigin, bytes: number): number {
    const client = clientOf(context)
    const throttleMs = Math.max(this.recordTime(context), this.fetch.record(client, bytes))
    if (throttleMs > 0) this.fetch.takeBack(client, bytes)
    return throttleMs
  }

  private throttled(call: Call, body: object | null): object | null {
    const { context, api } = call
    // Before a login the client has no name.
    if (!context.session.isAuthenticated || exemptKeys.has(api.key)) return body
    const throttleMs = this.throttleMsOf(call, body)
    if (throttleMs === 0) return body
    context.session.mute(throttleMs)
    if (body === null || !('throttleTimeMs' in api.response)) return body
    return { ...body, throttleTimeMs: throttleMs }
  }

  private throttleMsOf({ context, api, request, frameBytes }: Call, body: object | null) {
    // Fetches and changes of topics have their own say.
    const ownMs = body !== null && 'throttleTimeMs' in body ? Number(body.throttleTimeMs) : 0
    if (api.key !== produceKey) return Math.max(ownMs, this.recordTime(context))
    const bytesMs = this.produce.record(clientOf(context), frameBytes)
    // The time of a request that gets no answer counts for nobody.
    const isAnswered = 'acks' in request && request.acks !== 0
    return isAnswered ? Math.max(bytesMs, this.recordTime(context)) : bytesMs
  }

  /** Records the time of a request, once. */
  private recordTime(context: QuotaOrigin): number {
    const time = this.times.get(context)
    if (time === undefined) return 0
    this.times.delete(context)
    return this.request.record(clientOf(context), time.percent(this.clock.monotonicMs()))
  }
}

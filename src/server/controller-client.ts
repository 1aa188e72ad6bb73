import type { Clock } from '../base/clock.ts'
import { type Carrier, type Channel, ChannelFault, type NodeAddress } from '../channel/channel.ts'
import { CurrentChannel } from '../channel/current-channel.ts'
import { errorCode } from '../protocol/errors.ts'
import type { Api, Draft, Fields, Infer } from '../protocol/schema.ts'

/** The node that is the active controller, as the follower of the metadata log knows it. */
export interface ActiveController {
  /** Null while none is known. */
  readonly controller: NodeAddress | null
}

export interface ControllerRequest<Q extends Fields, R extends Fields> {
  readonly api: Api<Q, R>
  readonly version: number
  readonly body: Draft<Q>
  /** The end of all attempts, in ms. */
  readonly timeoutMs: number
  /** Returns the error code of a response that may be NOT_CONTROLLER. */
  readonly errorOf: (response: Infer<R>) => number
}

/** Time between two attempts, in ms (Kafka's `NodeToControllerChannelManagerImpl`). */
const retryBackoffMs = 100

const notController = errorCode('NOT_CONTROLLER')

/**
 * Whether another controller may answer. A channel is also closed because a request that came later
 * went to a new controller.
 */
function mayRetry(error: unknown): boolean {
  if (!(error instanceof ChannelFault)) return false
  return error.kind === 'disconnected' || error.kind === 'timedOut' || error.kind === 'closed'
}

/**
 * The requests of one kind to the active controller, whichever node that is: after a disconnect,
 * NOT_CONTROLLER or too long a silence the same request goes to the next one
 * (`NodeToControllerRequestThread`).
 */
export class ControllerClient {
  private readonly active: ActiveController
  private readonly clock: Clock
  private readonly requestTimeoutMs: number
  private readonly closing = new AbortController()
  private readonly channels: CurrentChannel

  constructor(options: {
    readonly carrier: Carrier
    readonly active: ActiveController
    readonly clock: Clock
    readonly clientId: string
    /** After this time without an answer, in ms, the request goes to whoever leads by then. */
    readonly requestTimeoutMs: number
  }) {
    this.active = options.active
    this.clock = options.clock
    this.requestTimeoutMs = options.requestTimeoutMs
    const { carrier, clientId } = options
    this.channels = new CurrentChannel(carrier, { clientId, asksVersions: true })
  }

  /**
   * Resolves with the response of the active controller.
   * @throws (rejects) ChannelFault `timedOut` if no controller has answered in time, `closed`
   * after `close`, `unsupported` and `authentication` at once.
   */
  async send<Q extends Fields, R extends Fields>({
    api,
    version,
    body,
    timeoutMs,
    errorOf,
  }: ControllerRequest<Q, R>): Promise<Infer<R>> {
    const untilMs = this.clock.monotonicMs() + timeoutMs
    for (;;) {
      const leftMs = untilMs - this.clock.monotonicMs()
      if (leftMs <= 0) {
        throw new ChannelFault(
          'timedOut',
          `no controller has answered ${api.name} in ${timeoutMs} ms`,
        )
      }
      const channel = this.channel()
      if (channel !== null) {
        try {
          const response = await channel.send(api, version, body, {
            timeoutMs: Math.min(leftMs, this.requestTimeoutMs),
          })
          if (errorOf(response) !== notController) return response
        } catch (error) {
          if (!mayRetry(error) || this.closing.signal.aborted) throw error
        }
      }
      await this.pause(Math.min(retryBackoffMs, leftMs))
    }
  }

  close(): void {
    this.closing.abort()
    this.channels.close()
  }

  /** Returns the channel to the active controller; null while none is known. */
  private channel(): Channel | null {
    if (this.closing.signal.aborted) throw new ChannelFault('closed', 'the node is being stopped')
    const { controller: address } = this.active
    if (address === null) return null
    return this.channels.to(address)
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        timer.clear()
        this.closing.signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = this.clock.after(ms, end)
      this.closing.signal.addEventListener('abort', end)
    })
  }
}

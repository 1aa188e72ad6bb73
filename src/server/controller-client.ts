import type { Clock } from '../base/clock.ts'
import { Wait } from '../base/wait.ts'
import {
  type Carrier,
  type Channel,
  ChannelFault,
  type ChannelFaultKind,
  type NodeAddress,
  type ServedVersions,
} from '../channel/channel.ts'
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

/**
 * Whether the same request may be answered soon by the same controller, or the next. A channel is
 * `closed` if a later request went to a new controller.
 */
const isPassing = (kind: ChannelFaultKind) =>
  kind === 'disconnected' || kind === 'timedOut' || kind === 'closed'

const notController = errorCode('NOT_CONTROLLER')

/**
 * The requests of one kind to the active controller, whichever node that is: after a disconnect, a
 * silence or NOT_CONTROLLER the same request goes to the next one
 * (`NodeToControllerRequestThread`).
 */
export class ControllerClient {
  private readonly active: ActiveController
  private readonly clock: Clock
  private readonly wait: Wait
  private readonly requestTimeoutMs: number
  private isClosed = false
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
    this.wait = new Wait(options.clock)
    const { carrier, clientId } = options
    this.channels = new CurrentChannel(carrier, { clientId, asksVersions: true })
  }

  /** The versions that the active controller serves; null before a request has connected to it. */
  get served(): ServedVersions | null {
    return this.channels.served
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
          const options = { timeoutMs: Math.min(leftMs, this.requestTimeoutMs) }
          const response = await channel.send(api, version, body, options)
          if (errorOf(response) !== notController) return response
        } catch (error) {
          const mayRetry = error instanceof ChannelFault && isPassing(error.kind)
          if (!mayRetry || this.isClosed) throw error
        }
      }
      await this.wait.for(Math.min(retryBackoffMs, leftMs))
    }
  }

  close(): void {
    this.isClosed = true
    this.wait.close()
    this.channels.close()
  }

  /** Returns the channel to the active controller; null while none is known. */
  private channel(): Channel | null {
    if (this.isClosed) throw new ChannelFault('closed', 'the node is being stopped')
    const { controller: address } = this.active
    if (address === null) return null
    return this.channels.to(address)
  }
}

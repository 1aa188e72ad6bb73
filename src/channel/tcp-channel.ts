import type { Clock, Timer } from '../base/clock.ts'
import { messageOf } from '../base/error-text.ts'
import type { Random } from '../base/random.ts'
import type { AnyApi, Api, Draft, Fields, Infer } from '../protocol/schema.ts'
import type { SaslLogin } from '../security/sasl/client.ts'
import { Backoff, reconnectMs } from './backoff.ts'
import {
  type Channel,
  ChannelFault,
  type ChannelFaultKind,
  type ChannelOptions,
  type NodeAddress,
  type SendOptions,
  type ServedVersions,
} from './channel.ts'
import type { Dialer } from './dialer.ts'
import { NodeConnection } from './node-connection.ts'
import { logIn } from './sasl-login.ts'
import { askVersions, refusalOf } from './served-versions.ts'

/** Maximum number of requests that a node has not answered; further ones wait. */
const inFlightMax = 32
/** Maximum number of requests that wait to be sent; further ones are refused. */
const waitingMax = 10_000
/** Maximum bytes of a response. */
const responseBytesMax = 256 * 1024 * 1024
/**
 * `socket.connection.setup.timeout.ms` and `socket.connection.setup.timeout.max.ms` of Kafka. Here
 * it includes all that precedes the first request, so that a silent node is noticed.
 */
const setupMs = { firstMs: 10_000, maxMs: 30_000 }

/** Share of a session's lifetime after which the next request waits for another login. */
const reloginShare = { min: 0.85, spread: 0.1 }
/** Steps of a random share. */
const grains = 1_000

export interface TcpChannelOptions extends ChannelOptions {
  readonly address: NodeAddress
  readonly dialer: Dialer
  readonly clock: Clock
  readonly random: Random
  /** Null for nodes that do not ask for a login. */
  readonly login: SaslLogin | null
}

interface Sending {
  readonly api: AnyApi
  readonly version: number
  readonly body: object
  readonly timeoutMs: number
  readonly timer: Timer
  readonly answered: (body: Infer<Fields>) => void
  readonly failed: (error: unknown) => void
}

/** Requests to one node over one TCP connection at a time. */
export class TcpChannel implements Channel {
  private readonly options: TcpChannelOptions
  private readonly reconnectBackoff: Backoff
  private readonly setupBackoff: Backoff
  /** Requests that are not sent yet. */
  private readonly waiting: Sending[] = []
  /** Null between two connections. */
  private connection: NodeConnection | null = null
  private isReady = false
  /** The node is asked for a login, too. */
  served: ServedVersions | null = null
  /** Connections in a row that have ended before they were ready. */
  private failures = 0
  /** The number of those which did not become ready in time. */
  private slowSetups = 0
  /** The monotonic time in ms before which no connection is opened. */
  private notBeforeMs = Number.NEGATIVE_INFINITY
  /** The monotonic time in ms from which requests wait for another login; null for never. */
  private loginEndsMs: number | null = null
  /** Ends the back-off while there is no connection, or a connection that does not become ready. */
  private timer: Timer | null = null
  private isClosed = false

  constructor(options: TcpChannelOptions) {
    this.options = options
    const { random } = options
    this.reconnectBackoff = new Backoff({ ...reconnectMs, random })
    this.setupBackoff = new Backoff({ ...setupMs, random })
  }

  send<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    version: number,
    body: Draft<Q>,
    { timeoutMs }: SendOptions,
  ): Promise<Infer<R>> {
    if (this.isClosed) return Promise.reject(this.fault('closed', 'the channel is closed'))
    if (this.waiting.length >= waitingMax) {
      const reason = `${waitingMax} requests wait already`
      return Promise.reject(this.fault('overloaded', reason))
    }
    return new Promise<Infer<R>>((answered, failed) => {
      const timer = this.options.clock.after(timeoutMs, () => this.onTimeout(sending))
      const common = { api: api as AnyApi, version, body, timeoutMs, timer, failed }
      const sending: Sending = { ...common, answered: answered as Sending['answered'] }
      this.waiting.push(sending)
      this.pump()
    })
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    const fault = new ChannelFault('closed', 'the channel was closed')
    if (this.connection === null) this.onLost(fault)
    else this.connection.fail(fault)
  }

  /** Sends as much of what waits as may be sent. */
  private pump(): void {
    const { waiting, connection } = this
    if (connection === null) {
      if (waiting.length > 0 && this.timer === null) this.connectInTime()
      return
    }
    while (this.isReady && waiting.length > 0 && connection.inFlight < inFlightMax) {
      if (this.mustLogInAgain) void this.prepare(connection)
      else this.transmit(connection, waiting.shift()!)
    }
  }

  private transmit(connection: NodeConnection, sending: Sending): void {
    const { api, version, body } = sending
    const refusal = this.served === null ? null : refusalOf(this.served, api, version)
    try {
      if (refusal !== null) throw new ChannelFault('unsupported', refusal)
      connection.ask(api, version, body, {
        answered: (response) => {
          sending.timer.clear()
          sending.answered(response)
          this.pump()
        },
        failed: (fault) => this.reject(sending, fault),
      })
    } catch (error) {
      this.reject(sending, error)
    }
  }

  private connectInTime(): void {
    const waitMs = this.notBeforeMs - this.options.clock.monotonicMs()
    if (waitMs <= 0) this.connect()
    else this.timer = this.options.clock.after(waitMs, () => this.connect())
  }

  private connect(): void {
    const { address, dialer, clientId } = this.options
    this.timer = null
    try {
      const connection: NodeConnection = new NodeConnection({
        dialer,
        host: address.host,
        port: address.port,
        clientId,
        opened: () => void this.prepare(connection),
        closed: (fault) => this.onLost(fault),
      })
      this.connection = connection
    } catch (error) {
      this.onLost(new ChannelFault('disconnected', messageOf(error)))
      return
    }
    this.limitSetup()
  }

  /** Gives up a connection that does not become ready, for the first time or after a login. */
  private limitSetup(): void {
    const timeoutMs = this.setupBackoff.delayMs(this.slowSetups)
    this.timer = this.options.clock.after(timeoutMs, () => {
      this.slowSetups++
      const reason = `the connection was not ready within ${timeoutMs} ms`
      this.connection?.fail(new ChannelFault('disconnected', reason))
    })
  }

  private get mustLogInAgain(): boolean {
    return this.loginEndsMs !== null && this.loginEndsMs <= this.options.clock.monotonicMs()
  }

  /** Asks for versions and logs in, where it must, before requests are sent. */
  private async prepare(connection: NodeConnection): Promise<void> {
    const { asksVersions, login, clock } = this.options
    let { served } = this
    let lifetimeMs: number | null = null
    this.isReady = false
    if (this.timer === null) this.limitSetup()
    try {
      if (served === null && (asksVersions || login !== null)) {
        served = await askVersions(connection)
      }
      if (login !== null) lifetimeMs = await logIn(connection, served!, login)
    } catch (error) {
      connection.fail(
        error instanceof ChannelFault ? error : new ChannelFault('disconnected', messageOf(error)),
      )
      return
    }
    if (this.connection !== connection) return
    this.timer?.clear()
    this.timer = null
    this.failures = 0
    this.slowSetups = 0
    this.served = served
    this.loginEndsMs =
      lifetimeMs === null ? null : clock.monotonicMs() + this.shareOfLifetime() * lifetimeMs
    this.isReady = true
    connection.allowResponsesOf(responseBytesMax)
    this.pump()
  }

  /** As in Kafka, a random share, so that not all connections log in at once. */
  private shareOfLifetime(): number {
    return reloginShare.min + (reloginShare.spread * this.options.random.int(grains)) / grains
  }

  private onLost(fault: ChannelFault): void {
    this.connection = null
    this.isReady = false
    this.served = null
    this.loginEndsMs = null
    this.timer?.clear()
    this.timer = null
    const waitMs = this.reconnectBackoff.delayMs(this.failures++)
    this.notBeforeMs = this.options.clock.monotonicMs() + waitMs
    for (const sending of this.waiting.splice(0)) this.reject(sending, fault)
  }

  /** As in Kafka's `NetworkClient`, nothing more is expected of a connection that is so late. */
  private onTimeout(sending: Sending): void {
    const { api, version, timeoutMs } = sending
    const request = `${api.name} v${version}`
    const at = this.waiting.indexOf(sending)
    if (at >= 0) this.waiting.splice(at, 1)
    const reason = `${request} has no response after ${timeoutMs} ms`
    this.reject(sending, new ChannelFault('timedOut', reason))
    if (at < 0) {
      const why = `the connection was closed because ${request} had no response`
      this.connection?.fail(new ChannelFault('disconnected', why))
    }
  }

  private reject({ timer, failed }: Sending, error: unknown): void {
    timer.clear()
    failed(error instanceof ChannelFault ? this.fault(error.kind, error.message) : error)
  }

  private fault(kind: ChannelFaultKind, reason: string): ChannelFault {
    const { nodeId, host, port } = this.options.address
    const node = nodeId < 0 ? 'the node' : `node ${nodeId}`
    return new ChannelFault(kind, `${node} at ${host}:${port}: ${reason}`)
  }
}

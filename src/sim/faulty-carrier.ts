import type { Timer } from '../base/clock.ts'
import { Backoff, reconnectMs } from '../channel/backoff.ts'
import {
  type Carrier,
  type Channel,
  ChannelFault,
  type ChannelFaultKind,
  type ChannelOptions,
  type NodeAddress,
  type SendOptions,
  type ServedVersions,
} from '../channel/channel.ts'
import type { AnyApi, Api, Draft, Fields, Infer } from '../protocol/schema.ts'
import { DelayedQueue } from './delayed-queue.ts'
import type { FaultSubject, FaultyNetwork } from './faulty-network.ts'

export interface FaultyCarrierOptions {
  readonly network: FaultyNetwork
  /** The node whose requests these are. */
  readonly nodeId: number
  readonly inner: Carrier
}

/**
 * A carrier for tests, whose requests meet the faults of a network. Callers notice nothing but
 * delays and the faults that any channel has.
 */
export class FaultyCarrier implements Carrier {
  private readonly options: FaultyCarrierOptions

  constructor(options: FaultyCarrierOptions) {
    this.options = options
  }

  open(address: NodeAddress, options: ChannelOptions): Channel {
    return new FaultyChannel(this.options, address, () => this.options.inner.open(address, options))
  }
}

interface Sending {
  readonly api: AnyApi
  readonly version: number
  readonly body: Draft<Fields>
  readonly subject: FaultSubject
  readonly timeoutMs: number
  readonly deadlineMs: number
  /** Null while the inner channel keeps the time. */
  timer: Timer | null
  losesResponse: boolean
  readonly answered: (body: Infer<Fields>) => void
  readonly failed: (error: unknown) => void
}

/** Faults of a channel after which it has no connection. */
const endsConnection: ReadonlySet<ChannelFaultKind> = new Set(['disconnected', 'timedOut'])

/** One connection, as far as faults are concerned: a new one begins after each that they end. */
interface Line {
  readonly channel: Channel
  readonly requests: DelayedQueue
  readonly responses: DelayedQueue
  /** Requests that their senders wait for. */
  readonly pending: Set<Sending>
  /** Number of requests that the inner channel has not answered. */
  inFlight: number
  losesRequests: boolean
  losesResponses: boolean
}

class FaultyChannel implements Channel {
  private readonly network: FaultyNetwork
  private readonly from: number
  private readonly address: NodeAddress
  private readonly openInner: () => Channel
  private readonly backoff: Backoff
  private line: Line
  /** Former lines, whose requests are still carried out. */
  private readonly retired = new Set<Line>()
  /** Connections in a row that faults have ended before a response. */
  private failures = 0
  private notBeforeMs = Number.NEGATIVE_INFINITY
  /** Whether a request has opened a connection that no known fault has closed since. */
  private isConnected = false
  private isClosed = false

  constructor(
    { network, nodeId }: FaultyCarrierOptions,
    address: NodeAddress,
    openInner: () => Channel,
  ) {
    this.network = network
    this.from = nodeId
    this.address = address
    this.openInner = openInner
    this.backoff = new Backoff({ ...reconnectMs, random: network.random })
    this.line = this.newLine()
  }

  get served(): ServedVersions | null {
    return this.line.channel.served
  }

  send<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    version: number,
    body: Draft<Q>,
    { timeoutMs }: SendOptions,
  ): Promise<Infer<R>> {
    if (this.isClosed) return Promise.reject(new ChannelFault('closed', 'the channel is closed'))
    const to = this.network.nodeAt(this.address)
    const deadlineMs = this.network.clock.monotonicMs() + timeoutMs
    return new Promise<Infer<R>>((answered, failed) => {
      this.start({
        ...{ api: api as AnyApi, version, body: body as Draft<Fields>, timeoutMs, deadlineMs },
        ...{ subject: { apiKey: api.key, from: this.from, to }, timer: null, losesResponse: false },
        ...{ answered: answered as Sending['answered'], failed },
      })
    })
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.drop(new ChannelFault('closed', 'the channel was closed'))
    for (const { channel } of this.retired) channel.close()
    this.retired.clear()
  }

  private newLine(): Line {
    const { clock } = this.network
    return {
      channel: this.openInner(),
      requests: new DelayedQueue(clock),
      responses: new DelayedQueue(clock),
      pending: new Set(),
      inFlight: 0,
      losesRequests: false,
      losesResponses: false,
    }
  }

  private start(sending: Sending): void {
    const { network, line } = this
    const { subject } = sending
    line.pending.add(sending)
    if (network.happens('duplicated', subject)) this.duplicate(sending)
    const isOvertaken = network.happens('overtaken', subject)
    let waitMs = Math.max(this.notBeforeMs - network.clock.monotonicMs(), 0)
    waitMs += network.delayMs(subject) + (isOvertaken ? network.rules.overtakingMsMax : 0)
    let isDelivered = false
    const entry = line.requests.push(waitMs, () => {
      isDelivered = true
      this.deliver(line, sending)
    })
    if (!isDelivered) this.keepTime(line, sending)
    if (isOvertaken) network.letOvertake(this, () => line.requests.hurry(entry))
  }

  /** Hands a request to the inner channel, unless it gets lost here. */
  private deliver(line: Line, sending: Sending): void {
    const { network } = this
    const { api, version, body, subject, deadlineMs } = sending
    if (!line.pending.has(sending)) return
    if (!this.isConnected && network.happens('connectionRefused', subject)) {
      this.disconnect('the connection was refused')
      return
    }
    this.isConnected = true
    if (this.isSeparated(subject) || network.happens('requestLost', subject)) {
      line.losesRequests = true
    }
    if (line.losesRequests) {
      this.keepTime(line, sending)
      return
    }
    sending.losesResponse = network.happens('responseLost', subject)
    const timeoutMs = deadlineMs - network.clock.monotonicMs()
    line.inFlight++
    line.channel.send(api, version, body, { timeoutMs }).then(
      (answer) => this.onOutcome(line, sending, () => sending.answered(answer)),
      (error) => this.onOutcome(line, sending, () => sending.failed(error), error),
    )
    network.delivered(this)
    if (network.happens('connectionCut', subject)) this.disconnect('the connection was cut')
  }

  private onOutcome(line: Line, sending: Sending, tell: () => void, error?: unknown): void {
    const { network } = this
    line.inFlight--
    if (line !== this.line || this.isClosed) {
      this.closeIfDone(line)
      return
    }
    if (this.isSeparated(sending.subject) || sending.losesResponse) line.losesResponses = true
    if (line.losesResponses) {
      this.keepTime(line, sending)
      return
    }
    if (error === undefined) this.failures = 0
    else if (error instanceof ChannelFault && endsConnection.has(error.kind)) {
      this.isConnected = false
    }
    const delayMs = network.delayMs(sending.subject)
    if (delayMs > 0) this.keepTime(line, sending)
    line.responses.push(delayMs, () => {
      line.pending.delete(sending)
      sending.timer?.clear()
      tell()
    })
  }

  private isSeparated({ from, to }: FaultSubject): boolean {
    if (!this.network.isSeparated(from, to)) return false
    this.network.counts.separated++
    return true
  }

  /** Carries a request out once more; nobody waits for that response. */
  private duplicate({ api, version, body, subject, timeoutMs }: Sending): void {
    const { network } = this
    network.clock.after(network.upTo(network.rules.duplicateDelayMsMax), () => {
      if (this.isClosed || this.isSeparated(subject)) return
      const channel = this.openInner()
      const done = () => channel.close()
      channel.send(api, version, body, { timeoutMs }).then(done, done)
    })
  }

  private keepTime(line: Line, sending: Sending): void {
    const { clock } = this.network
    const { api, version, deadlineMs, timeoutMs } = sending
    sending.timer ??= clock.after(deadlineMs - clock.monotonicMs(), () => {
      if (!line.pending.delete(sending)) return
      const request = `${api.name} v${version}`
      const reason = `${request} has no response after ${timeoutMs} ms`
      sending.failed(new ChannelFault('timedOut', reason))
      this.disconnect(`the connection was closed because ${request} had no response`)
    })
  }

  private disconnect(reason: string): void {
    this.notBeforeMs = this.network.clock.monotonicMs() + this.backoff.delayMs(this.failures++)
    this.drop(new ChannelFault('disconnected', reason))
  }

  /** Rejects what is pending. What was handed to the inner channel is carried out nevertheless. */
  private drop(fault: ChannelFault): void {
    const { line } = this
    this.isConnected = false
    this.network.forget(this)
    line.requests.clear()
    line.responses.clear()
    for (const { timer, failed } of line.pending) {
      timer?.clear()
      failed(fault)
    }
    line.pending.clear()
    this.retired.add(line)
    if (this.isClosed) return
    this.line = this.newLine()
    this.closeIfDone(line)
  }

  private closeIfDone(line: Line): void {
    if (line.inFlight > 0) return
    line.channel.close()
    this.retired.delete(line)
  }
}

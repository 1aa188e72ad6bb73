import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/error-text.ts'
import { completed } from '../protocol/completed.ts'
import type { AnyApi, Api, Draft, Fields, Infer } from '../protocol/schema.ts'
import {
  type Carrier,
  type Channel,
  ChannelFault,
  type ChannelOptions,
  type NodeAddress,
  type SendOptions,
} from './channel.ts'

/** The requests of other nodes of the process to one that is running. */
export interface LoopbackServer {
  /**
   * Answers a request that was never encoded.
   * @param closed aborted when nobody waits for the response any more.
   * @throws (rejects) Malformed for a request that closes the connection.
   */
  answer(
    api: AnyApi,
    version: number,
    body: Infer<Fields>,
    from: { readonly clientId: string; readonly closed: AbortSignal },
  ): Promise<object | null>
}

/**
 * Carries requests between nodes of one process as decoded messages, without sockets and without
 * copies of bytes.
 */
export class LoopbackCarrier implements Carrier {
  private readonly clock: Clock
  /** The nodes of the process; null while one is not running. */
  private readonly servers = new Map<number, LoopbackServer | null>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Begins to serve a node; returns a function that ends it. */
  serve(nodeId: number, server: LoopbackServer): () => void {
    this.servers.set(nodeId, server)
    return () => void this.servers.set(nodeId, null)
  }

  /** Returns a carrier that reaches the nodes outside the process by another one. */
  beside(outside: Carrier): Carrier {
    return {
      open: (address, options) =>
        (this.servers.has(address.nodeId) ? this : outside).open(address, options),
    }
  }

  open({ nodeId }: NodeAddress, options: ChannelOptions): Channel {
    return new LoopbackChannel(nodeId, () => this.servers.get(nodeId) ?? null, options, this.clock)
  }
}

class LoopbackChannel implements Channel {
  /** A node of this process serves what this one does. */
  readonly served = null
  private readonly nodeId: number
  private readonly server: () => LoopbackServer | null
  private readonly clientId: string
  private readonly clock: Clock
  private readonly closing = new AbortController()

  constructor(
    nodeId: number,
    server: () => LoopbackServer | null,
    { clientId }: ChannelOptions,
    clock: Clock,
  ) {
    this.nodeId = nodeId
    this.server = server
    this.clientId = clientId
    this.clock = clock
  }

  send<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    version: number,
    body: Draft<Q>,
    { timeoutMs }: SendOptions,
  ): Promise<Infer<R>> {
    const { closing, nodeId } = this
    if (closing.signal.aborted) return Promise.reject(this.fault('closed', 'was closed'))
    const server = this.server()
    if (server === null) {
      return Promise.reject(this.fault('disconnected', `node ${nodeId} is not running`))
    }
    return new Promise((resolve, reject) => {
      const gone = new AbortController()
      const end = (settle: () => void) => {
        timer.clear()
        closing.signal.removeEventListener('abort', closed)
        settle()
      }
      const fail = (kind: ChannelFault['kind'], why: string) => {
        end(() => reject(this.fault(kind, why)))
        gone.abort()
      }
      const closed = () => fail('closed', 'was closed')
      const timer = this.clock.after(timeoutMs, () =>
        fail('timedOut', `node ${nodeId} has not answered ${api.name} within ${timeoutMs} ms`),
      )
      closing.signal.addEventListener('abort', closed)
      this.answerOf(server, api, version, body, gone.signal).then(
        (response) => end(() => resolve(response)),
        (error: unknown) => fail('disconnected', `node ${nodeId}: ${messageOf(error)}`),
      )
    })
  }

  close(): void {
    this.closing.abort()
  }

  private async answerOf<Q extends Fields, R extends Fields>(
    server: LoopbackServer,
    api: Api<Q, R>,
    version: number,
    body: Draft<Q>,
    closed: AbortSignal,
  ): Promise<Infer<R>> {
    const whole = completed(api.request, version, body)
    const request = whole instanceof Promise ? await whole : whole
    const answer = await server.answer(api, version, request, { clientId: this.clientId, closed })
    if (answer === null) throw new Error(`${api.name} has no response`)
    return completed(api.response, version, answer as Draft<R>)
  }

  private fault(kind: ChannelFault['kind'], why: string): ChannelFault {
    return new ChannelFault(kind, why)
  }
}

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

/** Answers the requests of one connection. */
export interface LoopbackConnection {
  /**
   * Answers a request that was never encoded.
   * @throws (rejects) Malformed for a request that closes the connection.
   */
  answer(api: AnyApi, version: number, body: Infer<Fields>): Promise<object | null>
}

/** The requests of other nodes of the process to one that is running. */
export interface LoopbackServer {
  /** @param from.closed aborted when nobody waits for responses any more. */
  connect(from: { readonly clientId: string; readonly closed: AbortSignal }): LoopbackConnection
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

/** One connection: it ends with the first request that is not answered in time. */
interface Line {
  readonly server: LoopbackServer
  readonly connection: LoopbackConnection
  readonly closing: AbortController
  /** Rejects a request that is not answered yet. */
  readonly pending: Set<(fault: ChannelFault) => void>
}

class LoopbackChannel implements Channel {
  /** A node of this process serves what this one does. */
  readonly served = null
  private readonly nodeId: number
  private readonly server: () => LoopbackServer | null
  private readonly clientId: string
  private readonly clock: Clock
  private line: Line | null = null
  private isClosed = false

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
    const { nodeId } = this
    if (this.isClosed) return Promise.reject(new ChannelFault('closed', 'the channel is closed'))
    const server = this.server()
    if (server === null) {
      const reason = `node ${nodeId} is not running`
      return Promise.reject(new ChannelFault('disconnected', reason))
    }
    const line = this.lineTo(server)
    return new Promise((resolve, reject) => {
      const end = () => {
        timer.clear()
        line.pending.delete(fail)
      }
      const fail = (fault: ChannelFault) => {
        end()
        reject(fault)
      }
      const timer = this.clock.after(timeoutMs, () => {
        const reason = `node ${nodeId} has not answered ${api.name} within ${timeoutMs} ms`
        fail(new ChannelFault('timedOut', reason))
        this.drop(line, new ChannelFault('disconnected', `after a silence, ${reason}`))
      })
      line.pending.add(fail)
      answerOf(line.connection, api, version, body).then(
        (response) => {
          end()
          resolve(response)
        },
        (error: unknown) =>
          this.drop(line, new ChannelFault('disconnected', `node ${nodeId}: ${messageOf(error)}`)),
      )
    })
  }

  close(): void {
    this.isClosed = true
    if (this.line !== null)
      this.drop(this.line, new ChannelFault('closed', 'the channel was closed'))
  }

  private lineTo(server: LoopbackServer): Line {
    const { clientId, line } = this
    if (line?.server === server) return line
    if (line !== null) this.drop(line, new ChannelFault('disconnected', 'the node was restarted'))
    const closing = new AbortController()
    const connection = server.connect({ clientId, closed: closing.signal })
    this.line = { server, connection, closing, pending: new Set() }
    return this.line
  }

  /** Ends a connection, and with it the requests that wait for an answer. */
  private drop(line: Line, fault: ChannelFault): void {
    if (this.line === line) this.line = null
    for (const fail of [...line.pending]) fail(fault)
    line.closing.abort()
  }
}

async function answerOf<Q extends Fields, R extends Fields>(
  connection: LoopbackConnection,
  api: Api<Q, R>,
  version: number,
  body: Draft<Q>,
): Promise<Infer<R>> {
  const whole = completed(api.request, version, body)
  const request = whole instanceof Promise ? await whole : whole
  const answer = await connection.answer(api, version, request)
  if (answer === null) throw new Error(`${api.name} has no response`)
  return completed(api.response, version, answer as Draft<R>)
}

import { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { ChannelFault } from '../channel/channel.ts'
import type { Dialer, Link, LinkEvents } from '../channel/dialer.ts'
import type {
  Acceptor,
  AcceptorEvents,
  Address,
  Arrival,
  Channel,
  Transport,
} from '../server/transport.ts'

/** The first port that is given to a listener without one. */
const firstFreePort = 40_000

interface Endpoint {
  readonly owner: ProcessSockets
  readonly events: AcceptorEvents
  readonly streams: Set<ServerStream>
}

/** Connections between the processes of a simulation, by host names that nobody has to resolve. */
export class MemoryNetwork {
  readonly endpoints = new Map<string, Endpoint>()
  private readonly clock: Clock
  private readonly latencyMs: number
  private lastPort = firstFreePort

  /** @param latencyMs of each piece of bytes, and of the news that a connection was closed. */
  constructor({ clock, latencyMs }: { readonly clock: Clock; readonly latencyMs: number }) {
    this.clock = clock
    this.latencyMs = latencyMs
  }

  /** Returns the sockets of one process. */
  process(): ProcessSockets {
    return new ProcessSockets(this)
  }

  later(run: () => void): void {
    this.clock.after(this.latencyMs, run)
  }

  freePort(): number {
    this.lastPort++
    return this.lastPort
  }
}

/** The listeners and connections of one process; `kill` ends them all, as its death does. */
export class ProcessSockets implements Transport, Dialer {
  private readonly network: MemoryNetwork
  private readonly connections = new Set<Connection>()
  private isDead = false

  constructor(network: MemoryNetwork) {
    this.network = network
  }

  async listen({ host, port: wanted }: Address, events: AcceptorEvents): Promise<Acceptor> {
    const { endpoints } = this.network
    const port = wanted === 0 ? this.network.freePort() : wanted
    const key = `${host}:${port}`
    if (endpoints.has(key)) {
      throw Object.assign(new Error(`${key} is taken`), { code: 'EADDRINUSE' })
    }
    const endpoint: Endpoint = { owner: this, events, streams: new Set() }
    if (!this.isDead) endpoints.set(key, endpoint)
    const close = async () => {
      if (endpoints.get(key) === endpoint) endpoints.delete(key)
      const ends = [...endpoint.streams].map(
        (stream) => new Promise<void>((done) => stream.once('close', () => done())),
      )
      await Promise.all(ends)
    }
    return { port, close }
  }

  dial(host: string, port: number, events: LinkEvents): Link {
    const { network } = this
    const connection = new Connection(network, this, events)
    network.later(() => {
      const endpoint = network.endpoints.get(`${host}:${port}`)
      if (this.isDead) return
      if (endpoint === undefined) connection.refuse(`connect ECONNREFUSED ${host}:${port}`)
      else connection.open(endpoint, { host, port })
    })
    return connection
  }

  /** The process dies: its peers see the ends of their connections, and it nothing any more. */
  kill(): void {
    const { network, connections } = this
    this.isDead = true
    for (const [key, { owner }] of [...network.endpoints]) {
      if (owner === this) network.endpoints.delete(key)
    }
    for (const connection of [...connections]) connection.lose(this)
  }

  get isAlive(): boolean {
    return !this.isDead
  }

  holds(connection: Connection): void {
    this.connections.add(connection)
  }

  drops(connection: Connection): void {
    this.connections.delete(connection)
  }
}

/** One connection: the link of its client, and the stream of its server. */
class Connection implements Link {
  private readonly network: MemoryNetwork
  private readonly client: ProcessSockets
  private readonly events: LinkEvents
  private endpoint: Endpoint | null = null
  private stream: ServerStream | null = null
  private isOver = false

  constructor(network: MemoryNetwork, client: ProcessSockets, events: LinkEvents) {
    this.network = network
    this.client = client
    this.events = events
  }

  open(endpoint: Endpoint, local: Address): void {
    if (this.isOver) return
    const stream = new ServerStream(
      (bytes) => this.network.later(() => this.toClient(bytes)),
      () => this.onServerEnd(),
    )
    this.endpoint = endpoint
    this.stream = stream
    endpoint.streams.add(stream)
    for (const process of [this.client, endpoint.owner]) process.holds(this)
    endpoint.events.accepted(new StreamChannel(stream, local))
    this.events.opened()
  }

  refuse(reason: string): void {
    if (this.isOver) return
    this.isOver = true
    this.events.closed(new ChannelFault('disconnected', reason))
  }

  write(pieces: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(pieces)
    const { stream } = this
    if (!this.client.isAlive) return
    this.network.later(() => {
      if (stream !== null && !stream.destroyed) stream.push(bytes)
    })
  }

  destroy(): void {
    if (this.isOver || !this.client.isAlive) return
    this.isOver = true
    this.network.later(() => this.stream?.destroy())
  }

  /** One end has died. */
  lose(process: ProcessSockets): void {
    const { stream } = this
    if (process === this.client) this.network.later(() => stream?.destroy())
    else this.network.later(() => this.closeClient())
    this.forget()
  }

  private toClient(bytes: Buffer): void {
    if (!this.isOver && this.client.isAlive) this.events.received(bytes)
  }

  private onServerEnd(): void {
    const { owner } = this.endpoint!
    this.endpoint!.streams.delete(this.stream!)
    this.forget()
    if (owner.isAlive) this.network.later(() => this.closeClient())
  }

  private closeClient(): void {
    if (this.isOver || !this.client.isAlive) return
    this.isOver = true
    this.events.closed(new ChannelFault('disconnected', 'the connection was closed by the peer'))
  }

  private forget(): void {
    this.client.drops(this)
    this.endpoint?.owner.drops(this)
  }
}

/** The server's end of a connection. */
class ServerStream extends Duplex {
  private readonly send: (bytes: Buffer) => void

  constructor(send: (bytes: Buffer) => void, ended: () => void) {
    super({ allowHalfOpen: true })
    this.send = send
    this.once('close', ended)
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    // A copy: the memory of a piece is used again once it is written.
    this.send(Buffer.from(chunk))
    done()
  }

  override _final(done: () => void): void {
    done()
    this.destroy()
  }
}

/** A connection within the process is open as soon as it is accepted. */
class StreamChannel implements Arrival, Channel {
  readonly local: Address
  readonly remote: Address = { host: '127.0.0.1', port: 1 }
  readonly stream: Duplex
  readonly descriptor = null
  readonly piecesAreReused = false
  readonly peerCertificate = null

  constructor(stream: Duplex, local: Address) {
    this.stream = stream
    this.local = local
  }

  open(ready: (channel: Channel) => void): void {
    ready(this)
  }

  read(onBytes: (piece: Buffer) => void): void {
    this.stream.on('data', onBytes)
    this.stream.resume()
  }
}

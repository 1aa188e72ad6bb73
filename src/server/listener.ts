import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { BufferPool } from '../base/buffer-pool.ts'
import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { loadReceiveLowWater } from '../base/receive-low-water.ts'
import { Connection, type ConnectionLimits, type Dispatch } from './connection.ts'
import { GatheredReads } from './gathered-reads.ts'
import type { ConnectionState } from './handler.ts'
import { endPacingOf } from './local-pacing.ts'
import { ReadBuffers, ReadPlace } from './read-place.ts'
import { withReusedBuffer } from './reused-buffer.ts'

export interface ListenerOptions {
  readonly name: string
  /** Empty for all addresses; `localhost` opens both families. */
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly limits: ConnectionLimits
  /** `connections.max.idle.ms`; a negative value never closes. */
  readonly connectionsMaxIdleMs: number
  /** `max.connections`; above, the newest are closed at once. */
  readonly connectionsMax: number
  /** `odradek.gather.ms` */
  readonly gatherMs: number
  readonly pool: BufferPool
  readonly clock: Clock
  readonly logger: Logger
  readonly dispatcherOf: (peer: {
    readonly host: string
    readonly port: number
    readonly localAddress: string
  }) => Dispatch
}

/** An open listener could not be had: the port is taken, the address is not ours, … */
export class CannotListen extends Error {
  override readonly name = 'CannotListen'
}

/** One name of `listeners`: its sockets, its connections, and the sweep of idle ones. */
export class Listener {
  readonly name: string
  readonly host: string
  private readonly options: ListenerOptions
  private readonly servers: Server[] = []
  private readonly connections = new Map<Connection, Socket>()
  /** Connections that came before the broker could serve. */
  private readonly early = new Set<Socket>()
  private isServing = false
  private readonly readBuffers = new ReadBuffers()
  private readonly gatheredReads: GatheredReads
  private sweep: Timer | null = null
  private nextConnection = 0
  private boundPort = 0

  private constructor(options: ListenerOptions) {
    this.options = options
    this.name = options.name
    this.host = options.host
    const { gatherMs, clock } = options
    this.gatheredReads = new GatheredReads({ waitMs: gatherMs, load: loadReceiveLowWater, clock })
  }

  /** @throws CannotListen with a line for the operator. */
  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options)
    const hosts = options.host === 'localhost' ? ['127.0.0.1', '::1'] : [options.host]
    let port = options.port
    for (const [i, host] of hosts.entries()) {
      try {
        port = await listener.bind(host, port)
      } catch (error) {
        // A machine without IPv6 still has a localhost.
        if (i > 0 && ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(codeOf(error))) continue
        await listener.close()
        throw cannotListen(options, error)
      }
    }
    listener.boundPort = port
    return listener
  }

  get port(): number {
    return this.boundPort
  }

  /** Begins to read from connections, also from those that came before. */
  serve(): void {
    this.isServing = true
    for (const socket of this.early) this.connect(socket)
    this.early.clear()
    this.armSweep()
  }

  /** Takes no new connections, and closes the open ones. */
  async close(): Promise<void> {
    this.sweep?.clear()
    const closed = this.servers.map((server) => new Promise((done) => server.close(done)))
    for (const socket of [...this.connections.values(), ...this.early]) socket.destroy()
    await Promise.all(closed)
  }

  private async bind(host: string, port: number): Promise<number> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      this.accept(socket),
    )
    this.servers.push(server)
    const bound = await new Promise<number>((done, failed) => {
      server.once('error', failed)
      const where = host === '' ? { port } : { port, host }
      server.listen(where, () => {
        server.off('error', failed)
        server.on('error', (error) =>
          this.options.logger.error('a listener failed', {
            listener: this.name,
            error: error.message,
          }),
        )
        done((server.address() as AddressInfo).port)
      })
    })
    await endPacingOf(server, host)
    return bound
  }

  private accept(socket: Socket): void {
    const { options } = this
    if (this.connections.size + this.early.size >= options.connectionsMax) {
      options.logger.warn('a connection was refused: max.connections is reached', {
        listener: this.name,
        max: options.connectionsMax,
      })
      socket.destroy()
      return
    }
    if (this.isServing) this.connect(socket)
    else {
      this.early.add(socket)
      socket.once('close', () => this.early.delete(socket))
      socket.on('error', () => {})
    }
  }

  private connect(accepted: Socket): void {
    const { options } = this
    // It begins to read on a later turn of the loop, when there is a connection to read for.
    const onBytes = (piece: Buffer) => connection.onBytes(piece)
    // Asked for at once: then there is no connection yet.
    const readPlace = new ReadPlace(this.readBuffers)
    let place = () => readPlace.next()
    const reading = withReusedBuffer(accepted, () => place(), onBytes)
    const socket = reading ?? accepted
    socket.on('error', (error) =>
      options.logger.debug('a connection broke', { listener: this.name, error: error.message }),
    )
    const host = `${socket.remoteAddress ?? ''}`.replace(/^::ffff:/, '')
    const localAddress = `${socket.localAddress ?? ''}`.replace(/^::ffff:/, '')
    const gone = new AbortController()
    const state: ConnectionState = {
      id: `${localAddress}:${socket.localPort}-${host}:${socket.remotePort}-${this.nextConnection++}`,
      softwareName: 'unknown',
      softwareVersion: 'unknown',
      closed: gone.signal,
    }
    const connection: Connection = new Connection({
      socket,
      readPlace: reading === null ? null : readPlace,
      pool: options.pool,
      gatheredReads: this.gatheredReads,
      state,
      dispatcher: options.dispatcherOf({ host, port: socket.remotePort ?? 0, localAddress }),
      limits: options.limits,
      logger: options.logger,
      monotonicMs: options.clock.monotonicMs,
    })
    place = () => connection.placeOfNext()
    if (reading === null) socket.on('data', onBytes).resume()
    this.connections.set(connection, socket)
    socket.once('close', () => {
      this.connections.delete(connection)
      readPlace.close()
      gone.abort()
    })
  }

  /** One timer for all connections, at a quarter of the time they may be idle. */
  private armSweep(): void {
    const { connectionsMaxIdleMs, clock } = this.options
    if (connectionsMaxIdleMs < 0) return
    this.sweep = clock.after(Math.max(connectionsMaxIdleMs / 4, 10), () => {
      const before = clock.monotonicMs() - connectionsMaxIdleMs
      for (const connection of this.connections.keys()) {
        if (connection.isIdle && connection.lastActiveMs < before) connection.close('idle')
      }
      this.armSweep()
    })
  }
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code)
}

function cannotListen({ name, host, port }: ListenerOptions, error: unknown): CannotListen {
  const where = `${host === '' ? '*' : host}:${port}`
  const why =
    {
      EADDRINUSE: 'the port is already in use',
      EACCES: 'no permission to open this port',
      EADDRNOTAVAIL: 'this machine does not have that address',
      ENOTFOUND: 'the host name is not known',
    }[codeOf(error)] ?? (error as Error).message
  return new CannotListen(`cannot listen on ${where} (${name}): ${why}`)
}

import type { Duplex } from 'node:stream'
import type { BufferPool } from '../base/buffer-pool.ts'
import type { Clock, Timer } from '../base/clock.ts'
import { addressBytes, addressText } from '../base/ip-address.ts'
import type { Logger } from '../base/logger.ts'
import type { Principal } from '../security/authorizer.ts'
import { Connection, type ConnectionLimits, type Dispatch } from './connection.ts'
import type { ConnectionQuotas, Verdict } from './quotas/connection-quotas.ts'
import type { RequestTurns } from './request-turns.ts'
import { newSession, type Session } from './session.ts'
import type { Acceptor, Arrival, Channel, Transport } from './transport.ts'

export interface ListenerOptions {
  readonly name: string
  /** Empty for all addresses; `localhost` opens IPv4 and IPv6. */
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly limits: ConnectionLimits
  /** `connections.max.idle.ms`; a negative value disables it. */
  readonly connectionsMaxIdleMs: number
  /** `max.connections` and `max.connection.creation.rate` of this listener. */
  readonly limit: (key: string) => number
  /** Shared by all listeners of the broker. */
  readonly connectionQuotas: ConnectionQuotas
  readonly transport: Transport
  readonly pool: BufferPool
  readonly turns: RequestTurns
  readonly clock: Clock
  readonly logger: Logger
  /** Whether clients must authenticate by SASL before anything else. */
  readonly needsLogin: boolean
  /** Called once for each connection. */
  readonly dispatcherOf: (session: Session) => Dispatch
  /** The client's principal before it says anything; null closes the connection. */
  readonly principalOf: (channel: Channel) => Principal | null
  /** `Vantage.dialled` of a client that has connected to this address. */
  readonly dialledAt: (localHost: string) => Session['dialled']
}

/**
 * Maximum number of accepted connections of a listener that wait for their place, and of those that
 * wait for the end of their throttle.
 */
const unservedMax = 1024

/** A listener could not be opened: the port is taken, the address is not local, … */
export class CannotListen extends Error {
  override readonly name = 'CannotListen'
}

/** One entry of `listeners`: its acceptors, its connections, and the sweep of idle ones. */
export class Listener {
  readonly name: string
  readonly host: string
  private readonly options: ListenerOptions
  private readonly acceptors: Acceptor[] = []
  /** Admitted ones; the connection is null before the broker serves and during a handshake. */
  private readonly admitted = new Map<Arrival, Connection | null>()
  /** Accepted ones that wait for their place. */
  private readonly unserved = new Set<Arrival>()
  /** Those of throttled addresses, which wait to be closed and take nobody's place. */
  private readonly throttled = new Set<Arrival>()
  private isServing = false
  private sweep: Timer | null = null
  private nextConnection = 0
  private boundPort = 0

  private constructor(options: ListenerOptions) {
    this.options = options
    this.name = options.name
    this.host = options.host
    const { name, limit } = options
    options.connectionQuotas.register({ name, limit, closeIdlest: () => this.closeIdlest() })
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

  /** Starts to read from connections, including those accepted earlier. */
  serve(): void {
    this.isServing = true
    for (const arrival of this.admitted.keys()) this.open(arrival)
    this.armSweep()
  }

  /** Stops accepting connections, and closes the open ones. */
  async close(): Promise<void> {
    this.sweep?.clear()
    const closed = this.acceptors.map((acceptor) => acceptor.close())
    this.options.connectionQuotas.unregister(this.name)
    for (const { stream } of [...this.admitted.keys(), ...this.unserved, ...this.throttled]) {
      stream.destroy()
    }
    await Promise.all(closed)
  }

  private async bind(host: string, port: number): Promise<number> {
    const acceptor = await this.options.transport.listen(
      { host, port },
      {
        accepted: (arrival) => this.accept(arrival),
        failed: (error) =>
          this.options.logger.error('a listener failed', {
            listener: this.name,
            error: error.message,
          }),
      },
    )
    this.acceptors.push(acceptor)
    return acceptor.port
  }

  private accept(arrival: Arrival): void {
    const { logger, connectionQuotas } = this.options
    const { stream } = arrival
    this.logErrors(stream)
    if (this.unserved.size >= unservedMax) {
      logger.warn('a connection was refused: too many wait to be served', {
        listener: this.name,
        max: unservedMax,
      })
      stream.destroy()
      return
    }
    this.unserved.add(arrival)
    stream.once('close', () => {
      this.unserved.delete(arrival)
      this.throttled.delete(arrival)
    })
    connectionQuotas.arrive(this.name, arrival.remote.host, (verdict) =>
      this.decided(arrival, verdict),
    )
  }

  private decided(arrival: Arrival, verdict: Verdict): void {
    const { logger, clock, connectionQuotas } = this.options
    const { stream, remote } = arrival
    switch (verdict.kind) {
      case 'throttled':
        this.unserved.delete(arrival)
        if (this.throttled.size >= unservedMax) return void stream.destroy()
        this.throttled.add(arrival)
        clock.after(verdict.forMs, () => stream.destroy())
        return
      case 'tooMany':
        logger.info(
          `Rejected connection from /${remote.host}, address already has the configured maximum of ${verdict.max} connections.`,
        )
        stream.destroy()
        return
      case 'open':
        this.unserved.delete(arrival)
        if (stream.destroyed) return connectionQuotas.closed(this.name, remote.host)
        this.admitted.set(arrival, null)
        stream.once('close', () => {
          this.admitted.delete(arrival)
          connectionQuotas.closed(this.name, remote.host)
        })
        if (this.isServing) this.open(arrival)
    }
  }

  private closeIdlest(): void {
    let idlest: Connection | null = null
    for (const one of this.admitted.values()) {
      if (one === null) continue
      if (idlest === null || one.activeAtMs < idlest.activeAtMs) idlest = one
    }
    idlest?.close('another connection needs its place')
  }

  private logErrors(stream: Duplex): void {
    stream.on('error', (error) =>
      this.options.logger.debug('a connection broke', {
        listener: this.name,
        error: error.message,
      }),
    )
  }

  private open(arrival: Arrival): void {
    arrival.open((channel) => {
      if (channel.stream !== arrival.stream) this.logErrors(channel.stream)
      const connection = this.connect(channel)
      if (connection !== null && this.admitted.has(arrival)) this.admitted.set(arrival, connection)
    })
  }

  private connect(channel: Channel): Connection | null {
    const { options } = this
    const { local, remote, stream } = channel
    const principal = options.principalOf(channel)
    if (principal === null) {
      options.logger.warn('no rule of ssl.principal.mapping.rules applies to a certificate', {
        client: remote.host,
      })
      stream.destroy()
      return null
    }
    const gone = new AbortController()
    stream.once('close', () => gone.abort())
    const session = newSession({
      id: `${local.host}:${local.port}-${remote.host}:${remote.port}-${this.nextConnection++}`,
      listenerName: this.name,
      dialled: options.dialledAt(local.host),
      clientHost: `/${javaHost(remote.host)}`,
      clientPort: remote.port,
      principal,
      isAuthenticated: !options.needsLogin,
      closed: gone.signal,
      mute: (forMs) => connection.mute(forMs),
    })
    const connection: Connection = new Connection({
      channel,
      pool: options.pool,
      turns: options.turns,
      session,
      dispatcher: options.dispatcherOf(session),
      limits: options.limits,
      logger: options.logger,
      clock: options.clock,
    })
    return connection
  }

  /** Starts one timer for all connections, at a quarter of `connections.max.idle.ms`. */
  private armSweep(): void {
    const { connectionsMaxIdleMs, clock } = this.options
    if (connectionsMaxIdleMs < 0) return
    this.sweep = clock.after(Math.max(connectionsMaxIdleMs / 4, 10), () => {
      const before = clock.monotonicMs() - connectionsMaxIdleMs
      for (const connection of this.admitted.values()) {
        if (connection?.isIdleSince(before)) connection.close('idle')
      }
      this.armSweep()
    })
  }
}

/** Formats a client's address as Java does, whose ACLs name hosts so: `0:0:0:0:0:0:0:1`. */
function javaHost(host: string): string {
  const bytes = addressBytes(host)
  return bytes === null ? host : (addressText(bytes) ?? host)
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

import { createServer as createTcpServer, type Socket } from 'node:net'
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls'
import type { Logger } from '../base/logger.ts'
import { contextOf, type TlsSettings, type TlsStores } from './config/tls-settings.ts'
import { addressOf, openEndpoint } from './node-transport.ts'
import type { Acceptor, AcceptorEvents, Address, Arrival, Channel, Transport } from './transport.ts'

/** Time in ms after which an unfinished handshake is ended. */
const handshakeMsMax = 30_000

/**
 * TLS on TCP. A connection's handshake begins when it is opened, so that one that is refused, or
 * waits for its place, costs none. Bytes are encrypted by Node; none are sent by descriptor.
 */
export class TlsTransport implements Transport {
  private tls: TlsSettings
  private readonly logger: Logger
  private readonly servers: Server[] = []

  constructor(tls: TlsSettings, logger: Logger) {
    this.tls = tls
    this.logger = logger
  }

  listen(endpoint: Address, events: AcceptorEvents): Promise<Acceptor> {
    const handshakes = new Handshakes(this.makeServer())
    const server = createTcpServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
      const remote = addressOf(socket.remoteAddress, socket.remotePort)
      const open: Arrival['open'] = (ready) =>
        handshakes.begin(socket, (secured) => {
          // Only now: a client that leaves during its handshake is gone for good.
          secured.allowHalfOpen = true
          if (this.isRefused(secured)) secured.destroy()
          else ready(new TlsChannel(secured))
        })
      events.accepted({ remote, stream: socket, open })
    })
    return openEndpoint(server, endpoint, events)
  }

  /** Makes a server without an address: it is given the connections that are opened. */
  private makeServer(): Server {
    const { clientAuth } = this.tls
    const options: TlsOptions = {
      ...contextOf(this.tls),
      handshakeTimeout: handshakeMsMax,
      requestCert: clientAuth !== 'none',
      rejectUnauthorized: clientAuth === 'required',
    }
    const server = createServer(options)
    server.on('tlsClientError', (error, socket) => this.noteFailure(error, socket))
    this.servers.push(server)
    return server
  }

  get settings(): TlsSettings {
    return this.tls
  }

  /** Serves new connections with another key and other trust; open ones go on as they are. */
  renew(stores: TlsStores): void {
    this.tls = { ...this.tls, stores }
    for (const server of this.servers) server.setSecureContext(contextOf(this.tls))
  }

  /** A certificate that was only asked for must be a good one, if it comes. */
  private isRefused(socket: TLSSocket): boolean {
    if (this.tls.clientAuth !== 'requested' || socket.authorized) return false
    if (socket.getPeerX509Certificate() === undefined) return false
    this.noteFailure(socket.authorizationError, socket)
    return true
  }

  private noteFailure(error: Error & { readonly code?: string }, socket: TLSSocket): void {
    const client = addressOf(socket.remoteAddress, socket.remotePort).host
    // A probe that connects and closes has done nothing wrong.
    if (error.code === 'ECONNRESET' && socket.bytesRead === 0) return
    const isPlain = notTls.has(error.code ?? '')
    this.logger.warn(
      isPlain
        ? 'a client of a TLS listener does not speak TLS; its connection is closed'
        : 'a TLS handshake failed',
      { client, reason: String(error.code ?? error) },
    )
  }
}

/** Error codes of OpenSSL for bytes that are not a TLS record. */
const notTls: ReadonlySet<string> = new Set([
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_RECORD_LAYER_FAILURE',
  'ERR_SSL_UNEXPECTED_MESSAGE',
  'ERR_SSL_BAD_RECORD_TYPE',
])

/** Hands connections to a TLS server, and tells which of them its secured ones are. */
class Handshakes {
  private readonly server: Server
  /** By the client's address, which only one connection to the endpoint has at a time. */
  private readonly waiting = new Map<string, (secured: TLSSocket) => void>()

  constructor(server: Server) {
    this.server = server
    server.on('secureConnection', (secured: TLSSocket) => {
      const ready = this.waiting.get(clientOf(secured))
      if (ready === undefined) secured.destroy()
      else ready(secured)
    })
  }

  begin(socket: Socket, ready: (secured: TLSSocket) => void): void {
    const client = clientOf(socket)
    this.waiting.set(client, ready)
    socket.once('close', () => this.waiting.delete(client))
    this.server.emit('connection', socket)
  }
}

const clientOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`

class TlsChannel implements Channel {
  readonly local: Address
  readonly remote: Address
  readonly stream: TLSSocket
  readonly descriptor = null
  readonly piecesAreReused = false
  readonly peerCertificate: Buffer | null

  constructor(socket: TLSSocket) {
    this.stream = socket
    this.local = addressOf(socket.localAddress, socket.localPort)
    this.remote = addressOf(socket.remoteAddress, socket.remotePort)
    this.peerCertificate = socket.getPeerX509Certificate()?.raw ?? null
  }

  read(onBytes: (piece: Buffer) => void): void {
    this.stream.on('data', onBytes).resume()
  }
}

import { createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import type { Logger } from '../base/logger.ts'
import type { ClientAuth, TlsSettings } from './config/tls-settings.ts'
import { addressOf, openEndpoint } from './node-transport.ts'
import type { Acceptor, AcceptorEvents, Address, Channel, Transport } from './transport.ts'

/** Time in ms after which an unfinished handshake is ended. */
const handshakeMsMax = 30_000

/**
 * TLS on TCP. Connections are handed on when their handshake is done; bytes are encrypted by Node,
 * so that none are sent by descriptor.
 */
export class TlsTransport implements Transport {
  private readonly tls: TlsSettings
  private readonly logger: Logger

  constructor(tls: TlsSettings, logger: Logger) {
    this.tls = tls
    this.logger = logger
  }

  listen(endpoint: Address, events: AcceptorEvents): Promise<Acceptor> {
    const { context, clientAuth } = this.tls
    const options: TlsOptions = {
      ...context,
      allowHalfOpen: true,
      noDelay: true,
      handshakeTimeout: handshakeMsMax,
      requestCert: clientAuth !== 'none',
      rejectUnauthorized: clientAuth === 'required',
    }
    const server = createServer(options, (socket) => {
      if (this.isRefused(socket, clientAuth)) socket.destroy()
      else events.accepted(new TlsChannel(socket))
    })
    server.on('tlsClientError', (error, socket) => this.noteFailure(error, socket))
    return openEndpoint(server, endpoint, events)
  }

  /** A certificate that was only asked for must be a good one, if it comes. */
  private isRefused(socket: TLSSocket, clientAuth: ClientAuth): boolean {
    if (clientAuth !== 'requested' || socket.authorized) return false
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

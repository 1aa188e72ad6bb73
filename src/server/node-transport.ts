import { type AddressInfo, createServer, type Server, Socket } from 'node:net'
import type { SocketDescriptor } from '../base/sendfile.ts'
import type { Acceptor, AcceptorEvents, Address, Arrival, Channel, Transport } from './transport.ts'

/** Maximum bytes of one read. */
const readBufferBytes = 256 * 1024

/** TCP sockets of this machine. */
export class NodeTransport implements Transport {
  /** Shared by all connections: each read is processed before the next one. */
  private readonly readBuffer = Buffer.allocUnsafeSlow(readBufferBytes)

  listen(endpoint: Address, events: AcceptorEvents): Promise<Acceptor> {
    const server = createServer(
      { allowHalfOpen: true, pauseOnConnect: true, noDelay: true },
      (socket) => events.accepted(new SocketChannel(socket, this.readBuffer)),
    )
    return openEndpoint(server, endpoint, events)
  }
}

/** Binds a server's address. @throws (rejects) as `Transport.listen`. */
export function openEndpoint(
  server: Server,
  { host, port }: Address,
  events: AcceptorEvents,
): Promise<Acceptor> {
  const close = () => new Promise<void>((done) => server.close(() => done()))
  return new Promise((done, failed) => {
    server.once('error', failed)
    server.listen(host === '' ? { port } : { port, host }, () => {
      server.off('error', failed)
      server.on('error', (error) => events.failed(error))
      done({ port: (server.address() as AddressInfo).port, close })
    })
  })
}

/** A plain connection is open as soon as it is accepted. */
class SocketChannel implements Arrival, Channel {
  readonly local: Address
  readonly remote: Address
  readonly stream: Socket
  readonly descriptor: SocketDescriptor | null
  readonly piecesAreReused: boolean
  readonly peerCertificate = null
  private onBytes: (piece: Buffer) => void = () => {}

  constructor(accepted: Socket, readBuffer: Buffer) {
    const { localAddress, localPort, remoteAddress, remotePort } = accepted
    this.local = addressOf(localAddress, localPort)
    this.remote = addressOf(remoteAddress, remotePort)
    const reading = withReusedBuffer(accepted, readBuffer, (piece) => this.onBytes(piece))
    this.piecesAreReused = reading !== null
    this.stream = reading ?? accepted
    this.descriptor = descriptorOf(this.stream)
  }

  open(ready: (channel: Channel) => void): void {
    ready(this)
  }

  read(onBytes: (piece: Buffer) => void): void {
    this.onBytes = onBytes
    if (!this.piecesAreReused) this.stream.on('data', onBytes)
    this.stream.resume()
  }
}

/**
 * The address of one end of a socket; that of an IPv4 client of an IPv6 socket without its prefix.
 */
export function addressOf(host: string | undefined, port: number | undefined): Address {
  return { host: `${host ?? ''}`.replace(/^::ffff:/, ''), port: port ?? 0 }
}

interface Handle {
  readonly useUserBuffer?: (buffer: Uint8Array) => void
  readonly fd?: number
}

/** Private fields of a socket in Node. */
interface Inside {
  _handle: Handle | null
  _server: unknown
  server: unknown
}

/**
 * Makes a paused, accepted socket read into a reused buffer. Node supports this (`onread`) only for
 * outgoing sockets, so the accepted socket's handle is moved to a new socket. Fresh memory for
 * every 64 KB that arrive would double the CPU time of a Produce request of 64 KB.
 * @param into the buffer of each read; several sockets may share it.
 * @param onPiece receives the filled part, valid until it returns.
 * @returns the socket to use from now on, paused; null, with nothing changed, if this release of
 * Node does not allow it.
 */
function withReusedBuffer(
  socket: Socket,
  into: Buffer,
  onPiece: (piece: Buffer) => void,
): Socket | null {
  const accepted = socket as unknown as Inside
  const handle = accepted._handle
  if (typeof handle?.useUserBuffer !== 'function') return null
  accepted._handle = null
  const options = {
    handle,
    allowHalfOpen: true,
    pauseOnCreate: true,
    onread: {
      buffer: into,
      callback: (bytes: number, buffer: Uint8Array) => {
        onPiece((buffer as Buffer).subarray(0, bytes))
        return true
      },
    },
  }
  const fresh = new Socket(options as ConstructorParameters<typeof Socket>[0])
  // The server counts its connections by this field: it waits for them when it closes.
  const inside = fresh as unknown as Inside
  inside.server = accepted.server
  inside._server = accepted._server
  accepted._server = null
  return fresh
}

/** Returns a plain socket's file descriptor; null if this release of Node does not expose it. */
export function descriptorOf(socket: Socket): SocketDescriptor | null {
  const inside = socket as unknown as Inside
  const descriptor = () => inside._handle?.fd ?? -1
  return descriptor() < 0 ? null : descriptor
}

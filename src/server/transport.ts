import type { Duplex } from 'node:stream'
import type { SocketDescriptor } from '../base/sendfile.ts'

export interface Address {
  /** Without IPv6's prefix for an IPv4 address. */
  readonly host: string
  readonly port: number
}

/** A connection that has just been accepted: it may be refused before anything is done for it. */
export interface Arrival {
  readonly remote: Address
  /** For `destroy` and `close`, before and after `open`. */
  readonly stream: Duplex
  /**
   * Calls `ready` when bytes can be exchanged: at once, or after a TLS handshake; never if that
   * fails, which closes the stream.
   */
  open(ready: (channel: Channel) => void): void
}

/** One open connection, of which nothing is read before `read` is called. */
export interface Channel {
  readonly local: Address
  readonly remote: Address
  /** For writing, pausing, `end` and `close`; bytes are read by `read` only. */
  readonly stream: Duplex
  /** For `LaterBytes.send`; null unless the bytes on the wire are those that are written. */
  readonly descriptor: SocketDescriptor | null
  /** Whether a piece is only valid until `onBytes` returns. */
  readonly piecesAreReused: boolean
  /** The client's certificate in DER, verified; null if it has sent none. */
  readonly peerCertificate: Buffer | null
  read(onBytes: (piece: Buffer) => void): void
}

/** An open endpoint. */
export interface Acceptor {
  /** The bound port, if the endpoint left it to the system. */
  readonly port: number
  /** Stops accepting; resolves when all accepted connections have ended, too. */
  close(): Promise<void>
}

export interface AcceptorEvents {
  accepted(arrival: Arrival): void
  /** Called when the open endpoint fails. */
  failed(error: Error): void
}

/**
 * Opens endpoints. It sees the bytes of a connection before anything else does, so that it may
 * tell from the first ones what is spoken.
 */
export interface Transport {
  /** @throws (rejects) an error with the system's code: EADDRINUSE, … */
  listen(endpoint: Address, events: AcceptorEvents): Promise<Acceptor>
}

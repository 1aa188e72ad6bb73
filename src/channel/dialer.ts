import type { ChannelFault } from './channel.ts'

/** Called in a later turn than `dial`, and no more after `destroy`. */
export interface LinkEvents {
  /** Called once the peer can be written to. */
  opened(): void
  received(piece: Buffer): void
  /** Called once, last: it could not be opened, or the peer or the network has ended it. */
  closed(fault: ChannelFault): void
}

/** The bytes of one outgoing connection. */
export interface Link {
  /** Sends pieces in order, which must not change until they are sent. Only after `opened`. */
  write(pieces: readonly Uint8Array[]): void
  /** Ends it at once, also while it is being opened. */
  destroy(): void
}

/** Opens connections to other nodes. It is handed in, as the transport of listeners is. */
export interface Dialer {
  /** @throws an error if the address cannot be one. */
  dial(host: string, port: number, events: LinkEvents): Link
}

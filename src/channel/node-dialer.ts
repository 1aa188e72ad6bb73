import { connect, type Socket } from 'node:net'
import { ChannelFault } from './channel.ts'
import type { Dialer, Link, LinkEvents } from './dialer.ts'

/** TCP sockets of this machine. */
export class NodeDialer implements Dialer {
  dial(host: string, port: number, events: LinkEvents): Link {
    const socket = connect({ host, port, noDelay: true, keepAlive: true })
    return new SocketLink(socket, 'connect', events)
  }
}

/** An outgoing socket, possibly one of TLS. */
export class SocketLink implements Link {
  private readonly socket: Socket
  private isDestroyed = false

  /**
   * @param openedBy the event after which the peer can be written to
   * @param faultOf the reason of a failed socket; by default it is 'disconnected'.
   */
  constructor(
    socket: Socket,
    openedBy: 'connect' | 'secureConnect',
    events: LinkEvents,
    faultOf = disconnected,
  ) {
    this.socket = socket
    let fault = new ChannelFault('disconnected', 'the connection was closed by the peer')
    socket.once(openedBy, () => events.opened())
    socket.on('data', (piece: Buffer) => {
      if (!this.isDestroyed) events.received(piece)
    })
    socket.on('error', (error) => {
      fault = faultOf(error)
    })
    socket.once('close', () => {
      if (!this.isDestroyed) events.closed(fault)
    })
  }

  write(pieces: readonly Uint8Array[]): void {
    const { socket } = this
    socket.cork()
    for (const piece of pieces) socket.write(piece)
    socket.uncork()
  }

  destroy(): void {
    this.isDestroyed = true
    this.socket.destroy()
  }
}

function disconnected(error: Error): ChannelFault {
  return new ChannelFault('disconnected', error.message)
}

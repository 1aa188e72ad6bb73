import { isIP } from 'node:net'
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import { ChannelFault } from '../channel/channel.ts'
import type { Dialer, Link, LinkEvents } from '../channel/dialer.ts'
import { SocketLink } from '../channel/node-dialer.ts'
import { contextOf, type TlsClientSettings, type TlsStores } from './config/tls-settings.ts'

/** TLS on TCP, to a listener of other nodes. */
export class TlsDialer implements Dialer {
  private tls: TlsClientSettings
  private context: SecureContext

  /** @throws an error if the key or a certificate cannot be used. */
  constructor(tls: TlsClientSettings) {
    this.tls = tls
    this.context = createSecureContext(contextOf(tls))
  }

  get settings(): TlsClientSettings {
    return this.tls
  }

  /** Opens later connections with another key and other trust; open ones go on as they are. */
  renew(stores: TlsStores): void {
    const tls = { ...this.tls, stores }
    this.context = createSecureContext(contextOf(tls))
    this.tls = tls
  }

  dial(host: string, port: number, events: LinkEvents): Link {
    const { checksHost } = this.tls
    const socket = connect({
      host,
      port,
      secureContext: this.context,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      rejectUnauthorized: true,
      checkServerIdentity: (_, certificate) =>
        checksHost ? faultOfName(host, certificate) : undefined,
    })
    socket.setNoDelay(true)
    socket.setKeepAlive(true)
    return new SocketLink(socket, 'secureConnect', events, (error) => faultOf(socket, error))
  }
}

/**
 * Compares a host with the names of a certificate. As in Java, the common name counts where there
 * is no alternative name of a host, even if there is one of an address.
 */
function faultOfName(host: string, certificate: PeerCertificate): Error | undefined {
  const fault = checkServerIdentity(host, certificate)
  const { subjectaltname, ...rest } = certificate
  if (fault === undefined || isIP(host) !== 0 || subjectaltname?.includes('DNS:')) return fault
  return checkServerIdentity(host, rest as PeerCertificate)
}

/** A handshake that fails will do so again: one side does not trust the other. */
function faultOf(socket: TLSSocket, error: Error & { readonly code?: string }): ChannelFault {
  const isRefusal =
    (socket.authorizationError ?? null) !== null || /^ERR_(SSL|TLS)_/.test(error.code ?? '')
  if (!isRefusal) return new ChannelFault('disconnected', error.message)
  return new ChannelFault('authentication', `SSL handshake failed: ${error.message}`)
}

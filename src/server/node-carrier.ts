import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/error-text.ts'
import type { Random } from '../base/random.ts'
import type { Dialer } from '../channel/dialer.ts'
import { TcpCarrier } from '../channel/tcp-carrier.ts'
import type { NodeSecurity } from './config/node-security.ts'
import { BadConfig } from './config/static-config.ts'
import type { TlsClientSettings } from './config/tls-settings.ts'
import { TlsDialer } from './tls-dialer.ts'
import type { TlsRenewal } from './tls-renewal.ts'

/**
 * Returns a carrier to the listeners that `security` was read for.
 * @throws BadConfig if a key or a certificate cannot be used.
 */
export function nodeCarrier(
  { listenerName, tls, login }: NodeSecurity,
  rooms: {
    /** For connections without TLS. */
    readonly dialer: Dialer
    readonly clock: Clock
    readonly random: Random
    readonly tlsRenewal: TlsRenewal
  },
): TcpCarrier {
  const { clock, random, tlsRenewal } = rooms
  if (tls === null) return new TcpCarrier({ dialer: rooms.dialer, clock, random, login })
  const dialer = openTls(tls)
  tlsRenewal.addDialer({ name: listenerName, dialer })
  return new TcpCarrier({ dialer, clock, random, login })
}

function openTls(tls: TlsClientSettings): TlsDialer {
  try {
    return new TlsDialer(tls)
  } catch (error) {
    throw new BadConfig(`ssl.keystore.location: ${messageOf(error)}`)
  }
}

import type { Carrier } from '../channel/channel.ts'
import type { LoopbackCarrier } from '../channel/loopback-carrier.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import {
  type NodeSecurity,
  readControllerSecurity,
  readInterBrokerSecurity,
} from './config/node-security.ts'
import { nodeCarrier } from './node-carrier.ts'
import type { SharedRooms } from './shared-rooms.ts'
import { TlsRenewal } from './tls-renewal.ts'

/** The ways from one broker to other nodes. */
export interface NodeCarriers {
  readonly controllers: Carrier
  readonly brokers: Carrier
  /** Renews the keys of its connections, and of the broker's listeners. */
  readonly tlsRenewal: TlsRenewal
}

/**
 * Opens a broker's ways to other nodes: to those of its process without sockets, to others by the
 * listeners in its settings.
 * @param isAlone whether all nodes of the cluster are in this process.
 * @throws (rejects) BadConfig
 */
export async function nodeCarriers(
  settings: BrokerSettings,
  isAlone: boolean,
  rooms: SharedRooms,
): Promise<NodeCarriers> {
  const { clock, random, logger, dialer, through } = rooms
  const tlsRenewal = new TlsRenewal(logger)
  if (isAlone) {
    const [controllers, brokers] = [through(rooms.controllers), through(rooms.brokers)]
    return { controllers, brokers, tlsRenewal }
  }
  const login = { random, nowMs: clock.nowMs }
  const beside = (inside: LoopbackCarrier, security: NodeSecurity) =>
    through(inside.beside(nodeCarrier(security, { dialer, clock, random, tlsRenewal })))
  return {
    controllers: beside(rooms.controllers, await readControllerSecurity(settings, login)),
    brokers: beside(rooms.brokers, await readInterBrokerSecurity(settings, login)),
    tlsRenewal,
  }
}

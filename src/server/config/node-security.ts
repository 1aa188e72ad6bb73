import type { BrokerSettings } from '../../metadata/config/settings.ts'
import type { SaslLogin } from '../../security/sasl/client.ts'
import { ListenerSettings } from './listener-settings.ts'
import { controllerNamesOf, type SecurityProtocol, securityProtocolOf } from './listeners.ts'
import { interBrokerListenerOf } from './roles.ts'
import { type LoginRooms, readSaslLogin } from './sasl-login-settings.ts'
import { BadConfig } from './static-config.ts'
import { readTlsClientSettings, type TlsClientSettings } from './tls-settings.ts'

/** The ways in which this node connects to a listener of other nodes. */
export interface NodeSecurity {
  readonly listenerName: string
  readonly protocol: SecurityProtocol
  /** Null without TLS. */
  readonly tls: TlsClientSettings | null
  /** Null without SASL. */
  readonly login: SaslLogin | null
}

/**
 * Reads how this node connects to controllers: by the first of `controller.listener.names`, with
 * `sasl.mechanism.controller.protocol`.
 *
 * @throws BadConfig in one line that names the setting.
 */
export async function readControllerSecurity(
  settings: BrokerSettings,
  rooms: LoginRooms,
): Promise<NodeSecurity> {
  const [name] = controllerNamesOf(settings)
  if (name === undefined) throw new BadConfig('controller.listener.names names none')
  return readSecurity(settings, name, 'sasl.mechanism.controller.protocol', rooms)
}

/**
 * Reads how this node connects to brokers: by `inter.broker.listener.name`, with
 * `sasl.mechanism.inter.broker.protocol`.
 *
 * @throws BadConfig in one line that names the setting.
 */
export async function readInterBrokerSecurity(
  settings: BrokerSettings,
  rooms: LoginRooms,
): Promise<NodeSecurity> {
  const name = interBrokerListenerOf(settings)
  return readSecurity(settings, name, 'sasl.mechanism.inter.broker.protocol', rooms)
}

async function readSecurity(
  settings: BrokerSettings,
  listenerName: string,
  mechanismKey: string,
  rooms: LoginRooms,
): Promise<NodeSecurity> {
  const protocol = securityProtocolOf(settings, listenerName)
  const own = new ListenerSettings(settings, listenerName)
  const hasTls = protocol === 'SSL' || protocol === 'SASL_SSL'
  const hasSasl = protocol === 'SASL_PLAINTEXT' || protocol === 'SASL_SSL'
  return {
    listenerName,
    protocol,
    tls: hasTls ? await readTlsClientSettings(own) : null,
    login: hasSasl ? readSaslLogin(own, mechanismKey, rooms) : null,
  }
}

import { BrokerSettings } from '../../metadata/config/settings.ts'

/** The name under which the controllers' listener stands in the settings made here. */
const listener = 'CONTROLLER'

/**
 * Returns settings by which a node connects to controllers in the way that the file of a client
 * says: `security.protocol`, `sasl.*` and `ssl.*`, with the defaults of Kafka's clients.
 */
export function nodeSettingsOf(client: ReadonlyMap<string, string>): BrokerSettings {
  const protocol = client.get('security.protocol') ?? 'PLAINTEXT'
  const mechanism = client.get('sasl.mechanism') ?? 'GSSAPI'
  const settings = new Map([
    ['controller.listener.names', listener],
    ['listener.security.protocol.map', `${listener}:${protocol}`],
    ['sasl.mechanism.controller.protocol', mechanism],
  ])
  const prefix = `listener.name.${listener.toLowerCase()}.`
  for (const [key, value] of client) {
    if (key.startsWith('ssl.')) settings.set(prefix + key, value)
    if (!key.startsWith('sasl.') || key === 'sasl.mechanism') continue
    settings.set(`${prefix}${mechanism.toLowerCase()}.${key}`, value)
  }
  return new BrokerSettings(settings)
}

/** Settings prefixed by a listener and a SASL mechanism (`ListenerMechanismConfigs`). */
const ofMechanisms = [
  'sasl.jaas.config',
  'sasl.login.callback.handler.class',
  'sasl.login.class',
  'sasl.server.callback.handler.class',
  'connections.max.reauth.ms',
]

/** Returns the key that `listener.name.NAME.KEY` sets for one listener, or null for other names. */
export function listenerBaseOf(key: string): string | null {
  const base = /^listener\.name\.[^.]*\.(.*)$/s.exec(key)?.[1]
  if (base === undefined) return null
  return ofMechanisms.find((one) => base.endsWith(one)) ?? base
}

import type { BrokerSettings } from '../../metadata/config/settings.ts'
import { BadConfig } from './static-config.ts'

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
/** Codes of Kafka's `SecurityProtocol` in broker registrations. */
export const securityProtocolCodes: Readonly<Record<SecurityProtocol, number>> = {
  PLAINTEXT: 0,
  SSL: 1,
  SASL_PLAINTEXT: 2,
  SASL_SSL: 3,
}

/** One entry of `listeners` or `advertised.listeners`: `NAME://host:port`. */
export interface ListenerAddress {
  readonly name: string
  /** Empty for all addresses of the machine. */
  readonly host: string
  readonly port: number
}

export interface ListenerPlan extends ListenerAddress {
  readonly protocol: SecurityProtocol
  /** The advertised listener; null to advertise the bound host. */
  readonly advertised: ListenerAddress | null
}

export interface ListenerPlans {
  readonly broker: readonly ListenerPlan[]
  readonly controller: readonly ListenerPlan[]
}

/** @throws BadConfig for text other than `NAME://host:port`. */
export function parseListener(key: string, text: string): ListenerAddress {
  const parts = /^([^:/]+):\/\/(?:\[([0-9a-fA-F:.%]+)\]|([^:/[\]]*)):(-?\d+)$/.exec(text.trim())
  const port = Number(parts?.[4])
  if (parts === null || port > 65535 || port < 0) {
    throw new BadConfig(`${key}: "${text}" is not NAME://host:port`)
  }
  return { name: parts[1]!.toUpperCase(), host: parts[2] ?? parts[3] ?? '', port }
}

function parseListeners(key: string, texts: readonly string[]): ListenerAddress[] {
  const listeners = texts.map((text) => parseListener(key, text))
  const names = listeners.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new BadConfig(`${key}: the listener name ${twice} stands twice`)
  return listeners
}

const isIpv4 = (host: string) => /^\d+\.\d+\.\d+\.\d+$/.test(host)
const isIpv6 = (host: string) => host.includes(':')

/**
 * Two listeners may share a port only as one IPv4 and one IPv6 address (`CoreUtils.validate`).
 * @throws BadConfig
 */
function checkPorts(listeners: readonly ListenerAddress[]): void {
  for (const [i, one] of listeners.entries()) {
    if (one.port === 0) continue
    const others = listeners.slice(0, i).filter(({ port }) => port === one.port)
    if (others.length === 0) continue
    const hosts = [one.host, others[0]!.host]
    if (others.length === 1 && hosts.some(isIpv4) && hosts.some(isIpv6)) continue
    throw new BadConfig(`listeners: ${one.name} and ${others[0]!.name} have one port, ${one.port}`)
  }
}

function protocolMap(settings: BrokerSettings): ReadonlyMap<string, SecurityProtocol> {
  const map = new Map<string, SecurityProtocol>()
  const text = settings.string('listener.security.protocol.map') ?? ''
  for (const entry of text.split(',').filter((one) => one.trim() !== '')) {
    const [name, protocol] = entry.split(':').map((part) => part.trim().toUpperCase())
    if (protocol === undefined || !(protocol in securityProtocolCodes)) {
      throw new BadConfig(`listener.security.protocol.map: "${entry}" is not NAME:PROTOCOL`)
    }
    map.set(name!, protocol as SecurityProtocol)
  }
  return map
}

/**
 * Returns a function from a listener's name to its security protocol, also for listeners that only
 * other nodes have.
 * @throws BadConfig
 */
function securityProtocols(
  settings: BrokerSettings,
  listeners: readonly ListenerAddress[],
): (name: string) => SecurityProtocol {
  const protocols = protocolMap(settings)
  const controllerNames = controllerNamesOf(settings)
  // Kafka maps a controller listener without an entry to PLAINTEXT while the map is the default and
  // no listener is named after another protocol (`effectiveListenerSecurityProtocolMap`).
  const isAllPlain =
    !settings.isSet('listener.security.protocol.map') &&
    [...listeners.map(({ name }) => name), ...controllerNames].every(
      (name) => name === 'PLAINTEXT' || !(name in securityProtocolCodes),
    )
  return (name) => {
    const mapped = protocols.get(name)
    if (mapped !== undefined) return mapped
    if (isAllPlain && controllerNames.includes(name)) return 'PLAINTEXT'
    throw new BadConfig(`listener.security.protocol.map has no entry for the listener ${name}`)
  }
}

/** Returns `controller.listener.names`; nodes connect to controllers by the first. */
export function controllerNamesOf(settings: BrokerSettings): readonly string[] {
  return settings.list('controller.listener.names').map((name) => name.toUpperCase())
}

/** Returns the security protocol of a listener of any node of the cluster. @throws BadConfig */
export function securityProtocolOf(settings: BrokerSettings, name: string): SecurityProtocol {
  const listeners = parseListeners('listeners', settings.list('listeners'))
  return securityProtocols(settings, listeners)(name)
}

/**
 * Plans the listeners from `listeners`, `advertised.listeners`, `listener.security.protocol.map`
 * and `controller.listener.names`, by the rules of `SocketServerConfigs` and `KafkaConfig`.
 * @throws BadConfig naming the wrong key.
 */
export function planListeners(settings: BrokerSettings): ListenerPlans {
  const controllerNames = controllerNamesOf(settings)
  const advertised = settings.isSet('advertised.listeners')
    ? parseListeners('advertised.listeners', settings.list('advertised.listeners'))
    : []
  const listeners = parseListeners('listeners', settings.list('listeners'))
  checkPorts(listeners)
  const protocolOf = securityProtocols(settings, listeners)
  const plans = listeners.map((listener) => {
    const protocol = protocolOf(listener.name)
    const told = advertised.find(({ name }) => name === listener.name) ?? null
    return { ...listener, protocol, advertised: told }
  })
  const broker = plans.filter(({ name }) => !controllerNames.includes(name))
  for (const { name } of advertised) {
    if (!plans.some((plan) => plan.name === name)) {
      throw new BadConfig(`advertised.listeners names ${name}, which listeners does not have`)
    }
  }
  for (const { name, advertised: told } of broker) {
    if (told?.host !== '0.0.0.0') continue
    throw new BadConfig(
      `advertised.listeners: ${name} must name a host that clients can reach, not 0.0.0.0`,
    )
  }
  return { broker, controller: plans.filter(({ name }) => controllerNames.includes(name)) }
}

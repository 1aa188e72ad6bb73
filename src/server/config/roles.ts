import type { BrokerSettings } from '../../metadata/config/settings.ts'
import type { ListenerPlans } from './listeners.ts'
import { BadConfig } from './static-config.ts'

/**
 * Checks a node's roles by the rules of Kafka's `KafkaConfig.validateValues`. Refuses by name roles
 * that are not built yet: such a node must not become a cluster of its own.
 * @throws BadConfig
 */
export function checkRoles(settings: BrokerSettings, { broker, controller }: ListenerPlans): void {
  const roles = settings.list('process.roles')
  const voters = voterIds(settings)
  const bootstrap = settings.list('controller.quorum.bootstrap.servers')
  if (!settings.isSet('node.id')) {
    throw new BadConfig('Missing required configuration "node.id" which has no default value.')
  }
  const nodeId = settings.int('node.id')
  if (nodeId < 0) throw new BadConfig(`node.id must not be negative, and is ${nodeId}`)
  if (!roles.includes('broker') || !roles.includes('controller')) {
    throw new BadConfig(
      `process.roles=${roles.join(',')}: a node that is only a part of a cluster is not built yet; ` +
        'it must be broker,controller, or --brokers N have a controller of its own',
    )
  }
  if (voters.length === 0 && bootstrap.length === 0) {
    throw new BadConfig(
      'If using process.roles, either controller.quorum.bootstrap.servers must contain the set of ' +
        'bootstrap controllers or controller.quorum.voters must contain a parseable set of controllers.',
    )
  }
  if (voters.length > 0 && !voters.includes(nodeId)) {
    throw new BadConfig(
      "If process.roles contains the 'controller' role, the node id " +
        `${nodeId} must be included in the set of voters controller.quorum.voters=${voters.join(',')}`,
    )
  }
  for (const [key, count] of [
    ['controller.quorum.voters', voters.length],
    ['controller.quorum.bootstrap.servers', bootstrap.length],
  ] as const) {
    if (count <= 1) continue
    throw new BadConfig(`${key} names ${count} controllers: a quorum of several is not built yet`)
  }
  const names = settings.list('controller.listener.names')
  const has = (name: string) => controller.some((one) => one.name === name.toUpperCase())
  if (names.length === 0 || !names.some(has)) {
    throw new BadConfig(
      'controller.listener.names must contain at least one value appearing in the ' +
        "'listeners' configuration when running the KRaft controller role",
    )
  }
  if (!names.every(has)) {
    throw new BadConfig(
      "controller.listener.names must only contain values appearing in the 'listeners' " +
        'configuration when running the KRaft controller role',
    )
  }
  const all = [...broker, ...controller]
  const lost = settings
    .list('early.start.listeners')
    .find((name) => !all.some((one) => one.name === name.toUpperCase()))
  if (lost !== undefined) {
    throw new BadConfig(
      `early.start.listeners contains listener ${lost}, but this is not contained in listeners or ` +
        'controller.listener.names',
    )
  }
  checkInterBroker(
    settings,
    broker.map(({ name }) => name),
  )
}

/** @param names listeners that brokers and clients use. @throws BadConfig */
export function checkInterBroker(settings: BrokerSettings, names: readonly string[]): void {
  const named = settings.string('inter.broker.listener.name')
  if (named !== null && settings.isSet('security.inter.broker.protocol')) {
    throw new BadConfig(
      'Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.',
    )
  }
  if (names.includes(interBrokerListenerOf(settings))) return
  throw new BadConfig(
    'inter.broker.listener.name must be a listener name defined in advertised.listeners. The valid ' +
      `options based on currently configured listeners are ${names.join(',')}`,
  )
}

/** Returns the name of the listener that brokers use among themselves. */
export function interBrokerListenerOf(settings: BrokerSettings): string {
  const named = settings.string('inter.broker.listener.name')
  return (named ?? settings.string('security.inter.broker.protocol') ?? '').toUpperCase()
}

/** Returns the ids in `controller.quorum.voters`: `1@host:port,…`. @throws BadConfig */
function voterIds(settings: BrokerSettings): number[] {
  return settings.list('controller.quorum.voters').map((text) => {
    const id = /^(\d+)@[^@\s]+:\d+$/.exec(text.trim())?.[1]
    if (id !== undefined) return Number(id)
    throw new BadConfig(
      `controller.quorum.voters: "${text}" is not {id}@{host}:{port}, separated by commas`,
    )
  })
}

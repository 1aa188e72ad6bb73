import type { NodeAddress } from '../../channel/channel.ts'
import type { BrokerSettings } from '../../metadata/config/settings.ts'
import type { ListenerPlans } from './listeners.ts'
import { BadConfig } from './static-config.ts'

const votersKey = 'controller.quorum.voters'
const bootstrapKey = 'controller.quorum.bootstrap.servers'

/**
 * Checks a node's roles by the rules of Kafka's `KafkaConfig.validateValues`. A controller must be
 * the only one: a quorum of several is not built here.
 * @throws BadConfig
 */
export function checkRoles(settings: BrokerSettings, plans: ListenerPlans): void {
  const roles = settings.list('process.roles')
  const voters = votersOf(settings)
  if (!settings.isSet('node.id')) {
    throw new BadConfig('Missing required configuration "node.id" which has no default value.')
  }
  const nodeId = settings.int('node.id')
  if (nodeId < 0) throw new BadConfig(`node.id must not be negative, and is ${nodeId}`)
  if (voters.length === 0 && bootstrapOf(settings).length === 0) {
    throw new BadConfig(
      'If using process.roles, either controller.quorum.bootstrap.servers must contain the set of ' +
        'bootstrap controllers or controller.quorum.voters must contain a parseable set of controllers.',
    )
  }
  if (roles.includes('controller')) checkController(settings, nodeId, voters)
  else checkBrokerOnly(settings, nodeId, voters, plans)
  checkControllerListeners(settings, plans)
  if (!roles.includes('broker') && plans.broker.length > 0) {
    throw new BadConfig(
      'The listeners config must only contain KRaft controller listeners from ' +
        'controller.listener.names when process.roles=controller',
    )
  }
  checkEarlyListeners(settings, plans)
  if (!roles.includes('broker')) return
  checkInterBroker(
    settings,
    plans.broker.map(({ name }) => name),
  )
}

/** Returns controllers: those to bootstrap from, else the voters. @throws BadConfig */
export function quorumAddresses(settings: BrokerSettings): NodeAddress[] {
  const bootstrap = bootstrapOf(settings)
  return bootstrap.length > 0 ? bootstrap : votersOf(settings)
}

function checkController(
  settings: BrokerSettings,
  nodeId: number,
  voters: readonly NodeAddress[],
): void {
  const ids = voters.map((voter) => voter.nodeId)
  if (voters.length > 0 && !ids.includes(nodeId)) {
    throw new BadConfig(
      "If process.roles contains the 'controller' role, the node id " +
        `${nodeId} must be included in the set of voters controller.quorum.voters=${ids.join(',')}`,
    )
  }
  for (const [key, { length }] of [
    [votersKey, voters],
    [bootstrapKey, bootstrapOf(settings)],
  ] as const) {
    if (length <= 1) continue
    throw new BadConfig(`${key} names ${length} controllers: a quorum of several is not built yet`)
  }
}

function checkBrokerOnly(
  settings: BrokerSettings,
  nodeId: number,
  voters: readonly NodeAddress[],
  { controller }: ListenerPlans,
): void {
  const ids = voters.map((voter) => voter.nodeId)
  if (ids.includes(nodeId)) {
    throw new BadConfig(
      `If process.roles contains just the 'broker' role, the node id ${nodeId} must not be included ` +
        `in the set of voters controller.quorum.voters=${ids.join(',')}`,
    )
  }
  if (settings.list('controller.listener.names').length === 0) {
    throw new BadConfig(
      'controller.listener.names must contain at least one value when running KRaft with just the ' +
        'broker role',
    )
  }
  if (controller.length === 0) return
  throw new BadConfig(
    "controller.listener.names must not contain a value appearing in the 'listeners' configuration " +
      'when running KRaft with just the broker role',
  )
}

function checkControllerListeners(settings: BrokerSettings, { controller }: ListenerPlans): void {
  if (!settings.list('process.roles').includes('controller')) return
  const names = settings.list('controller.listener.names')
  const has = (name: string) => controller.some((one) => one.name === name.toUpperCase())
  if (names.length === 0 || !names.some(has)) {
    throw new BadConfig(
      'controller.listener.names must contain at least one value appearing in the ' +
        "'listeners' configuration when running the KRaft controller role",
    )
  }
  if (names.every(has)) return
  throw new BadConfig(
    "controller.listener.names must only contain values appearing in the 'listeners' " +
      'configuration when running the KRaft controller role',
  )
}

function checkEarlyListeners(
  settings: BrokerSettings,
  { broker, controller }: ListenerPlans,
): void {
  const all = [...broker, ...controller]
  const lost = settings
    .list('early.start.listeners')
    .find((name) => !all.some((one) => one.name === name.toUpperCase()))
  if (lost === undefined) return
  throw new BadConfig(
    `early.start.listeners contains listener ${lost}, but this is not contained in listeners or ` +
      'controller.listener.names',
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

/** Returns the nodes in `controller.quorum.voters`: `1@host:port,…`. @throws BadConfig */
function votersOf(settings: BrokerSettings): NodeAddress[] {
  return settings.list(votersKey).map((text) => {
    const parts = /^(\d+)@(.+)$/.exec(text.trim())
    const address = addressIn(parts?.[2] ?? '')
    if (parts !== null && address !== null) return { nodeId: Number(parts[1]), ...address }
    throw new BadConfig(`${votersKey}: "${text}" is not {id}@{host}:{port}, separated by commas`)
  })
}

/** Returns the addresses in `controller.quorum.bootstrap.servers`. @throws BadConfig */
function bootstrapOf(settings: BrokerSettings): NodeAddress[] {
  return settings.list(bootstrapKey).map((text) => {
    const address = addressIn(text.trim())
    if (address !== null) return { nodeId: -1, ...address }
    throw new BadConfig(`${bootstrapKey}: "${text}" is not {host}:{port}, separated by commas`)
  })
}

function addressIn(text: string): { host: string; port: number } | null {
  const parts = /^(?:\[([0-9a-fA-F:.%]+)\]|([^@:\s[\]]+)):(\d+)$/.exec(text)
  const port = Number(parts?.[3])
  if (parts === null || port > 65535) return null
  return { host: parts[1] ?? parts[2]!, port }
}

import type { Logger } from '../../base/logger.ts'
import { BrokerSettings } from '../../metadata/config/settings.ts'
import type { BrokerOptions } from '../broker-options.ts'
import { checkAcross } from './cross-checks.ts'
import { soleNodeDefaults } from './defaults.ts'
import {
  type ListenerAddress,
  type ListenerPlan,
  type ListenerPlans,
  planListeners,
} from './listeners.ts'
import { logDirPaths } from './log-dir-paths.ts'
import { securityOptionsOf } from './made-security.ts'
import { checkRoles } from './roles.ts'
import { BadConfig, readStaticConfig } from './static-config.ts'

const memoryDir = '/odradek'

/** Controller node id, above all broker ids; Kafka's test clusters start at 3000 too. */
const controllerIdWithBrokers = 3000

/** A node to start: its settings, and its listeners by role. */
export interface NodePlan {
  readonly nodeId: number
  readonly statics: BrokerSettings
  /** Empty for a node that is no broker. */
  readonly listeners: readonly ListenerPlan[]
  /** Empty for a controller that only nodes of this process speak to. */
  readonly controllerListeners: readonly ListenerPlan[]
}

export interface ProcessPlan {
  /** One of `brokers` if that node is also the controller; null if it is in other processes. */
  readonly controller: NodePlan | null
  readonly brokers: readonly NodePlan[]
  /** Directories that contain a directory for each node; empty for a single node. */
  readonly parentDirs: readonly string[]
}

/**
 * Plans the nodes of the process from the options of `Broker.start`.
 * @throws BadConfig
 */
export function planProcess(options: BrokerOptions, logger: Logger): ProcessPlan {
  const { brokers = 1, properties = {}, settings: strict = {} } = options
  const given = new Map(
    Object.entries({ ...properties, ...strict }).map(([key, value]) => [key, String(value)]),
  )
  const values = valuesOf(options, given)
  const { settings, notBuilt, unknown } = readStaticConfig(values, (key) =>
    Object.hasOwn(strict, key),
  )
  for (const key of notBuilt) logger.warn(`the setting ${key} has no effect yet`, { key })
  for (const { key, hint } of unknown) {
    logger.warn(`the setting ${key} is not known and ignored${hint}`, { key })
  }
  checkAcross(settings)
  const plans = planListeners(settings)
  const hasRoles = given.has('process.roles')
  if (hasRoles) checkRoles(settings, plans)
  const listeners = plans.broker
  if (listeners.length === 0 && settings.list('process.roles').includes('broker')) {
    throw new BadConfig('listeners has none that clients could use')
  }
  if (brokers === 1) return planNode(settings, plans, hasRoles)
  if (hasRoles && settings.list('process.roles').length === 1) {
    throw new BadConfig(`process.roles names one role, and the options ${brokers} brokers`)
  }
  for (const key of ['node.id', 'broker.id']) {
    if (Object.hasOwn(strict, key)) {
      throw new BadConfig(`${key} cannot be set for ${brokers} brokers: theirs are 1 to ${brokers}`)
    }
    if (given.has(key)) logger.warn(`${key} is ignored: the brokers are 1 to ${brokers}`, { key })
  }
  const parentDirs = logDirPaths(settings)
  const nodeOf = (nodeId: number, role: string, dir: string, own: readonly ListenerPlan[]) => {
    const mine = new Map(values)
    setDirs(
      mine,
      parentDirs.map((parent) => `${parent}/${dir}`),
    )
    for (const key of ['node.id', 'broker.id']) mine.set(key, String(nodeId))
    mine.set('process.roles', role)
    mine.set('listeners', own.map(listenerText).join(','))
    const advertised = own.flatMap((one) => one.advertised ?? [])
    if (advertised.length > 0) mine.set('advertised.listeners', advertised.map(listenerText).join())
    const statics = new BrokerSettings(mine)
    return { nodeId, statics, listeners: own, controllerListeners: [] }
  }
  return {
    controller: nodeOf(controllerIdWithBrokers, 'controller', 'controller', []),
    brokers: Array.from({ length: brokers }, (_, i) =>
      nodeOf(
        i + 1,
        'broker',
        `broker${i + 1}`,
        listeners.map((one) => shifted(one, i)),
      ),
    ),
    parentDirs,
  }
}

/** Plans the process of one node, as its `process.roles` say. */
function planNode(
  settings: BrokerSettings,
  { broker, controller }: ListenerPlans,
  hasRoles: boolean,
): ProcessPlan {
  const roles = settings.list('process.roles')
  const node = {
    nodeId: settings.int('node.id'),
    statics: settings,
    listeners: roles.includes('broker') ? broker : [],
    controllerListeners: hasRoles && roles.includes('controller') ? controller : [],
  }
  return {
    controller: roles.includes('controller') ? node : null,
    brokers: roles.includes('broker') ? [node] : [],
    parentDirs: [],
  }
}

/**
 * Merges, in rising precedence: the defaults of a single node (unless the settings set
 * `process.roles`), the settings, the options.
 */
function valuesOf(options: BrokerOptions, given: ReadonlyMap<string, string>): Map<string, string> {
  const describesNode = given.has('process.roles')
  const values = new Map([...(describesNode ? [] : soleNodeDefaults()), ...given])
  setNodeId(values, given)
  const { security } = options
  if (options.port !== undefined || options.host !== undefined || security !== undefined) {
    const host = options.host ?? '127.0.0.1'
    const port = options.port ?? 9092
    const names = wordsOf(values.get('controller.listener.names')).map((one) => one.toUpperCase())
    const ofController = wordsOf(values.get('listeners')).filter((one) =>
      names.includes(one.split('://')[0]!.toUpperCase()),
    )
    const name = security === undefined ? 'PLAINTEXT' : securityOptionsOf(security).protocol
    const ours = listenerText({ name, host, port })
    values.set('listeners', [ours, ...ofController].join(','))
  }
  if (options.memory === true) setDirs(values, [memoryDir])
  else if (options.dataDir !== undefined) setDirs(values, [options.dataDir])
  return values
}

function wordsOf(list: string | undefined): string[] {
  return (list ?? '').split(',').flatMap((word) => (word.trim() === '' ? [] : [word.trim()]))
}

/**
 * Sets `node.id` and its synonym `broker.id`, both shown (`KafkaConfig.populateSynonyms`).
 * @throws BadConfig
 */
function setNodeId(values: Map<string, string>, given: ReadonlyMap<string, string>): void {
  const [nodeId, brokerId] = [given.get('node.id'), given.get('broker.id')]
  if (nodeId !== undefined && brokerId !== undefined && nodeId.trim() !== brokerId.trim()) {
    throw new BadConfig('You must set `node.id` to the same value as `broker.id`.')
  }
  const id = nodeId ?? brokerId ?? values.get('node.id')
  for (const key of id === undefined ? [] : ['node.id', 'broker.id']) values.set(key, id!)
}

function setDirs(values: Map<string, string>, paths: readonly string[]): void {
  values.delete('log.dir')
  values.delete('metadata.log.dir')
  values.set('log.dirs', paths.join(','))
}

function listenerText({ name, host, port }: ListenerAddress): string {
  return `${name}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Returns the listener with ports raised by `by`; port 0 stays 0. */
function shifted(plan: ListenerPlan, by: number): ListenerPlan {
  const move = <T extends ListenerAddress>(one: T): T =>
    one.port === 0 ? one : { ...one, port: one.port + by }
  const { advertised } = plan
  return { ...move(plan), advertised: advertised === null ? null : move(advertised) }
}

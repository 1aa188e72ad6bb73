import type { Logger } from '../../base/logger.ts'
import { BrokerSettings } from '../../metadata/config/settings.ts'
import type { BrokerOptions } from '../broker-options.ts'
import { soleNodeDefaults } from './defaults.ts'
import { type ListenerAddress, type ListenerPlan, planListeners } from './listeners.ts'
import { BadConfig, readStaticConfig } from './static-config.ts'

const memoryDir = '/odradek'

/** More brokers in one process have nothing to gain. */
const brokersMax = 32

/** Node ids that no broker of ours has; Kafka's own test clusters number controllers from here too. */
const controllerIdWithBrokers = 3000

/** A node to be started: its settings, and what it listens on if it is a broker. */
export interface NodePlan {
  readonly nodeId: number
  readonly statics: BrokerSettings
  readonly listeners: readonly ListenerPlan[]
}

export interface ProcessPlan {
  /** One of `brokers` where that is controller as well. */
  readonly controller: NodePlan
  readonly brokers: readonly NodePlan[]
  /** The directories that hold a directory for each node; empty for a sole node. */
  readonly parentDirs: readonly string[]
}

/**
 * What is to be started, from what its starter said.
 * @throws BadConfig
 */
export function planProcess(options: BrokerOptions, logger: Logger): ProcessPlan {
  const { brokers = 1 } = options
  if (!Number.isInteger(brokers) || brokers < 1 || brokers > brokersMax) {
    throw new BadConfig(`brokers must be a whole number from 1 to ${brokersMax}, not ${brokers}`)
  }
  const values = valuesOf(options)
  const { settings, notBuilt } = readStaticConfig(values)
  for (const key of notBuilt) {
    logger.warn(`the setting ${key} has no effect yet`, { key })
  }
  const listeners = planListeners(settings).broker
  if (brokers === 1) {
    const node = { nodeId: settings.int('node.id'), statics: settings, listeners }
    return { controller: node, brokers: [node], parentDirs: [] }
  }
  const parentDirs = settings.list(settings.isSet('log.dirs') ? 'log.dirs' : 'log.dir')
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
    return { nodeId, statics: new BrokerSettings(mine), listeners: own }
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

/**
 * The defaults of a node that is alone, unless the settings describe a node themselves, then the
 * settings, then options.
 */
function valuesOf(options: BrokerOptions): Map<string, string> {
  const given = Object.entries(options.settings ?? {}).map(
    ([key, value]) => [key, String(value)] as const,
  )
  const describesNode = given.some(([key]) => key === 'process.roles')
  const values = new Map([...(describesNode ? [] : soleNodeDefaults()), ...given])
  setNodeId(values, new Map(given))
  if (options.port !== undefined || options.host !== undefined) {
    const host = options.host ?? '127.0.0.1'
    const port = options.port ?? 9092
    values.set('listeners', listenerText({ name: 'PLAINTEXT', host, port }))
    values.delete('advertised.listeners')
  }
  if (options.memory === true) setDirs(values, [memoryDir])
  else if (options.dataDir !== undefined) setDirs(values, [options.dataDir])
  return values
}

/** Two names of one thing, both shown (`KafkaConfig.populateSynonyms`). @throws BadConfig */
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

/** The same listener on a port `by` further up; a free one stays a free one. */
function shifted(plan: ListenerPlan, by: number): ListenerPlan {
  const move = <T extends ListenerAddress>(one: T): T =>
    one.port === 0 ? one : { ...one, port: one.port + by }
  const { advertised } = plan
  return { ...move(plan), advertised: advertised === null ? null : move(advertised) }
}

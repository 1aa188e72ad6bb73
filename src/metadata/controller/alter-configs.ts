import { ApiError, type ErrorName } from '../../protocol/errors.ts'
import { configRecord } from '../../protocol/stored/metadata/04-config-record.ts'
import { type ConfigDefinition, parseConfig } from '../config/definition.ts'
import {
  brokerKeys,
  clientMetricsKeys,
  groupKeys,
  resourceTypes,
  topicKeys,
} from '../config/keys.ts'
import type { Overrides } from '../config/settings.ts'
import { overridesOf } from '../image.ts'
import { metadataRecord } from '../records.ts'
import type { Command, ControllerView } from './controller.ts'
import { clearElrRecords, isElrEnabled, minInsyncReplicas, type SetConfig } from './elr.ts'
import { validateGroup, validateSubscription } from './resource-limits.ts'
import { validateTopicConfigs } from './topic-configs.ts'
import { topicNameFault } from './topic-name.ts'

/** Codes of `AlterConfigOp.OpType` (KIP-339). */
export const configOperations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export interface ConfigChange {
  readonly name: string
  readonly operation: number
  readonly value: string | null
}

export interface ResourceChange {
  readonly type: number
  readonly name: string
  readonly changes: readonly ConfigChange[]
  /** Whether configs not named are reset to their default (AlterConfigs). */
  readonly replacesAll: boolean
}

export interface AlteredResource {
  readonly type: number
  readonly name: string
  readonly error: ErrorName
  readonly errorMessage: string | null
}

/** Resources decided on between two yields. */
const resourcesBetween = 8

/** Changes configs; each resource succeeds or fails alone (`ConfigurationControlManager`). */
export function alterConfigs(
  resources: readonly ResourceChange[],
  options: { readonly validateOnly: boolean },
): Command<AlteredResource[]> {
  return function* (view) {
    const configs: ChangedConfig[] = []
    const alter = (resource: ResourceChange): AlteredResource => {
      const { type, name } = resource
      try {
        configs.push(...alterOne(view, resource))
        return { type, name, error: 'NONE', errorMessage: null }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return { type, name, error: error.reason, errorMessage: error.detail }
      }
    }
    const altered: AlteredResource[] = []
    for (const resource of resources) {
      altered.push(alter(resource))
      if (altered.length % resourcesBetween === 0) yield
    }
    const records = [
      ...configs.map((config) => metadataRecord(configRecord, config)),
      ...clearElrRecords(view.image, configs),
    ]
    return { records: options.validateOnly ? [] : records, answer: altered }
  }
}

type ChangedConfig = SetConfig & { readonly value: string | null }

function alterOne(view: ControllerView, resource: ResourceChange) {
  const { type, name } = resource
  if (type === resourceTypes.broker) checkBrokerName(name)
  const definitions = definitionsOf(type)
  const before = overridesOf(view.image, type, name)
  const after = new Map(resource.replacesAll ? [] : before)
  for (const change of resource.changes) applyChange(after, change, listsOf(type))
  if (type === resourceTypes.broker) checkMinInsync(view, resource, before, after)
  checkName(resource)
  validate(view, resource, after, definitions)
  // Kafka checks that the topic exists after all other checks.
  if (type === resourceTypes.topic && !view.image.topics.has(name)) {
    throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`)
  }
  return changedConfigs(resource, before, after)
}

/**
 * With eligible leader replicas, min.insync.replicas exists only at the cluster level, where it can
 * be changed but not removed (KIP-966).
 */
function checkMinInsync(
  { image }: ControllerView,
  { name, changes }: ResourceChange,
  before: Overrides,
  after: Overrides,
): void {
  const key = minInsyncReplicas
  if (!isElrEnabled(image)) return
  if (name === '' && before.has(key) && !after.has(key)) {
    throw new ApiError(
      'INVALID_CONFIG',
      'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.',
    )
  }
  if (name !== '' && changes.some((change) => change.name === key)) {
    throw new ApiError(
      'INVALID_CONFIG',
      'Broker-level min.insync.replicas cannot be altered while ELR is enabled.',
    )
  }
}

function definitionsOf(type: number): ReadonlyMap<string, ConfigDefinition> {
  switch (type) {
    case resourceTypes.topic:
      return topicKeys
    case resourceTypes.broker:
      return brokerKeys
    case resourceTypes.group:
      return groupKeys
    case resourceTypes.clientMetrics:
      return clientMetricsKeys
    default:
      throw new ApiError('INVALID_REQUEST', `Unknown resource type ${type}`)
  }
}

/**
 * Returns the keys whose lists can be appended to. Kafka's controller knows no types of group and
 * client metrics keys, so their lists cannot.
 */
function listsOf(type: number): ReadonlyMap<string, ConfigDefinition> {
  const hasTypes = type === resourceTypes.topic || type === resourceTypes.broker
  return hasTypes ? definitionsOf(type) : new Map()
}

/** A broker has checked its own settings before it forwards them; its name is checked again. */
function checkBrokerName(name: string): void {
  if (name !== '' && !/^[+-]?\d+$/.test(name)) {
    throw new ApiError('INVALID_REQUEST', 'Unable to parse broker name as a base 10 number.')
  }
  if (Number(name) < 0) throw new ApiError('INVALID_REQUEST', 'Invalid negative broker ID.')
}

/** Checks that a resource may have this name. */
function checkName({ type, name }: ResourceChange): void {
  if (type === resourceTypes.topic) {
    if (name === '')
      throw new ApiError('INVALID_REQUEST', 'Default topic resources are not allowed.')
    const fault = topicNameFault(name)
    if (fault === null) return
    throw new ApiError('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${fault}`)
  }
  if (type === resourceTypes.broker || name !== '') return
  throw new ApiError(
    'INVALID_REQUEST',
    type === resourceTypes.group
      ? 'Default group resources are not allowed.'
      : "Subscription name can't be empty",
  )
}

/**
 * Applies one change to a resource's own values.
 * @throws ApiError if Kafka refuses it, for any key.
 */
export function applyChange(
  overrides: Map<string, string>,
  { name, operation, value }: ConfigChange,
  definitions: ReadonlyMap<string, ConfigDefinition>,
): void {
  if (operation === configOperations.delete) {
    overrides.delete(name)
    return
  }
  if (value === null) {
    throw new ApiError('INVALID_REQUEST', `Null value not supported for : ${name}`)
  }
  if (operation === configOperations.set) {
    overrides.set(name, value)
    return
  }
  const definition = definitions.get(name)
  if (operation !== configOperations.append && operation !== configOperations.subtract) {
    // Kafka fails here without a message.
    throw new ApiError('UNKNOWN_SERVER_ERROR')
  }
  const verb = operation === configOperations.append ? 'APPEND to' : 'SUBTRACT to'
  if (definition === undefined || definition.type !== 'LIST') {
    throw new ApiError('INVALID_CONFIG', `Can't ${verb} key ${name} because its type is not LIST.`)
  }
  // Without an own value Kafka starts from its default, whatever the broker's settings are.
  const current = overrides.get(name) ?? definition.default ?? ''
  const list = current.split(',').filter((word) => word !== '')
  const words = javaSplit(value)
  const isAppend = operation === configOperations.append
  overrides.set(name, (isAppend ? more(list, words) : less(list, words)).join(','))
}

/** Returns the list with missing entries appended. */
function more(list: readonly string[], words: readonly string[]): string[] {
  const listed = new Set(list)
  return [...list, ...new Set(words.filter((word) => !listed.has(word)))]
}

/**
 * Returns the list without the first occurrences of each word, as many as named. Uses a map, as
 * lists may be long.
 */
function less(list: readonly string[], words: readonly string[]): string[] {
  const named = new Map<string, number>()
  for (const word of words) named.set(word, (named.get(word) ?? 0) + 1)
  return list.filter((word) => {
    const left = named.get(word) ?? 0
    named.set(word, left - 1)
    return left <= 0
  })
}

/** Splits like Java's `String.split`: without empty words at the end. */
function javaSplit(text: string): string[] {
  const words = text.split(',')
  while (text !== '' && words.at(-1) === '') words.pop()
  return words
}

function validate(
  { settings }: ControllerView,
  { type }: ResourceChange,
  after: Overrides,
  definitions: ReadonlyMap<string, ConfigDefinition>,
): void {
  if (type === resourceTypes.topic) return validateTopicConfigs(after, settings)
  if (type === resourceTypes.clientMetrics) return validateSubscription(after, definitions)
  // The broker has validated its own configs already: its controller accepts them unchecked.
  if (type === resourceTypes.broker) return
  for (const [key, text] of after) {
    const definition = definitions.get(key)
    if (definition === undefined) {
      throw new ApiError('INVALID_CONFIG', `Unknown group config name: ${key}`)
    }
    parseConfig(definition, text)
  }
  validateGroup(after, settings)
}

/** Brokers are told of settings that did not change, too: their files may have (KAFKA-14136). */
function changedConfigs(
  { type, name: resourceName, changes }: ResourceChange,
  before: Overrides,
  after: Overrides,
): ChangedConfig[] {
  const told = type === resourceTypes.broker ? changes.map(({ name }) => name) : []
  const isTold = (name: string) => told.includes(name) || before.get(name) !== after.get(name)
  const names = new Set([...after.keys(), ...before.keys(), ...told])
  return [...names].filter(isTold).map((name) => ({
    ...{ resourceType: type, resourceName, name },
    value: after.get(name) ?? null,
  }))
}

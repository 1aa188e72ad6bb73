import { type ErrorName, Refusal } from '../../protocol/errors.ts'
import { configRecord } from '../../protocol/stored/metadata/04-config-record.ts'
import { type ConfigDefinition, parseConfig, type UpdateMode } from '../config/definition.ts'
import {
  brokerKeys,
  clientMetricsKeys,
  groupKeys,
  resourceTypes,
  topicKeys,
} from '../config/keys.ts'
import type { Overrides } from '../config/settings.ts'
import { overridesOf } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import type { Command, ControllerView } from './controller.ts'
import { elrFeature } from './features.ts'
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
  /** AlterConfigs: whatever is not named goes back to its default. */
  readonly replacesAll: boolean
}

export interface AlteredResource {
  readonly type: number
  readonly name: string
  readonly error: ErrorName
  readonly errorMessage: string | null
}

/** Changes settings, each resource on its own terms (`ConfigurationControlManager`). */
export function alterConfigs(
  resources: readonly ResourceChange[],
  o: { readonly validateOnly: boolean; readonly brokerId: number },
): Command<AlteredResource[]> {
  return (view) => {
    const records: MetadataRecord[] = []
    const altered = resources.map((resource): AlteredResource => {
      const { type, name } = resource
      try {
        records.push(...alterOne(view, resource, o.brokerId))
        return { type, name, error: 'NONE', errorMessage: null }
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        return { type, name, error: error.reason, errorMessage: error.detail }
      }
    })
    return { records: o.validateOnly ? [] : records, answer: altered }
  }
}

function alterOne(view: ControllerView, resource: ResourceChange, brokerId: number) {
  const { type, name } = resource
  checkResource(view, resource, brokerId)
  const definitions = definitionsOf(type)
  const before = overridesOf(view.image, type, name)
  const after = new Map(resource.replacesAll ? [] : before)
  for (const change of resource.changes) applyChange(after, change, definitions, view)
  if (type === resourceTypes.broker) checkMinInsync(view, resource, before, after)
  validate(view, resource, after, definitions)
  return changedRecords(type, name, before, after)
}

/**
 * With eligible leader replicas min.insync.replicas is the cluster's alone: there it may change, but not
 * go (KIP-966).
 */
function checkMinInsync(
  { image }: ControllerView,
  { name, changes }: ResourceChange,
  before: Overrides,
  after: Overrides,
): void {
  const key = 'min.insync.replicas'
  if ((image.features.get(elrFeature) ?? 0) === 0) return
  if (name === '' && before.has(key) && !after.has(key)) {
    throw new Refusal(
      'INVALID_CONFIG',
      'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.',
    )
  }
  if (name !== '' && changes.some((change) => change.name === key)) {
    throw new Refusal(
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
      throw new Refusal('INVALID_REQUEST', `Unknown resource type ${type}`)
  }
}

function checkResource(
  { image }: ControllerView,
  resource: ResourceChange,
  brokerId: number,
): void {
  const { type, name, changes } = resource
  const names = changes.map((change) => change.name)
  if (new Set(names).size !== names.length) {
    throw new Refusal('INVALID_REQUEST', 'Error due to duplicate config keys')
  }
  if (type === resourceTypes.topic) {
    if (name === '')
      throw new Refusal('INVALID_REQUEST', 'Default topic resources are not allowed.')
    const fault = topicNameFault(name)
    if (fault !== null) {
      throw new Refusal('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${fault}`)
    }
    if (!image.topics.has(name)) {
      throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`)
    }
  } else if (type === resourceTypes.broker) {
    if (!/^[+-]?\d*$/.test(name)) {
      throw new Refusal('INVALID_REQUEST', `Node id must be an integer, but it is: ${name}`)
    }
    if (name !== '' && name !== String(brokerId)) {
      throw new Refusal(
        'INVALID_REQUEST',
        `Unexpected broker id, expected ${brokerId}, but received ${name}`,
      )
    }
  } else if (name === '') {
    throw new Refusal(
      'INVALID_REQUEST',
      type === resourceTypes.group
        ? 'Default group resources are not allowed.'
        : "Subscription name can't be empty",
    )
  }
}

function applyChange(
  overrides: Map<string, string>,
  { name, operation, value }: ConfigChange,
  definitions: ReadonlyMap<string, ConfigDefinition>,
  view: ControllerView,
): void {
  if (operation === configOperations.delete) {
    overrides.delete(name)
    return
  }
  if (value === null) {
    throw new Refusal('INVALID_REQUEST', `Null value not supported for : ${name}`)
  }
  if (operation === configOperations.set) {
    overrides.set(name, value)
    return
  }
  const definition = definitions.get(name)
  if (operation !== configOperations.append && operation !== configOperations.subtract) {
    // Kafka fails at this in a way that has no words.
    throw new Refusal('UNKNOWN_SERVER_ERROR')
  }
  const verb = operation === configOperations.append ? 'APPEND to' : 'SUBTRACT to'
  if (definition === undefined || definition.type !== 'LIST') {
    throw new Refusal('INVALID_CONFIG', `Can't ${verb} key ${name} because its type is not LIST.`)
  }
  const current = overrides.get(name) ?? inherited(definition, view)
  const list = current === '' ? [] : current.split(',')
  const words = value.split(',')
  const changed =
    operation === configOperations.append
      ? [...list, ...words.filter((word) => !list.includes(word))]
      : list.filter((word) => !words.includes(word))
  overrides.set(name, changed.join(','))
}

/** What a list is appended to when the resource has no value of its own. */
function inherited(
  { name, synonym, default: own }: ConfigDefinition,
  { settings }: ControllerView,
) {
  const key = brokerKeys.has(name) ? name : synonym
  return (key === undefined ? own : settings.text(key)) ?? ''
}

function validate(
  { settings }: ControllerView,
  { type, name }: ResourceChange,
  after: Overrides,
  definitions: ReadonlyMap<string, ConfigDefinition>,
): void {
  if (type === resourceTypes.topic) return validateTopicConfigs(after, settings)
  if (type === resourceTypes.clientMetrics) return validateSubscription(after, definitions)
  if (type === resourceTypes.broker) checkUpdatable([...after.keys()], name === '')
  for (const [key, text] of after) {
    const definition = definitions.get(key)
    if (definition !== undefined) checkValue(definition, text, type)
    else if (type !== resourceTypes.broker) {
      throw new Refusal('INVALID_CONFIG', `Unknown group config name: ${key}`)
    }
  }
  if (type === resourceTypes.group) validateGroup(after, settings)
}

/** Of a broker's settings Kafka says that the request is wrong, of others that the setting is. */
function checkValue(definition: ConfigDefinition, text: string, type: number): void {
  try {
    parseConfig(definition, text)
  } catch (error) {
    if (!(error instanceof Refusal) || type !== resourceTypes.broker) throw error
    throw new Refusal('INVALID_REQUEST', error.detail)
  }
}

/** Keys and certificates change with a listener's prefix only (`SslConfigs.RECONFIGURABLE_CONFIGS`). */
const ofListener =
  /^ssl\.(key\.password|keystore\.(type|location|password|key|certificate\.chain)|truststore\.(type|location|password|certificates))$/

/** A broker setting changes at run time only where Kafka lets it (`DynamicBrokerConfig`). */
function checkUpdatable(names: readonly string[], isClusterWide: boolean): void {
  const withMode = (mode: UpdateMode) => names.filter((key) => brokerKeys.get(key)?.update === mode)
  const fixed = withMode('read-only')
  if (fixed.length > 0) {
    throw new Refusal(
      'INVALID_REQUEST',
      `Cannot update these configs dynamically: [${fixed.join(', ')}]`,
    )
  }
  const ofListeners = names.filter((key) => ofListener.test(key))
  if (ofListeners.length > 0) {
    throw new Refusal(
      'INVALID_REQUEST',
      `These security configs can be dynamically updated only per-listener using the listener prefix: [${ofListeners.join(', ')}]`,
    )
  }
  const own = withMode('per-broker')
  if (isClusterWide && own.length > 0) {
    throw new Refusal(
      'INVALID_REQUEST',
      `Cannot update these configs at default cluster level, broker id must be specified: [${own.join(', ')}]`,
    )
  }
}

function changedRecords(
  resourceType: number,
  resourceName: string,
  before: Overrides,
  after: Overrides,
): MetadataRecord[] {
  const record = (name: string, value: string | null) =>
    metadataRecord(configRecord, { resourceType, resourceName, name, value })
  const set = [...after].filter(([name, value]) => before.get(name) !== value)
  const gone = [...before.keys()].filter((name) => !after.has(name))
  return [...set.map(([name, value]) => record(name, value)), ...gone.map((n) => record(n, null))]
}

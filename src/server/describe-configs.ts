import type { Logger } from '../base/logger.ts'
import {
  type ConfigDefinition,
  type ConfigType,
  describedText,
} from '../metadata/config/definition.ts'
import {
  brokerKeys,
  clientMetricsKeys,
  groupKeys,
  resourceTypes,
  topicKeys,
} from '../metadata/config/keys.ts'
import { listenerBaseOf } from '../metadata/config/listener-keys.ts'
import { ownKeys } from '../metadata/config/own-keys.ts'
import {
  type BrokerSettings,
  type ConfigCandidate,
  configSources,
  topicCandidates,
  topicText,
} from '../metadata/config/settings.ts'
import { throttleKeys } from '../metadata/config/throttle-keys.ts'
import { topicNameFault } from '../metadata/controller/topic-name.ts'
import type { Image } from '../metadata/image.ts'
import { overridesOf } from '../metadata/image.ts'
import { ApiError, defaultMessage } from '../protocol/errors.ts'
import { type ConfigKind, documentationFor } from './config/acting.ts'

export interface DescribedConfig {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  readonly configSource: number
  readonly isSensitive: boolean
  readonly synonyms: readonly { name: string; value: string | null; source: number }[]
  readonly configType: number
  readonly documentation: string | null
}

interface Resource {
  readonly resourceType: number
  readonly resourceName: string
  /** null for all keys. */
  readonly configurationKeys: readonly string[] | null
}

/** Codes of `DescribeConfigsResponse.ConfigType`. */
const configTypes: Readonly<Record<ConfigType, number>> = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
}

/** The services of a node, as far as its configs can be described. */
export interface ConfigHolder {
  readonly metadata: { readonly image: Image }
  readonly settings: BrokerSettings
  readonly logger: Logger
  readonly identity: { readonly brokerId: number }
}

/**
 * Returns the settings of one resource, as `ConfigHelper.describeConfigs` lists them.
 * @throws ApiError for a resource that does not exist or belongs to another node.
 */
export function describeResource(resource: Resource, services: ConfigHolder): DescribedConfig[] {
  const { resourceName: name, configurationKeys } = resource
  // In Kafka an empty list also means all keys.
  const keys =
    configurationKeys === null || configurationKeys.length === 0 ? null : new Set(configurationKeys)
  const isAsked = (key: string) => keys === null || keys.has(key)
  switch (resource.resourceType) {
    case resourceTypes.topic:
      return describeTopic(name, isAsked, services)
    case resourceTypes.broker:
      return describeBroker(name, isAsked, services)
    case resourceTypes.brokerLogger:
      checkIsUs(name, services)
      return isAsked(rootLogger) ? [describeRootLogger(services)] : []
    case resourceTypes.group:
      if (name === '') throw new ApiError('INVALID_REQUEST', 'Group name must not be empty')
      return describeOverridable(groupKeys, resourceTypes.group, name, isAsked, services)
    case resourceTypes.clientMetrics:
      if (name === '') {
        throw new ApiError('INVALID_REQUEST', 'Client metrics subscription name must not be empty')
      }
      return describeOverridable(
        clientMetricsKeys,
        resourceTypes.clientMetrics,
        name,
        isAsked,
        services,
      )
    default:
      throw new ApiError('INVALID_REQUEST', defaultMessage('INVALID_REQUEST'))
  }
}

/** Kafka's name for the logger whose level applies by default; here it is the only logger. */
export const rootLogger = 'root'

function describeRootLogger({ logger }: ConfigHolder): DescribedConfig {
  return {
    name: rootLogger,
    value: (logger.level ?? 'info').toUpperCase(),
    readOnly: false,
    configSource: configSources.brokerLogger,
    isSensitive: false,
    synonyms: [],
    configType: 0, // UNKNOWN
    documentation: '',
  }
}

function described(
  kind: ConfigKind,
  definition: ConfigDefinition | undefined,
  name: string,
  candidates: readonly ConfigCandidate[],
  readOnly: boolean,
  value: string | null = candidates[0]?.text ?? null,
): DescribedConfig {
  const isSensitive = definition === undefined || definition.sensitive === true
  const shown = (text: string | null) => (isSensitive ? null : text)
  // A resource's own values are shown parsed, broker values as they were written.
  const own = (one: ConfigCandidate) =>
    definition !== undefined && definition.internal !== true && ownSources.has(one.source)
      ? describedText(definition, one.text)
      : one.text
  const inForce = candidates[0]
  return {
    name,
    value: shown(value),
    readOnly,
    configSource: inForce === undefined ? configSources.default : configSources[inForce.source],
    isSensitive,
    synonyms: candidates
      .filter(({ text, source }) => text !== null || source !== 'default')
      .map((one) => ({
        name: one.name,
        value: shown(own(one)),
        source: configSources[one.source],
      })),
    configType: definition === undefined ? 0 : configTypes[definition.type],
    documentation: documentationFor(kind, name),
  }
}

const ownSources: ReadonlySet<string> = new Set(['topic', 'group', 'clientMetrics'])

function describeTopic(
  topic: string,
  isAsked: (key: string) => boolean,
  { metadata, settings }: ConfigHolder,
): DescribedConfig[] {
  const fault = topicNameFault(topic)
  if (fault !== null) {
    throw new ApiError('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${fault}`)
  }
  if (!metadata.image.topics.has(topic)) throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', '')
  const overrides = overridesOf(metadata.image, resourceTypes.topic, topic)
  return [...topicKeys.values()]
    .filter(({ name, internal }) => isAsked(name) && (internal !== true || overrides.has(name)))
    .map((definition) => {
      const candidates = topicCandidates(definition.name, overrides, settings)
      const text = topicText(definition.name, overrides, settings)
      const value = definition.internal === true ? text : describedText(definition, text)
      return described('topic', definition, definition.name, candidates, false, value)
    })
}

function checkIsUs(name: string, { identity }: ConfigHolder): void {
  if (name === String(identity.brokerId)) return
  throw new ApiError(
    'INVALID_REQUEST',
    `Unexpected broker id, expected ${identity.brokerId} but received ${name}`,
  )
}

function describeBroker(
  name: string,
  isAsked: (key: string) => boolean,
  services: ConfigHolder,
): DescribedConfig[] {
  const { metadata, settings, identity } = services
  if (name === '') {
    const overrides = overridesOf(metadata.image, resourceTypes.broker, '')
    return [...overrides]
      .filter(([key]) => isAsked(key))
      .map(([key, text]) => {
        const candidates = [{ name: key, text, source: 'dynamicDefaultBroker' as const }]
        return described('broker', definitionOf(key), key, candidates, !mayChange(key))
      })
  }
  if (!/^[+-]?\d+$/.test(name)) {
    throw new ApiError('INVALID_REQUEST', `Broker id must be an integer, but it is: ${name}`)
  }
  if (name !== String(identity.brokerId)) {
    throw new ApiError(
      'INVALID_REQUEST',
      `Unexpected broker id, expected ${identity.brokerId} or empty string, but received ${name}`,
    )
  }
  return [...brokerKeys.values()]
    .filter(({ name: key, internal }) => isAsked(key) && (internal !== true || settings.isSet(key)))
    .map((definition) => brokerConfig(definition, settings))
    .concat(furtherConfigs(isAsked, services))
}

/** Whether Kafka counts the key as dynamic (`DynamicBrokerConfig.AllDynamicConfigs`). */
function mayChange(key: string): boolean {
  const update = (brokerKeys.get(key) ?? throttleKeys.get(key))?.update
  return update !== undefined && update !== 'read-only'
}

function definitionOf(key: string): ConfigDefinition | undefined {
  const known = brokerKeys.get(key) ?? throttleKeys.get(key)
  if (known !== undefined) return known
  const base = listenerBaseOf(key)
  return base === null ? undefined : brokerKeys.get(base)
}

/**
 * Returns settings outside the common broker keys, from server.properties or set at run time:
 * settings of one listener, throttle rates, names of plugins, misspelt names. Values of keys
 * unknown to Kafka are hidden.
 */
function furtherConfigs(
  isAsked: (key: string) => boolean,
  services: ConfigHolder,
): DescribedConfig[] {
  const { metadata, settings, identity } = services
  const dynamic = ['', String(identity.brokerId)].flatMap((name) => [
    ...overridesOf(metadata.image, resourceTypes.broker, name).keys(),
  ])
  const names = new Set([...settings.statics.keys(), ...dynamic])
  return [...names]
    .filter((key) => !brokerKeys.has(key) && !ownKeys.has(key) && isAsked(key))
    .map((key) => {
      const base = listenerBaseOf(key)
      const values = settings.valuesOf(base === null ? [key] : [key, base])
      const own = values.slice(values.findIndex((one) => one.name === key))
      return described('broker', definitionOf(key), key, own, !mayChange(key))
    })
}

function brokerConfig(definition: ConfigDefinition, settings: BrokerSettings): DescribedConfig {
  const candidates = settings.candidates(definition.name)
  const isFixed = definition.update === 'read-only'
  const text = settings.effectiveText(definition.name)
  // Internal keys are listed only if set, and shown as written.
  const value = definition.internal === true ? text : describedText(definition, text)
  return described('broker', definition, definition.name, candidates, isFixed, value)
}

/** Returns settings of a group or of client metrics: own override, broker setting, default. */
function describeOverridable(
  keys: ReadonlyMap<string, ConfigDefinition>,
  type: number,
  name: string,
  isAsked: (key: string) => boolean,
  { metadata, settings }: ConfigHolder,
): DescribedConfig[] {
  const overrides = overridesOf(metadata.image, type, name)
  const source = type === resourceTypes.group ? 'group' : 'clientMetrics'
  const kind = type === resourceTypes.group ? 'group' : 'client-metrics'
  // An internal key is listed if it or its broker synonym is set.
  const isSet = ({ name: key, synonym }: ConfigDefinition) =>
    overrides.has(key) || (synonym !== undefined && settings.isSet(synonym))
  return [...keys.values()]
    .filter((one) => isAsked(one.name) && (one.internal !== true || isSet(one)))
    .map((definition) => {
      const own = overrides.get(definition.name)
      const { synonym } = definition
      const candidates: ConfigCandidate[] = [
        ...(own === undefined ? [] : [{ name: definition.name, text: own, source } as const]),
        ...(synonym === undefined ? [] : settings.candidates(synonym)),
        ...(synonym === undefined
          ? [
              {
                name: definition.name,
                text: definition.default ?? null,
                source: 'default',
              } as const,
            ]
          : []),
      ]
      const value =
        definition.internal === true && own !== undefined
          ? own
          : describedText(definition, candidates[0]?.text ?? null)
      const told = described(kind, definition, definition.name, candidates, false, value)
      if (kind === 'group') return told
      // Kafka lists only a subscription's own values as synonyms.
      return {
        ...told,
        synonyms: told.synonyms
          .filter((one) => one.source === told.configSource && own !== undefined)
          .slice(0, 1),
      }
    })
}

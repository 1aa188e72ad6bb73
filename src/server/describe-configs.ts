import type { ConfigDefinition, ConfigType } from '../metadata/config/definition.ts'
import {
  brokerKeys,
  clientMetricsKeys,
  groupKeys,
  resourceTypes,
  topicKeys,
} from '../metadata/config/keys.ts'
import {
  type BrokerSettings,
  type ConfigCandidate,
  configSources,
  topicCandidates,
  topicText,
} from '../metadata/config/settings.ts'
import { topicNameFault } from '../metadata/controller/topic-name.ts'
import { overridesOf } from '../metadata/image.ts'
import { defaultMessage, Refusal } from '../protocol/errors.ts'
import { type ConfigKind, documentationFor } from './config/acting.ts'
import type { Services } from './services.ts'

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
  /** null for all. */
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

/**
 * The settings of one resource, as `ConfigHelper.describeConfigs` lists them.
 * @throws Refusal for a resource that is not there or not ours.
 */
export function describeResource(resource: Resource, services: Services): DescribedConfig[] {
  const { resourceName: name, configurationKeys } = resource
  // Kafka takes an empty list for all, too.
  const keys =
    configurationKeys === null || configurationKeys.length === 0 ? null : configurationKeys
  const isAsked = (key: string) => keys === null || keys.includes(key)
  switch (resource.resourceType) {
    case resourceTypes.topic:
      return describeTopic(name, isAsked, services)
    case resourceTypes.broker:
      return describeBroker(name, isAsked, services)
    case resourceTypes.brokerLogger:
      checkIsUs(name, services)
      return isAsked(rootLogger) ? [describeRootLogger(services)] : []
    case resourceTypes.group:
      if (name === '') throw new Refusal('INVALID_REQUEST', 'Group name must not be empty')
      return describeOverridable(groupKeys, resourceTypes.group, name, isAsked, services)
    case resourceTypes.clientMetrics:
      if (name === '') {
        throw new Refusal('INVALID_REQUEST', 'Client metrics subscription name must not be empty')
      }
      return describeOverridable(
        clientMetricsKeys,
        resourceTypes.clientMetrics,
        name,
        isAsked,
        services,
      )
    default:
      throw new Refusal('INVALID_REQUEST', defaultMessage('INVALID_REQUEST'))
  }
}

/** Our log lines have one level for all; Kafka calls that of what has no level of its own `root`. */
export const rootLogger = 'root'

function describeRootLogger({ logger }: Services): DescribedConfig {
  return {
    name: rootLogger,
    value: (logger.level ?? 'info').toUpperCase(),
    readOnly: false,
    configSource: configSources.brokerLogger,
    isSensitive: false,
    synonyms: [],
    configType: 0, // UNKNOWN
    documentation: null,
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
        value: shown(one.text),
        source: configSources[one.source],
      })),
    configType: definition === undefined ? 0 : configTypes[definition.type],
    documentation: documentationFor(kind, name),
  }
}

function describeTopic(
  topic: string,
  isAsked: (key: string) => boolean,
  { metadata, settings }: Services,
): DescribedConfig[] {
  const fault = topicNameFault(topic)
  if (fault !== null) {
    throw new Refusal('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${fault}`)
  }
  if (!metadata.image.topics.has(topic)) throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION', '')
  const overrides = overridesOf(metadata.image, resourceTypes.topic, topic)
  return [...topicKeys.values()]
    .filter(({ name, internal }) => internal !== true && isAsked(name))
    .map((definition) => {
      const candidates = topicCandidates(definition.name, overrides, settings)
      const value = topicText(definition.name, overrides, settings)
      return described('topic', definition, definition.name, candidates, false, value)
    })
}

function checkIsUs(name: string, { identity }: Services): void {
  if (name === String(identity.brokerId)) return
  throw new Refusal(
    'INVALID_REQUEST',
    `Unexpected broker id, expected ${identity.brokerId} but received ${name}`,
  )
}

function describeBroker(
  name: string,
  isAsked: (key: string) => boolean,
  services: Services,
): DescribedConfig[] {
  const { metadata, settings, identity } = services
  if (name === '') {
    const overrides = overridesOf(metadata.image, resourceTypes.broker, '')
    return [...overrides]
      .filter(([key]) => isAsked(key))
      .map(([key, text]) => {
        const candidates = [{ name: key, text, source: 'dynamicDefaultBroker' as const }]
        return described('broker', brokerKeys.get(key), key, candidates, false)
      })
  }
  if (!/^[+-]?\d+$/.test(name)) {
    throw new Refusal('INVALID_REQUEST', `Broker id must be an integer, but it is: ${name}`)
  }
  if (name !== String(identity.brokerId)) {
    throw new Refusal(
      'INVALID_REQUEST',
      `Unexpected broker id, expected ${identity.brokerId} or empty string, but received ${name}`,
    )
  }
  return [...brokerKeys.values()]
    .filter(({ name: key, internal }) => internal !== true && isAsked(key))
    .map((definition) => brokerConfig(definition, settings))
}

function brokerConfig(definition: ConfigDefinition, settings: BrokerSettings): DescribedConfig {
  const candidates = settings.candidates(definition.name)
  const isFixed = definition.update === 'read-only'
  const value = settings.effectiveText(definition.name)
  return described('broker', definition, definition.name, candidates, isFixed, value)
}

/** Groups and client metrics: overrides of their own, then a broker setting, then the default. */
function describeOverridable(
  keys: ReadonlyMap<string, ConfigDefinition>,
  type: number,
  name: string,
  isAsked: (key: string) => boolean,
  { metadata, settings }: Services,
): DescribedConfig[] {
  const overrides = overridesOf(metadata.image, type, name)
  const source = type === resourceTypes.group ? 'group' : 'clientMetrics'
  const kind = type === resourceTypes.group ? 'group' : 'client-metrics'
  return [...keys.values()]
    .filter(({ name: key, internal }) => internal !== true && isAsked(key))
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
      const told = described(kind, definition, definition.name, candidates, false)
      if (kind === 'group') return told
      // Of a subscription Kafka tells its own values only as synonyms.
      return {
        ...told,
        synonyms: told.synonyms
          .filter((one) => one.source === told.configSource && own !== undefined)
          .slice(0, 1),
      }
    })
}

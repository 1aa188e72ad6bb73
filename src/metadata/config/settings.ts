import { assert } from '../../base/assert.ts'
import { type ConfigDefinition, type ConfigValue, parseConfig } from './definition.ts'
import { brokerKeys, topicKeys } from './keys.ts'
import { ownKeys } from './own-keys.ts'

/** Dynamic configs of a resource, from the metadata image. */
export type Overrides = ReadonlyMap<string, string>
const none: Overrides = new Map()

/** Source of dynamic configs; reads the current image. */
export interface DynamicConfigs {
  /** Configs of all brokers. */
  cluster(): Overrides
  /** Configs of this broker. */
  broker(): Overrides
}

const noDynamicConfigs: DynamicConfigs = { cluster: () => none, broker: () => none }

/** Sources of a value, which decide its precedence, with their codes (`ConfigSource`). */
export const configSources = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  brokerLogger: 6,
  clientMetrics: 7,
  group: 8,
} as const
export type ConfigSource = keyof typeof configSources

const isDynamic = (source: ConfigSource) =>
  source === 'dynamicBroker' || source === 'dynamicDefaultBroker'

/** A possible value of a key, with its source. */
export interface ConfigCandidate {
  readonly name: string
  readonly text: string | null
  readonly source: ConfigSource
}

/**
 * A broker's settings: server.properties, overridden by dynamic configs. Values are parsed on first
 * use; dynamic ones are looked up each time, because they may have changed.
 */
export class BrokerSettings {
  readonly statics: Overrides
  private readonly dynamic: DynamicConfigs
  private readonly parsed = new Map<string, { text: string | null; value: ConfigValue }>()

  constructor(statics: Overrides, dynamic: DynamicConfigs = noDynamicConfigs) {
    this.statics = statics
    this.dynamic = dynamic
  }

  withDynamic(dynamic: DynamicConfigs): BrokerSettings {
    return new BrokerSettings(this.statics, dynamic)
  }

  /** Returns all values of a broker key and its synonyms in other units, the effective first. */
  candidates(name: string): ConfigCandidate[] {
    return fromMainKey(name, this.valuesOf(synonymsOf(name)))
  }

  /** Returns all values of these keys: by descending precedence of source, then in given order. */
  valuesOf(names: readonly string[]): ConfigCandidate[] {
    const { dynamic, statics } = this
    const from = (source: ConfigSource, textOf: (name: string) => string | null | undefined) =>
      names.flatMap((name) => {
        const text = textOf(name)
        return text === undefined ? [] : [{ name, text, source }]
      })
    return [
      ...from('dynamicBroker', (name) => dynamic.broker().get(name)),
      ...from('dynamicDefaultBroker', (name) => dynamic.cluster().get(name)),
      ...from('staticBroker', (name) => statics.get(name)),
      ...from('default', (name) => brokerKeys.get(name)?.default),
    ]
  }

  text(name: string): string | null {
    const { dynamic } = this
    const text = dynamic.broker().get(name) ?? dynamic.cluster().get(name) ?? this.statics.get(name)
    return text ?? definitionOf(name)?.default ?? null
  }

  /**
   * Returns the effective value of a key among its synonyms: once one of them is altered at run
   * time, server.properties no longer counts for the others (`DynamicBrokerConfig.overrideProps`).
   */
  effectiveText(name: string): string | null {
    const altered = this.valuesOf(synonymsOf(name)).filter(({ source }) => isDynamic(source))
    const isOutdone = altered.length > 0 && altered.every((one) => one.name !== name)
    return isOutdone ? (brokerKeys.get(name)?.default ?? null) : this.text(name)
  }

  isSet(name: string): boolean {
    return this.valuesOf([name]).some(({ source, text }) => source !== 'default' && text !== null)
  }

  int(name: string): number {
    const value = this.value(name)
    assert(typeof value === 'number', `${name} is not a number`)
    return value
  }

  bool(name: string): boolean {
    return this.value(name) === true
  }

  string(name: string): string | null {
    const value = this.value(name)
    return value === null ? null : String(value)
  }

  list(name: string): readonly string[] {
    const value = this.value(name)
    return Array.isArray(value) ? value : []
  }

  private value(name: string): ConfigValue {
    const definition = definitionOf(name)
    assert(definition !== undefined, `no broker setting ${name}`)
    const text = this.text(name)
    const known = this.parsed.get(name)
    if (known !== undefined && known.text === text) return known.value
    const value = parseConfig(definition, text)
    this.parsed.set(name, { text, value })
    return value
  }
}

function definitionOf(name: string): ConfigDefinition | undefined {
  return brokerKeys.get(name) ?? ownKeys.get(name)
}

/** Groups of synonymous broker keys, by key; by descending precedence (`DynamicBrokerConfig`). */
const families: ReadonlyMap<string, readonly string[]> = new Map(
  [...topicKeys.values()].flatMap(({ synonyms }) => {
    const names = synonyms?.map(([key]) => key) ?? []
    return names.map((name) => [name, names] as const)
  }),
)

/** Returns a broker key and its synonyms in other units, in descending precedence. */
export function synonymsOf(name: string): readonly string[] {
  return families.get(name) ?? [name]
}

/** Drops values of synonyms before the first value of the key itself, as Kafka does. */
function fromMainKey(name: string, values: readonly ConfigCandidate[]): ConfigCandidate[] {
  const first = values.findIndex((one) => one.name === name && one.text !== null)
  return first < 0 ? [] : values.slice(first)
}

const unitMs = { same: 1, minutes: 60_000, hours: 3_600_000 } as const

/**
 * Returns all values of a topic key, the effective one first (`ConfigHelper`,
 * `ServerTopicConfigSynonyms`).
 */
export function topicCandidates(
  name: string,
  overrides: Overrides,
  broker: BrokerSettings,
): ConfigCandidate[] {
  const definition = topicKeys.get(name)
  if (definition === undefined) return []
  const own = overrides.get(name)
  const ofTopic = own === undefined ? [] : [{ name, text: own, source: 'topic' } as const]
  const main = definition.synonym
  if (main === undefined) return ofTopic
  return [...ofTopic, ...broker.candidates(main).filter(({ text }) => text !== null)]
}

/** Returns the effective text of a topic key, with hours and minutes converted to milliseconds. */
export function topicText(
  name: string,
  overrides: Overrides,
  broker: BrokerSettings,
): string | null {
  const own = overrides.get(name)
  if (own !== undefined) return own
  const definition = topicKeys.get(name)
  assert(definition !== undefined, `no topic setting ${name}`)
  for (const [synonym, unit] of definition.synonyms ?? []) {
    const text = broker.isSet(synonym) ? broker.text(synonym) : null
    if (text === null) continue
    return Number(text) < 0 ? '-1' : String(Number(text) * unitMs[unit])
  }
  const { synonym } = definition
  if (synonym !== undefined && definition.synonyms === undefined && broker.isSet(synonym)) {
    return broker.text(synonym)
  }
  return definition.default ?? null
}

/** Returns the effective value of a topic key. */
export function topicValue(
  name: string,
  overrides: Overrides,
  broker: BrokerSettings,
): ConfigValue {
  return parseConfig(topicKeys.get(name)!, topicText(name, overrides, broker))
}

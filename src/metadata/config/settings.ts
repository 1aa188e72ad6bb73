import { assert } from '../../base/assert.ts'
import { type ConfigDefinition, type ConfigValue, parseConfig } from './definition.ts'
import { brokerKeys, topicKeys } from './keys.ts'
import { ownKeys } from './own-keys.ts'

/** Dynamic values of a resource, as the metadata image has them. */
export type Overrides = ReadonlyMap<string, string>
const none: Overrides = new Map()

/** Where dynamic values come from; answers with the image of the moment. */
export interface DynamicConfigs {
  /** Of all brokers. */
  cluster(): Overrides
  /** Of this broker. */
  broker(): Overrides
}

const noDynamicConfigs: DynamicConfigs = { cluster: () => none, broker: () => none }

/** How strong a value is, and what DescribeConfigs calls it (`ConfigSource` codes). */
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

/** One of the values that a key could have, with where it comes from. */
export interface ConfigCandidate {
  readonly name: string
  readonly text: string | null
  readonly source: ConfigSource
}

/**
 * A broker's settings: what stands in server.properties below what was altered at run time. Values
 * are parsed on first use; dynamic ones are looked up anew, because they may have changed.
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

  /** All values of a broker key and of those that say the same in other units, the one in force first. */
  candidates(name: string): ConfigCandidate[] {
    return fromMainKey(name, this.valuesOf(synonymsOf(name)))
  }

  /** What is said of any of these keys: the strongest source first, and of one source in their order. */
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
   * What a key comes to beside those that say the same: once one of them is altered at run time, what
   * stands in server.properties for the others counts no more (`DynamicBrokerConfig.overrideProps`).
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

/** Broker keys that say the same, by each of them; the strongest first (`DynamicBrokerConfig`). */
const families: ReadonlyMap<string, readonly string[]> = new Map(
  [...topicKeys.values()].flatMap(({ synonyms }) => {
    const names = synonyms?.map(([key]) => key) ?? []
    return names.map((name) => [name, names] as const)
  }),
)

/** A broker key and those that say the same in other units, the strongest first. */
export function synonymsOf(name: string): readonly string[] {
  return families.get(name) ?? [name]
}

/** As Kafka, which lists from the key itself on: what only its synonyms say before is not spoken of. */
function fromMainKey(name: string, values: readonly ConfigCandidate[]): ConfigCandidate[] {
  const first = values.findIndex((one) => one.name === name && one.text !== null)
  return first < 0 ? [] : values.slice(first)
}

const unitMs = { same: 1, minutes: 60_000, hours: 3_600_000 } as const

/** All values of a topic key, the one in force first (`ConfigHelper`, `ServerTopicConfigSynonyms`). */
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

/** The text in force of a topic key, hours and minutes turned into milliseconds. */
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

/** The value in force of a topic key. */
export function topicValue(
  name: string,
  overrides: Overrides,
  broker: BrokerSettings,
): ConfigValue {
  return parseConfig(topicKeys.get(name)!, topicText(name, overrides, broker))
}

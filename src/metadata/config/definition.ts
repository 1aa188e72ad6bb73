import { Refusal } from '../../protocol/errors.ts'

export type ConfigType =
  | 'BOOLEAN'
  | 'STRING'
  | 'INT'
  | 'SHORT'
  | 'LONG'
  | 'DOUBLE'
  | 'LIST'
  | 'CLASS'
  | 'PASSWORD'

/** When a broker setting may change: only at start, for one broker, or for all brokers at once. */
export type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide'

/** One key as Kafka's `ConfigDef` declares it; the tables stand beside this file as JSON. */
export interface ConfigDefinition {
  readonly name: string
  readonly type: ConfigType
  /** Absent where the key must be set. */
  readonly default?: string | null
  readonly required?: boolean
  /** The validator's own text: a range, a list of words, or prose. */
  readonly valid?: string
  readonly update?: UpdateMode
  readonly sensitive?: boolean
  readonly internal?: boolean
  /** The broker key that gives a topic's or group's default. */
  readonly synonym?: string
  /** Where several broker keys stand for one topic key: name and unit, the strongest first. */
  readonly synonyms?: readonly (readonly [string, 'same' | 'minutes' | 'hours'])[]
}

export type ConfigValue = string | number | boolean | readonly string[] | null

/**
 * A key's text as a value of its type.
 * @throws Refusal INVALID_CONFIG with the wording of Kafka's ConfigException.
 */
export function parseConfig(definition: ConfigDefinition, text: string | null): ConfigValue {
  const value = parseType(definition, text)
  if (definition.valid !== undefined) checkValid(definition, definition.valid, value)
  return value
}

function invalid(definition: ConfigDefinition, text: unknown, why: string): Refusal {
  const shown = Array.isArray(text) ? `[${text.join(', ')}]` : String(text)
  return new Refusal(
    'INVALID_CONFIG',
    `Invalid value ${shown} for configuration ${definition.name}: ${why}`,
  )
}

const integerLimits: Partial<Record<ConfigType, readonly [bigint, bigint]>> = {
  SHORT: [-(2n ** 15n), 2n ** 15n - 1n],
  INT: [-(2n ** 31n), 2n ** 31n - 1n],
  LONG: [-(2n ** 63n), 2n ** 63n - 1n],
}

function parseType(definition: ConfigDefinition, text: string | null): ConfigValue {
  if (text === null) return null
  const trimmed = text.trim()
  switch (definition.type) {
    case 'BOOLEAN':
      if (/^true$/i.test(trimmed)) return true
      if (/^false$/i.test(trimmed)) return false
      throw invalid(definition, text, 'Expected value to be either true or false')
    case 'SHORT':
    case 'INT':
    case 'LONG': {
      const [min, max] = integerLimits[definition.type]!
      if (!/^[+-]?\d+$/.test(trimmed) || BigInt(trimmed) < min || BigInt(trimmed) > max) {
        throw invalid(definition, text, `Not a number of type ${definition.type}`)
      }
      return Number(trimmed)
    }
    case 'DOUBLE':
      if (trimmed === '' || Number.isNaN(Number(trimmed))) {
        throw invalid(definition, text, 'Not a number of type DOUBLE')
      }
      return Number(trimmed)
    case 'LIST':
      return trimmed === '' ? [] : trimmed.split(/\s*,\s*/)
    default:
      return trimmed
  }
}

/** Reads the validator's text: the same few forms that Kafka's validators print. */
function checkValid(definition: ConfigDefinition, valid: string, value: ConfigValue): void {
  if (value === null) return
  const range = /^\[(-?[\d.]+),\.\.\.(?:,(-?[\d.]+))?\](?: or (-?\d+))?$/.exec(valid)
  if (range !== null && typeof value === 'number') {
    const [, min, max, or] = range
    if (or !== undefined) {
      if (value === Number(or) || (value >= Number(min) && value <= Number(max))) return
      throw invalid(definition, value, `Value must be between ${min} and ${max} or equal to ${or}`)
    }
    if (value < Number(min)) throw invalid(definition, value, `Value must be at least ${min}`)
    if (max !== undefined && value > Number(max)) {
      throw invalid(definition, value, `Value must be no more than ${max}`)
    }
    return
  }
  const words = /^(\(case insensitive\) )?\[([\w, -]+)\]$/.exec(valid)
  if (words !== null) checkWords(definition, words[2]!.split(', '), words[1] !== undefined, value)
}

/** @throws Refusal INVALID_CONFIG for a list that has an empty word. */
export function mustHaveNoEmpty(name: string, words: readonly string[]): void {
  if (!words.includes('')) return
  throw new Refusal('INVALID_CONFIG', `Configuration '${name}' values must not be empty.`)
}

function checkWords(
  definition: ConfigDefinition,
  words: readonly string[],
  anyCase: boolean,
  value: ConfigValue,
): void {
  const allowed = (one: string) =>
    words.some((word) => (anyCase ? word.toLowerCase() === one.toLowerCase() : word === one))
  if (Array.isArray(value)) {
    mustHaveNoEmpty(definition.name, value)
    const wrong = value.find((one) => !allowed(one))
    if (wrong !== undefined) {
      throw invalid(definition, wrong, `String must be one of: ${words.join(', ')}`)
    }
  } else if (typeof value === 'string' && !allowed(value)) {
    const how = anyCase ? 'String must be one of (case insensitive)' : 'String must be one of'
    throw invalid(definition, value, `${how}: ${words.join(', ')}`)
  }
}

import { javaDouble } from '../../base/java-double.ts'
import { ApiError } from '../../protocol/errors.ts'

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

/** One key as declared in Kafka's `ConfigDef`; the tables are JSON files in this directory. */
export interface ConfigDefinition {
  readonly name: string
  readonly type: ConfigType
  /** Absent if the key is required. */
  readonly default?: string | null
  readonly required?: boolean
  /** The text of Kafka's validator: a range, a list of words, or prose. */
  readonly valid?: string
  readonly update?: UpdateMode
  readonly sensitive?: boolean
  readonly internal?: boolean
  /** The broker key with the default of a topic or group key. */
  readonly synonym?: string
  /** Whether a list needs an entry; other lists may be empty. */
  readonly nonEmpty?: boolean
  /** The broker keys of one topic key, each with its unit, in descending precedence. */
  readonly synonyms?: readonly (readonly [string, 'same' | 'minutes' | 'hours'])[]
}

export type ConfigValue = string | number | boolean | readonly string[] | null

/**
 * Parses the text of a key to its type.
 * @throws ApiError INVALID_CONFIG with the message of Kafka's ConfigException.
 */
export function parseConfig(definition: ConfigDefinition, text: string | null): ConfigValue {
  const value = parseType(definition, text)
  if (Array.isArray(value)) checkList(definition, value)
  if (definition.valid !== undefined) checkValid(definition, definition.valid, value)
  return value
}

/** Whether a list has entries of a special form, whose validator checks nothing else. */
const isOfForms = ({ valid = '' }: ConfigDefinition) => valid !== '' && wordsOf(valid) === null

/** Makes the checks of most lists (`ConfigDef.ValidList`). */
function checkList(definition: ConfigDefinition, words: readonly string[]): void {
  const { name, valid = '' } = definition
  if (isOfForms(definition)) return
  if (definition.nonEmpty === true && words.length === 0) {
    const others = wordsOf(valid) === null ? 'any non-empty value' : valid
    throw new ApiError(
      'INVALID_CONFIG',
      `Configuration '${name}' must not be empty. Valid values include: ${others}`,
    )
  }
  if (wordsOf(valid) === null) mustHaveNoEmpty(name, words)
}

function invalid(definition: ConfigDefinition, text: unknown, why: string): ApiError {
  const shown = Array.isArray(text) ? `[${text.join(', ')}]` : String(text)
  return new ApiError(
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
    case 'DOUBLE': {
      const number = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)[fd]?$/i.exec(trimmed)
      if (number === null) throw invalid(definition, text, 'Not a number of type DOUBLE')
      return Number(number[1])
    }
    case 'LIST': {
      const words = trimmed === '' ? [] : trimmed.split(/\s*,\s*/)
      return isOfForms(definition) ? words : [...new Set(words)]
    }
    default:
      return trimmed
  }
}

/** Parses the permitted words, if the validator's text is a list of words. */
function wordsOf(valid = ''): RegExpExecArray | null {
  return /^(\(case insensitive\) )?\[([\w, -]+)\]$/.exec(valid)
}

/** Returns a value as Kafka describes it, normalized by parsing (`ConfigDef.convertToString`). */
export function describedText(definition: ConfigDefinition, text: string | null): string | null {
  let value: ConfigValue
  try {
    value = parseType(definition, text)
  } catch {
    return text
  }
  if (value === null || text === null) return null
  if (Array.isArray(value)) return value.join(',')
  if (typeof value !== 'number') return String(value)
  // A long may exceed the exact range of a number.
  if (definition.type !== 'DOUBLE') return String(BigInt(text.trim().replace(/^\+/, '')))
  return javaDouble(value)
}

/** Checks a value against the validator's text, in the few forms that Kafka prints. */
function checkValid(definition: ConfigDefinition, valid: string, value: ConfigValue): void {
  if (value === null) return
  const shown = definition.type === 'DOUBLE' ? javaDouble(Number(value)) : value
  const range = /^\[(-?[\d.]+),\.\.\.(?:,(-?[\d.]+))?\](?: or (-?\d+))?$/.exec(valid)
  if (range !== null && typeof value === 'number') {
    const [, min, max, or] = range
    if (or !== undefined) {
      if (value === Number(or) || (value >= Number(min) && value <= Number(max))) return
      throw invalid(definition, shown, `Value must be between ${min} and ${max} or equal to ${or}`)
    }
    if (value < Number(min)) throw invalid(definition, shown, `Value must be at least ${min}`)
    if (max !== undefined && value > Number(max)) {
      throw invalid(definition, shown, `Value must be no more than ${max}`)
    }
    return
  }
  const words = wordsOf(valid)
  if (words !== null) checkWords(definition, words[2]!.split(', '), words[1] !== undefined, value)
}

/** @throws ApiError INVALID_CONFIG for a list with an empty entry. */
export function mustHaveNoEmpty(name: string, words: readonly string[]): void {
  if (!words.includes('')) return
  throw new ApiError('INVALID_CONFIG', `Configuration '${name}' values must not be empty.`)
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
    const wrong = value.find((one) => !allowed(one))
    if (wrong === '') mustHaveNoEmpty(definition.name, value)
    if (wrong !== undefined) {
      throw invalid(definition, wrong, `String must be one of: ${words.join(', ')}`)
    }
  } else if (typeof value === 'string' && !allowed(value)) {
    const how = anyCase ? 'String must be one of (case insensitive)' : 'String must be one of'
    throw invalid(definition, value, `${how}: ${words.join(', ')}`)
  }
}

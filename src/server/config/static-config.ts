import { parseConfig } from '../../metadata/config/definition.ts'
import { brokerKeys } from '../../metadata/config/keys.ts'
import { ownKeys } from '../../metadata/config/own-keys.ts'
import { BrokerSettings } from '../../metadata/config/settings.ts'
import { Refusal } from '../../protocol/errors.ts'
import { actingKeys, isWithoutMeaning } from './acting-keys.ts'

/** A setting that cannot be: the message names the key, and the broker does not start. */
export class BadConfig extends Error {
  override readonly name = 'BadConfig'
}

/** Keys of Kafka that are made up of others: a listener's or a mechanism's own settings. */
const prefixes = ['listener.name.', 'sasl.mechanism.', 'metrics.', 'confluent.', 'rsm.', 'rlmm.']

export interface StaticConfig {
  readonly settings: BrokerSettings
  /** Known keys that were set and do nothing here yet. */
  readonly notBuilt: readonly string[]
}

/**
 * Checks every key and value before anything is opened.
 * @throws BadConfig for an unknown key or a value of the wrong type.
 */
export function readStaticConfig(values: ReadonlyMap<string, string>): StaticConfig {
  const notBuilt: string[] = []
  for (const [key, text] of values) {
    const definition = brokerKeys.get(key) ?? ownKeys.get(key)
    if (definition === undefined) {
      if (prefixes.some((prefix) => key.startsWith(prefix))) notBuilt.push(key)
      else throw new BadConfig(unknownKey(key))
      continue
    }
    try {
      parseConfig(definition, text)
    } catch (error) {
      if (error instanceof Refusal) throw new BadConfig(error.detail ?? key)
      throw error
    }
    if (
      !actingKeys.has(key) &&
      !ownKeys.has(key) &&
      !isWithoutMeaning(key) &&
      text !== definition.default
    ) {
      notBuilt.push(key)
    }
  }
  return { settings: new BrokerSettings(values), notBuilt }
}

function unknownKey(key: string): string {
  const close = [...brokerKeys.keys(), ...ownKeys.keys()].find((known) => distance(known, key) <= 2)
  return `unknown setting ${key}${close === undefined ? '' : `; did you mean ${close}?`}`
}

/** Levenshtein's, for a hint at a misspelt key. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, change))
    }
    row = next
  }
  return row[b.length]!
}

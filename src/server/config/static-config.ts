import { describedText, parseConfig } from '../../metadata/config/definition.ts'
import { brokerKeys } from '../../metadata/config/keys.ts'
import { listenerBaseOf } from '../../metadata/config/listener-keys.ts'
import { ownKeys } from '../../metadata/config/own-keys.ts'
import { BrokerSettings } from '../../metadata/config/settings.ts'
import { ApiError } from '../../protocol/errors.ts'
import { didYouMean } from './nearest-name.ts'
import { isWithoutMeaning, supportedKeys } from './supported-keys.ts'

/** An invalid setting: the message names the key, and the broker does not start. */
export class BadConfig extends Error {
  override readonly name = 'BadConfig'
}

/** Settings of classes that Kafka loads by name; not in its key table (`StandardAuthorizer`). */
const ofAuthorizer: ReadonlySet<string> = new Set(['super.users', 'allow.everyone.if.no.acl.found'])

/** Prefixes of Kafka's composed keys, as the settings of one listener or one SASL mechanism. */
const prefixes = ['listener.name.', 'sasl.mechanism.', 'metrics.', 'confluent.', 'rsm.', 'rlmm.']

/** Whether a listener's own setting acts. */
function isBuilt(key: string): boolean {
  const base = listenerBaseOf(key)
  return base !== null && supportedKeys.has(base)
}

export interface StaticConfig {
  readonly settings: BrokerSettings
  /** Known keys that were set and have no effect here yet. */
  readonly notBuilt: readonly string[]
  /** Unknown keys, each with the nearest known one: `; did you mean num.partitions?`. */
  readonly unknown: readonly { readonly key: string; readonly hint: string }[]
}

/**
 * Checks every key and value before anything is opened.
 * @param isStrict whether an unknown key is refused; else it is ignored.
 * @throws BadConfig for a refused key or a value of the wrong type.
 */
export function readStaticConfig(
  values: ReadonlyMap<string, string>,
  isStrict: (key: string) => boolean,
): StaticConfig {
  const notBuilt: string[] = []
  const unknown: { key: string; hint: string }[] = []
  for (const [key, text] of values) {
    const definition = brokerKeys.get(key) ?? ownKeys.get(key)
    if (definition === undefined) {
      if (ofAuthorizer.has(key) || isBuilt(key)) continue
      if (prefixes.some((prefix) => key.startsWith(prefix))) {
        notBuilt.push(key)
        continue
      }
      const hint = didYouMean(key, knownKeys())
      if (isStrict(key)) throw new BadConfig(`unknown setting ${key}${hint}`)
      unknown.push({ key, hint })
      continue
    }
    try {
      parseConfig(definition, text)
    } catch (error) {
      if (error instanceof ApiError) throw new BadConfig(error.detail ?? key)
      throw error
    }
    if (
      !supportedKeys.has(key) &&
      !ownKeys.has(key) &&
      !isWithoutMeaning(key) &&
      describedText(definition, text) !== describedText(definition, definition.default ?? null)
    ) {
      notBuilt.push(key)
    }
  }
  return { settings: new BrokerSettings(values), notBuilt, unknown }
}

function* knownKeys(): Iterable<string> {
  yield* brokerKeys.keys()
  yield* ownKeys.keys()
  yield* ofAuthorizer
}

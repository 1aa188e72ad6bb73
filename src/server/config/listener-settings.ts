import { type ConfigValue, parseConfig } from '../../metadata/config/definition.ts'
import { brokerKeys } from '../../metadata/config/keys.ts'
import type { BrokerSettings } from '../../metadata/config/settings.ts'
import { ApiError } from '../../protocol/errors.ts'
import { BadConfig } from './static-config.ts'

/** Settings as one SASL mechanism of a listener has them. */
export interface MechanismSettings {
  text(key: string): string | null
  int(key: string): number
  list(key: string): readonly string[]
}

/** @throws BadConfig for a value that is not of the key's type. */
function parse(key: string, text: string | null): ConfigValue {
  try {
    return parseConfig(brokerKeys.get(key)!, text)
  } catch (error) {
    if (error instanceof ApiError) throw new BadConfig(error.detail ?? key)
    throw error
  }
}

const textOf = (value: ConfigValue): string | null => (value === null ? null : String(value))
const listOf = (value: ConfigValue): readonly string[] => (Array.isArray(value) ? value : [])

/**
 * The settings of one listener: `listener.name.NAME.KEY` wins over `KEY`. Read at each use, because
 * some may change at run time.
 */
export class ListenerSettings {
  private readonly settings: BrokerSettings
  private readonly prefix: string

  constructor(settings: BrokerSettings, listenerName: string) {
    this.settings = settings
    this.prefix = `listener.name.${listenerName.toLowerCase()}.`
  }

  /** The listener's own value, or that of all listeners; null if neither is set. */
  text(key: string): string | null {
    return textOf(parse(key, this.typed(key)))
  }

  /**
   * A setting of one SASL mechanism: `listener.name.NAME.MECHANISM.KEY`; never without a listener.
   */
  textOfMechanism(mechanism: string, key: string): string | null {
    return textOf(parse(key, this.typedOfMechanism(mechanism, key)))
  }

  list(key: string): readonly string[] {
    return listOf(parse(key, this.typed(key)))
  }

  /** A view in which the settings of one SASL mechanism win over those of the listener. */
  ofMechanism(mechanism: string): MechanismSettings {
    const value = (key: string) =>
      parse(key, this.typedOfMechanism(mechanism, key) ?? this.typed(key))
    return {
      text: (key) => textOf(value(key)),
      int: (key) => Number(value(key)),
      list: (key) => listOf(value(key)),
    }
  }

  private typed(key: string): string | null {
    return this.settings.text(this.prefix + key) ?? this.settings.text(key)
  }

  private typedOfMechanism(mechanism: string, key: string): string | null {
    return this.settings.text(`${this.prefix}${mechanism.toLowerCase()}.${key}`)
  }
}

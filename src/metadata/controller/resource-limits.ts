import { Refusal } from '../../protocol/errors.ts'
import { parseClientMatch } from '../client-match.ts'
import { type ConfigDefinition, mustHaveNoEmpty, parseConfig } from '../config/definition.ts'
import type { BrokerSettings, Overrides } from '../config/settings.ts'

/** Settings of groups that the broker's own settings keep within a range. */
const bounded: Readonly<Record<string, string>> = {
  'consumer.session.timeout.ms': 'group.consumer.#.session.timeout.ms',
  'consumer.heartbeat.interval.ms': 'group.consumer.#.heartbeat.interval.ms',
}

/** @throws Refusal INVALID_CONFIG for a value that the broker does not let a group have. */
export function validateGroup(overrides: Overrides, settings: BrokerSettings): void {
  for (const [key, pattern] of Object.entries(bounded)) {
    const text = overrides.get(key)
    if (text === undefined) continue
    const [min, max] = ['min', 'max'].map((end) => settings.int(pattern.replace('#', end)))
    if (Number(text) >= min! && Number(text) <= max!) continue
    throw new Refusal('INVALID_CONFIG', `${key} must be in the range ${min} to ${max} inclusive.`)
  }
}

const intervalMsMin = 100
const intervalMsMax = 3_600_000

/** @throws Refusal INVALID_REQUEST | INVALID_CONFIG with Kafka's words. */
export function validateSubscription(
  overrides: Overrides,
  definitions: ReadonlyMap<string, ConfigDefinition>,
): void {
  for (const [key, text] of overrides) {
    const definition = definitions.get(key)
    if (definition === undefined) {
      throw new Refusal('INVALID_REQUEST', `Unknown client metrics configuration: ${key}`)
    }
    const value = parseConfig(definition, text)
    if (Array.isArray(value)) mustHaveNoEmpty(key, value)
  }
  const interval = overrides.get('interval.ms')
  if (
    interval !== undefined &&
    !(Number(interval) >= intervalMsMin && Number(interval) <= intervalMsMax)
  ) {
    throw new Refusal(
      'INVALID_REQUEST',
      `Invalid value ${interval} for interval.ms, interval must be between ${intervalMsMin} and ` +
        `${intervalMsMax} (1 hour)`,
    )
  }
  parseClientMatch(overrides.get('match') ?? '')
}

import { ApiError } from '../../protocol/errors.ts'
import { parseClientMatch } from '../client-match.ts'
import { type ConfigDefinition, mustHaveNoEmpty, parseConfig } from '../config/definition.ts'
import type { BrokerSettings, Overrides } from '../config/settings.ts'

/** Group configs with bounds in the broker's settings. */
const bounded: Readonly<Record<string, string>> = {
  'consumer.session.timeout.ms': 'group.consumer.#.session.timeout.ms',
  'consumer.heartbeat.interval.ms': 'group.consumer.#.heartbeat.interval.ms',
  'share.session.timeout.ms': 'group.share.#.session.timeout.ms',
  'share.heartbeat.interval.ms': 'group.share.#.heartbeat.interval.ms',
  'share.delivery.count.limit': 'group.share.#.delivery.count.limit',
  'share.partition.max.record.locks': 'group.share.#.partition.max.record.locks',
  'share.record.lock.duration.ms': 'group.share.#.record.lock.duration.ms',
  'streams.session.timeout.ms': 'group.streams.#.session.timeout.ms',
  'streams.heartbeat.interval.ms': 'group.streams.#.heartbeat.interval.ms',
  'consumer.assignment.interval.ms': 'group.consumer.#.assignment.interval.ms',
  'share.assignment.interval.ms': 'group.share.#.assignment.interval.ms',
  'streams.assignment.interval.ms': 'group.streams.#.assignment.interval.ms',
}

function refuse(holds: boolean, otherwise: string): void {
  if (!holds) throw new ApiError('INVALID_CONFIG', otherwise)
}

/** @throws ApiError INVALID_CONFIG for a value outside the broker's bounds. */
export function validateGroup(overrides: Overrides, settings: BrokerSettings): void {
  for (const [key, pattern] of Object.entries(bounded)) {
    const text = overrides.get(key)
    if (text === undefined) continue
    const [min, max] = ['min', 'max'].map((end) => settings.int(pattern.replace('#', end)))
    if (Number(text) >= min! && Number(text) <= max!) continue
    throw new ApiError('INVALID_CONFIG', `${key} must be in the range ${min} to ${max} inclusive.`)
  }
  validateStreams(overrides, settings)
  validateReset(overrides.get('share.auto.offset.reset')?.trim())
}

/** Checks the bounds of Kafka Streams groups (KIP-1071). */
function validateStreams(overrides: Overrides, settings: BrokerSettings): void {
  const of = (name: string) => overrides.get(`streams.${name}`)
  for (const name of ['num.standby.replicas', 'num.warmup.replicas']) {
    const most = settings.int(`group.streams.${name.replace('num', 'max')}`)
    const why = `streams.${name} must be less than or equal to ${most}`
    refuse(Number(of(name) ?? 0) <= most, why)
  }
  const intervalMsMin = settings.int('group.streams.min.task.offset.interval.ms')
  refuse(
    Number(of('task.offset.interval.ms') ?? intervalMsMin) >= intervalMsMin,
    `streams.task.offset.interval.ms must be greater than or equal to ${intervalMsMin}`,
  )
  const assignor = of('assignor.name')?.trim()
  const known = settings.list('group.streams.assignors')
  refuse(
    assignor === undefined || known.includes(assignor),
    `streams.assignor.name '${assignor}' is not a registered task assignor. ` +
      `Registered assignors are: [${known.join(', ')}].`,
  )
  const tags = (of('rack.aware.assignment.tags') ?? '').split(',').map((tag) => tag.trim())
  refuse(
    new Set(tags).size === tags.length,
    'streams.rack.aware.assignment.tags must not contain duplicate tag keys.',
  )
}

/** A non-negative duration in Java's format, from days to seconds. */
const duration = /^by_duration:P(?!$)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d{0,9})?S)?)?$/i

function validateReset(text: string | undefined): void {
  if (text === undefined || text === 'earliest' || text === 'latest' || duration.test(text)) return
  const name = 'share.auto.offset.reset'
  throw new ApiError(
    'INVALID_CONFIG',
    `Invalid value ${text} for configuration ${name}: Invalid value \`${text}\` for configuration ${name}. ` +
      "The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.",
  )
}

const intervalMsMin = 100
const intervalMsMax = 3_600_000

/** @throws ApiError INVALID_REQUEST | INVALID_CONFIG with Kafka's messages. */
export function validateSubscription(
  overrides: Overrides,
  definitions: ReadonlyMap<string, ConfigDefinition>,
): void {
  for (const [key, text] of overrides) {
    const definition = definitions.get(key)
    if (definition === undefined) {
      throw new ApiError('INVALID_REQUEST', `Unknown client metrics configuration: ${key}`)
    }
    const value = parseConfig(definition, text)
    if (Array.isArray(value)) mustHaveNoEmpty(key, value)
  }
  const interval = overrides.get('interval.ms')?.trim()
  if (
    interval !== undefined &&
    !(Number(interval) >= intervalMsMin && Number(interval) <= intervalMsMax)
  ) {
    throw new ApiError(
      'INVALID_REQUEST',
      `Invalid value ${interval} for interval.ms, interval must be between ${intervalMsMin} and ` +
        `${intervalMsMax} (1 hour)`,
    )
  }
  parseClientMatch(overrides.get('match') ?? '')
}

import type { BrokerSettings } from '../../metadata/config/settings.ts'
import { checkAuthorizer } from './authorizer-settings.ts'
import { logDirPaths } from './log-dir-paths.ts'
import { BadConfig } from './static-config.ts'

function demand(holds: boolean, otherwise: string): void {
  if (!holds) throw new BadConfig(otherwise)
}

/**
 * Checks settings against each other, in the order and with the messages of Kafka's
 * `KafkaConfig.validateValues` and `GroupCoordinatorConfig`.
 * @throws BadConfig
 */
export function checkAcross(settings: BrokerSettings): void {
  checkGroups(settings, 'consumer')
  checkGroups(settings, 'share')
  checkGroups(settings, 'streams')
  checkLogs(settings)
  checkReplication(settings)
  checkConnections(settings)
  checkAuthorizer(settings)
  checkQuotaCallback(settings)
  const codec = settings.int('offsets.topic.compression.codec')
  demand(codec >= 0 && codec <= 4, `Unknown compression type id: ${codec}`)
}

/** Checks heartbeat, session timeout and assignment interval of a group type against bounds. */
function checkGroups(settings: BrokerSettings, kind: string): void {
  const key = (name: string) => `group.${kind}.${name}`
  const of = (name: string) => settings.int(key(name))
  for (const name of ['heartbeat.interval.ms', 'session.timeout.ms', 'assignment.interval.ms']) {
    const [min, max] = [`min.${name}`, `max.${name}`]
    demand(of(max) >= of(min), `${key(max)} must be greater than or equal to ${key(min)}`)
    demand(of(name) >= of(min), `${key(name)} must be greater than or equal to ${key(min)}`)
    demand(of(name) <= of(max), `${key(name)} must be less than or equal to ${key(max)}`)
  }
  demand(
    of('heartbeat.interval.ms') < of('session.timeout.ms'),
    `${key('heartbeat.interval.ms')} must be less than ${key('session.timeout.ms')}`,
  )
}

const hourMs = 3_600_000
const minuteMs = 60_000

/**
 * Returns in ms the first setting that is set; `names` pairs each with its unit in ms, finest
 * first. A negative value means unlimited and gives -1.
 */
function timeMs(settings: BrokerSettings, names: readonly (readonly [string, number])[]): number {
  const set = names.find(([name]) => settings.isSet(name)) ?? names[names.length - 1]!
  const value = settings.int(set[0])
  return value < 0 ? -1 : value * set[1]
}

function checkLogs(settings: BrokerSettings): void {
  const rollMs = timeMs(settings, [
    ['log.roll.ms', 1],
    ['log.roll.hours', hourMs],
  ])
  demand(rollMs >= 1, 'log.roll.ms must be greater than or equal to 1')
  const jitterMs = timeMs(settings, [
    ['log.roll.jitter.ms', 1],
    ['log.roll.jitter.hours', hourMs],
  ])
  demand(jitterMs >= 0, 'log.roll.jitter.ms must be greater than or equal to 0')
  const retentionMs = timeMs(settings, [
    ['log.retention.ms', 1],
    ['log.retention.minutes', minuteMs],
    ['log.retention.hours', hourMs],
  ])
  demand(
    retentionMs >= 1 || retentionMs === -1,
    'log.retention.ms must be unlimited (-1) or, greater than or equal to 1',
  )
  const dirs = logDirPaths(settings)
  demand(
    dirs.length > 0 && dirs.every((dir) => dir !== ''),
    'At least one log directory must be defined via log.dirs or log.dir.',
  )
  const buffer = settings.int('log.cleaner.dedupe.buffer.size')
  demand(
    buffer / settings.int('log.cleaner.threads') > 1024 * 1024,
    'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
  )
}

function checkReplication(settings: BrokerSettings): void {
  const waitMs = settings.int('replica.fetch.wait.max.ms')
  demand(
    waitMs <= settings.int('replica.socket.timeout.ms'),
    'replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent unnecessary socket timeouts',
  )
  demand(
    waitMs <= settings.int('replica.lag.time.max.ms'),
    'replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent frequent changes in ISR',
  )
}

/** Without the class that decides on quotas, clients would have others than they should. */
function checkQuotaCallback(settings: BrokerSettings): void {
  const name = settings.string('client.quota.callback.class') ?? ''
  if (name === '') return
  throw new BadConfig(`client.quota.callback.class: the class ${name} is not supported`)
}

function checkConnections(settings: BrokerSettings): void {
  const queuedBytes = settings.int('queued.max.request.bytes')
  demand(
    queuedBytes <= 0 || queuedBytes >= settings.int('socket.request.max.bytes'),
    'queued.max.request.bytes must be larger or equal to socket.request.max.bytes',
  )
  demand(
    settings.int('max.connections.per.ip') !== 0 ||
      settings.string('max.connections.per.ip.overrides') !== '',
    'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.',
  )
  for (const entry of settings.string('max.connections.per.ip.overrides')?.split(',') ?? []) {
    if (entry.trim() === '') continue
    demand(
      /^[\w.:%-]+:\s*[+-]?\d+$/.test(entry.trim()),
      `max.connections.per.ip.overrides: "${entry}" is not host:number`,
    )
  }
  const idleMs = settings.int('connections.max.idle.ms')
  const delayMs = settings.int('connection.failed.authentication.delay.ms')
  demand(
    idleMs < 0 || delayMs < idleMs,
    `connection.failed.authentication.delay.ms=${delayMs} should always be less than ` +
      `connections.max.idle.ms=${idleMs} to prevent failed authentication responses from timing out`,
  )
}

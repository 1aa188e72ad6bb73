import type { BrokerSettings } from '../../metadata/config/settings.ts'
import { ApiError } from '../../protocol/errors.ts'
import { checkAcross } from './cross-checks.ts'
import { planListeners } from './listeners.ts'
import { logDirPaths } from './log-dir-paths.ts'
import { BadConfig } from './static-config.ts'

/**
 * Checks whether a running broker may change its settings: it could start with them, and its parts
 * accept the change (`DynamicBrokerConfig.processReconfiguration`).
 * @throws ApiError INVALID_REQUEST with Kafka's messages.
 */
export function checkReconfiguration(before: BrokerSettings, after: BrokerSettings): void {
  const changes = (key: string) => before.text(key) !== after.text(key)
  checkStart(before, after)
  try {
    if (changes('metric.reporters')) checkReporters(after)
    checkThreads(before, after)
    checkCleaner(before, after)
    checkLocalRetention(after)
    checkOpenListeners(before, after)
  } catch (error) {
    throw inKafkasWords(error)
  }
}

/** Waits for a part's own check of a change. @throws (rejects) as `checkReconfiguration` */
export async function checkParts(check: () => Promise<void>): Promise<void> {
  try {
    await check()
  } catch (error) {
    throw inKafkasWords(error)
  }
}

function inKafkasWords(error: unknown): unknown {
  if (!(error instanceof BadConfig)) return error
  return new ApiError(
    'INVALID_REQUEST',
    `Invalid value org.apache.kafka.common.config.ConfigException: ${error.message} for configuration Invalid dynamic configuration`,
  )
}

/** Runs the checks of a broker's start (`KafkaConfig`). */
function checkStart(before: BrokerSettings, after: BrokerSettings): void {
  checkPairs(after, 'max.connections.per.ip.overrides')
  checkPairs(after, 'listener.security.protocol.map')
  try {
    checkAcross(after)
    checkListeners(before, after)
    checkCordoned(after)
  } catch (error) {
    if (!(error instanceof BadConfig)) throw error
    // Kafka's group checks are Java; in the others, Scala's `require` adds this prefix.
    const isOfGroups = error.message.startsWith('group.')
    const detail = isOfGroups ? error.message : `requirement failed: ${error.message}`
    throw new ApiError('INVALID_REQUEST', detail)
  }
}

/** Checks a list of `name:value`. @throws ApiError INVALID_REQUEST for an entry without a colon. */
function checkPairs(settings: BrokerSettings, key: string): void {
  const entries = settings.string(key)?.split(',') ?? []
  const odd = entries.map((entry) => entry.trim()).find((one) => one !== '' && !one.includes(':'))
  if (odd === undefined) return
  throw new ApiError(
    'INVALID_REQUEST',
    `Error parsing configuration property '${key}': begin 0, end -1, length ${odd.length}`,
  )
}

/** Checks changed listeners as at a start, which opens them. @throws BadConfig */
function checkListeners(before: BrokerSettings, after: BrokerSettings): void {
  const keys = ['listeners', 'listener.security.protocol.map']
  if (keys.every((key) => before.statics.get(key) === after.statics.get(key))) return
  const { broker, controller } = planListeners(after)
  const isController = after.list('process.roles').includes('controller')
  if (isController && after.isSet('controller.listener.names') && controller.length === 0) {
    throw new BadConfig(
      "controller.listener.names must contain at least one value appearing in the 'listeners' configuration when running the KRaft controller role",
    )
  }
  const shown = (plans: typeof broker) =>
    plans.map(({ name, host, port, protocol }) => `${name}://${host}:${port} ${protocol}`).join()
  const known = planListeners(before)
  if (shown(broker) === shown(known.broker) && shown(controller) === shown(known.controller)) return
  throw new BadConfig('listeners that change while a broker runs are not built yet')
}

/** Settings that Kafka watches for changes of listeners (`DynamicListenerConfig`). */
const watched =
  /^(principal\.builder\.class|ssl\.(protocol|provider|cipher\.suites|enabled\.protocols|(key|trust)(store\.(type|location|password)|manager\.algorithm)|key\.password|endpoint\.identification\.algorithm|secure\.random\.implementation|client\.auth|engine\.factory\.class)|sasl\.(mechanism\.inter\.broker\.protocol|jaas\.config|enabled\.mechanisms|kerberos\.[a-z.]+|login\.refresh\.[a-z.]+)|max\.connections|max\.connection\.creation\.rate|num\.network\.threads)$/
/** Settings of a single listener that may change while it is open. */
const ofOpenListener =
  /^(ssl\.(key|trust)store\.|ssl\.key\.password$|max\.connection|num\.network\.threads$)/

/**
 * An open listener keeps its other settings. As in Kafka this is only noticed when a setting of all
 * listeners changes, too; by itself such a change is stored for the next start.
 */
function checkOpenListeners(before: BrokerSettings, after: BrokerSettings): void {
  const names = new Set([...before.statics.keys(), ...after.statics.keys()])
  const changed = [...names].filter((key) => before.statics.get(key) !== after.statics.get(key))
  if (!changed.some((key) => watched.test(key))) return
  for (const { name } of planListeners(after).broker) {
    const prefix = `listener.name.${name.toLowerCase()}.`
    const isFixed = (key: string) =>
      key.startsWith(prefix) && !ofOpenListener.test(key.slice(prefix.length))
    if (!changed.some(isFixed)) continue
    throw new BadConfig(
      `Configs cannot be updated dynamically for existing listener ListenerName(${name}), restart broker or create a new listener for update`,
    )
  }
}

function checkCordoned(settings: BrokerSettings): void {
  const dirs = logDirPaths(settings)
  const cordoned = settings.list('cordoned.log.dirs')
  const missing = cordoned.filter((dir) => dir !== '*' && !dirs.includes(dir))
  if (missing.length === 0) return
  throw new BadConfig(
    'All entries in cordoned.log.dirs must be present in log.dirs or log.dir. ' +
      `Missing entries : ${missing.join(', ')}`,
  )
}

/** The only metrics reporter that comes with Kafka. */
const reporter = 'org.apache.kafka.common.metrics.JmxReporter'

function checkReporters(settings: BrokerSettings): void {
  if (settings.list('metric.reporters').every((name) => name === reporter)) return
  throw new BadConfig(
    'Validation of dynamic config update of Set(metric.reporters) failed with class class kafka.server.DynamicMetricsReporters',
  )
}

/** Thread pools that may at most double or halve at a time (`DynamicThreadPool`). */
const pools =
  /^(listener\.name\.[^.]*\.)?num\.network\.threads$|^(num\.(io\.threads|replica\.fetchers|recovery\.threads\.per\.data\.dir)|background\.threads|remote\.log\.(manager\.(copier|expiration|follower)\.thread\.pool\.size|reader\.threads))$/

function checkThreads(before: BrokerSettings, after: BrokerSettings): void {
  for (const key of after.statics.keys()) {
    if (!pools.test(key)) continue
    const base = key.startsWith('listener.') ? 'num.network.threads' : key
    const now = before.text(key) === null ? before.int(base) : Number(before.text(key))
    const next = Number(after.text(key))
    const failed = `Dynamic thread count update validation failed for ${base}=${next}`
    if (next < Math.floor(now / 2)) {
      throw new BadConfig(`${failed}, value should be at least half the current value ${now}`)
    }
    if (next > now * 2) {
      throw new BadConfig(
        `${failed}, value should not be greater than double the current value ${now}`,
      )
    }
  }
}

function checkCleaner(before: BrokerSettings, after: BrokerSettings): void {
  const [now, next] = [before, after].map((one) => one.int('log.cleaner.threads')) as [
    number,
    number,
  ]
  if (now === next) return
  if (next < 1) throw new BadConfig('Log cleaner threads should be at least 1')
  if (next < Math.floor(now / 2)) {
    throw new BadConfig(
      `Log cleaner threads cannot be reduced to less than half the current value ${now}`,
    )
  }
  if (next > now * 2) {
    throw new BadConfig(
      `Log cleaner threads cannot be increased to more than double the current value ${now}`,
    )
  }
}

/** Local retention of tiered logs must not exceed the whole retention (`DynamicLogConfig`). */
function checkLocalRetention(settings: BrokerSettings): void {
  const units = [
    ['log.retention.ms', 1],
    ['log.retention.minutes', 60_000],
    ['log.retention.hours', 3_600_000],
  ] as const
  const [key, unitMs] = units.find(([name]) => settings.isSet(name)) ?? units[2]
  const retentionMs = Math.max(settings.int(key) * unitMs, -1)
  checkPart(settings, 'log.local.retention.ms', 'log.retention.ms', retentionMs)
  const bytes = settings.int('log.retention.bytes')
  checkPart(settings, 'log.local.retention.bytes', 'log.retention.bytes', bytes)
  checkLag(settings, 'ms', retentionMs)
  checkLag(settings, 'bytes', bytes)
}

/** Records not yet copied must still be within local retention. */
function checkLag(settings: BrokerSettings, unit: string, retained: number): void {
  const [key, whole] = [`log.remote.copy.lag.${unit}`, `log.local.retention.${unit}`]
  const local = settings.int(whole)
  const most = local === -2 ? retained : local
  const lag = settings.int(key)
  if (most < 0 || lag <= most) return
  throw new BadConfig(
    `Invalid value ${lag} for configuration ${key}: Value must not exceed ${whole} (effective value: ${most})`,
  )
}

function checkPart(settings: BrokerSettings, key: string, whole: string, limit: number): void {
  const local = settings.int(key)
  if (limit < 0 || local === -2) return
  const why =
    local === -1
      ? `Value must not be -1 as ${whole} value is set as ${limit}.`
      : `Value must not be more than ${whole} property value: ${limit}`
  if (local !== -1 && local <= limit) return
  throw new BadConfig(`Invalid value ${local} for configuration ${key}: ${why}`)
}

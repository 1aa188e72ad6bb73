import {
  type ConfigDefinition,
  parseConfig,
  type UpdateMode,
} from '../metadata/config/definition.ts'
import { brokerKeys, resourceTypes } from '../metadata/config/keys.ts'
import { listenerBaseOf } from '../metadata/config/listener-keys.ts'
import { BrokerSettings, type Overrides, synonymsOf } from '../metadata/config/settings.ts'
import { throttleKeys } from '../metadata/config/throttle-keys.ts'
import {
  applyChange,
  configOperations,
  type ResourceChange,
} from '../metadata/controller/alter-configs.ts'
import { overridesOf } from '../metadata/image.ts'
import { ApiError } from '../protocol/errors.ts'
import { checkParts, checkReconfiguration } from './config/reconfiguration.ts'
import type { Services } from './services.ts'

/**
 * Checks a change of broker configs as Kafka's broker does before it asks the controller, in the
 * same order (`ConfigAdminManager`, `DynamicBrokerConfig.validate`): the resulting settings must be
 * valid, and a running broker must be able to apply them.
 * @throws (rejects) ApiError mostly INVALID_REQUEST, with Kafka's messages.
 */
export async function checkBrokerChange(
  resource: ResourceChange,
  services: Services,
): Promise<void> {
  const { name, changes, replacesAll } = resource
  if (name !== '') checkNode(name, services)
  const { image } = services.metadata
  const own = (of: string) => overridesOf(image, resourceTypes.broker, of)
  const after = new Map(replacesAll ? [] : own(name))
  for (const change of changes) {
    checkListOperation(change, after)
    applyChange(after, change, brokerKeys)
  }
  checkUpdatable([...after.keys()])
  checkTypes(after)
  if (name === '') checkClusterWide([...after.keys()])
  const { settings } = services
  const brokerId = String(services.identity.brokerId)
  const cluster = name === '' ? after : own('')
  const broker = name === '' ? own(brokerId) : after
  const next = flat(settings.statics, cluster, broker)
  inWords(() => checkReconfiguration(flat(settings.statics, own(''), own(brokerId)), next))
  await checkParts(() => services.tlsRenewal.check(next))
}

/** Turns INVALID_CONFIG into INVALID_REQUEST, Kafka's error code for broker settings. */
function inWords(check: () => void): void {
  try {
    check()
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'INVALID_CONFIG') throw error
    throw new ApiError('INVALID_REQUEST', error.detail)
  }
}

/** @throws ApiError INVALID_REQUEST if a key is repeated, or a value is missing. */
export function checkChanges({ changes }: ResourceChange): void {
  const names = changes.map((change) => change.name)
  if (new Set(names).size !== names.length) {
    throw new ApiError('INVALID_REQUEST', 'Error due to duplicate config keys')
  }
  const nulls = changes.filter(
    (one) => one.operation !== configOperations.delete && one.value === null,
  )
  if (nulls.length > 0) {
    const text = nulls.map((one) => one.name).join(', ')
    throw new ApiError('INVALID_REQUEST', `Null value not supported for : ${text}`)
  }
}

function checkNode(name: string, { identity }: Services): void {
  if (!/^[+-]?\d+$/.test(name)) {
    throw new ApiError('INVALID_REQUEST', `Node id must be an integer, but it is: ${name}`)
  }
  if (name === String(identity.brokerId)) return
  throw new ApiError(
    'INVALID_REQUEST',
    `Unexpected broker id, expected ${identity.brokerId}, but received ${name}`,
  )
}

/** @throws ApiError if a value is appended to or subtracted from a setting that is not a list. */
function checkListOperation(
  { name, operation }: ResourceChange['changes'][number],
  now: Overrides,
) {
  const verb =
    operation === configOperations.append
      ? 'append'
      : operation === configOperations.subtract
        ? 'subtract'
        : null
  if (verb === null) return
  const definition = brokerKeys.get(name)
  if (definition === undefined) throw new ApiError('INVALID_CONFIG', `Unknown config name: ${name}`)
  if (definition.type !== 'LIST') {
    const detail = `Config value ${verb} is not allowed for config key: ${name}`
    throw new ApiError('INVALID_CONFIG', detail)
  }
  // Kafka fails if there is no default to start from.
  if (definition.required === true && !now.has(name)) throw new ApiError('UNKNOWN_SERVER_ERROR')
}

/** Keys and certificates change only per listener (`SslConfigs.RECONFIGURABLE_CONFIGS`). */
const ofListener =
  /^ssl\.(key\.password|keystore\.(type|location|password|key|certificate\.chain)|truststore\.(type|location|password|certificates))$/

const withMode = (names: readonly string[], mode: UpdateMode) =>
  names.filter((key) => brokerKeys.get(key)?.update === mode)

/** Allows the broker settings that Kafka can update at run time (`DynamicBrokerConfig`). */
function checkUpdatable(names: readonly string[]): void {
  const refuse = (which: readonly string[], why: string) => {
    if (which.length === 0) return
    throw new ApiError('INVALID_REQUEST', `${why}: [${which.join(', ')}]`)
  }
  refuse(withMode(names, 'read-only'), 'Cannot update these configs dynamically')
  refuse(
    names.filter((key) => ofListener.test(key)),
    'These security configs can be dynamically updated only per-listener using the listener prefix',
  )
}

/** Listener settings that apply to all brokers (`ClusterLevelListenerConfigs`). */
const clusterLevel: ReadonlySet<string> = new Set([
  'max.connections',
  'max.connection.creation.rate',
  'num.network.threads',
])

function checkClusterWide(names: readonly string[]): void {
  const ofOneListener = names.filter((key) => {
    const base = listenerBaseOf(key)
    return base !== null && !clusterLevel.has(base)
  })
  const own = [...withMode(names, 'per-broker'), ...ofOneListener]
  if (own.length === 0) return
  throw new ApiError(
    'INVALID_REQUEST',
    `Cannot update these configs at default cluster level, broker id must be specified: [${own.join(', ')}]`,
  )
}

/** Checks each value by itself; a listener's own setting is checked as its base key. */
function checkTypes(overrides: Overrides): void {
  for (const [key, text] of overrides) {
    const definition =
      brokerKeys.get(listenerBaseOf(key) ?? key) ?? throttleKeys.get(key) ?? undefined
    // Kafka reads `config.providers` before it validates values.
    if (definition === undefined || key === 'config.providers') continue
    checkRepeated(definition, text)
    inWords(() => parseConfig(definition, text))
    checkClass(definition, text)
  }
}

/** Refuses duplicate list entries: Kafka does so at run time, but drops them at startup. */
function checkRepeated({ name, type }: ConfigDefinition, text: string): void {
  const words = type === 'LIST' && text.trim() !== '' ? text.trim().split(/\s*,\s*/) : []
  if (new Set(words).size === words.length) return
  throw new ApiError('INVALID_REQUEST', `Configuration '${name}' values must not be duplicated.`)
}

/** Accepts only classes that come with Kafka: there are no plugins. */
function checkClass({ name, type }: ConfigDefinition, text: string): void {
  if (type !== 'CLASS' || /^org\.apache\.kafka\.[\w.$]+$/.test(text.trim())) return
  throw new ApiError(
    'INVALID_REQUEST',
    `Invalid value ${text} for configuration ${name}: Class ${text.trim()} could not be found.`,
  )
}

/**
 * Returns the settings as if from one server.properties: a later layer, and a broker's own layer,
 * override all synonyms of their keys (`DynamicBrokerConfig.overrideProps`).
 */
function flat(...layers: readonly Overrides[]): BrokerSettings {
  const values = new Map<string, string>()
  for (const layer of layers) {
    for (const [key, text] of layer) {
      for (const synonym of synonymsOf(key)) values.delete(synonym)
      values.set(key, text)
    }
  }
  return new BrokerSettings(values)
}

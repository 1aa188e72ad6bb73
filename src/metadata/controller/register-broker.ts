import { ApiError } from '../../protocol/errors.ts'
import type { BrokerRegistrationRequest } from '../../protocol/messages/62-broker-registration.ts'
import { registerBrokerRecord } from '../../protocol/stored/metadata/00-register-broker-record.ts'
import { isReservedDirectory } from '../directories.ts'
import type { BrokerState, Endpoint, FeatureRange, Image } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import type { BrokerSessions } from './broker-sessions.ts'
import type { Command, ControllerView } from './controller.ts'
import { isElrEnabled } from './elr.ts'
import { kraftVersionFeature, metadataVersionFeature } from './features.ts'
import { brokerEventRecords, inElr, inIsr } from './partition-rules.ts'

export interface RegistrationOptions {
  readonly request: BrokerRegistrationRequest
  readonly clusterId: string
  /** Whether the request says if the broker had shut down cleanly (v3, KIP-966). */
  readonly knowsShutdown: boolean
  /** Whether the broker is a node of this process, where there is one of each id. */
  readonly isSameProcess: boolean
}

/** Codes of `SecurityProtocol`. */
const securityProtocolMax = 3

/**
 * Registers a broker, fenced; of the same incarnation, replaces its registration. Returns its epoch
 * (Kafka's `ClusterControlManager.registerBroker`).
 * @throws ApiError INCONSISTENT_CLUSTER_ID, DUPLICATE_BROKER_REGISTRATION,
 * BROKER_ID_NOT_REGISTERED (from ZooKeeper), INVALID_REGISTRATION, UNSUPPORTED_VERSION
 */
export function registerBroker(
  options: RegistrationOptions,
  sessions: BrokerSessions,
): Command<number> {
  return function* (view) {
    const { request } = options
    const { brokerId, incarnationId } = request
    const existing = view.image.brokers.get(brokerId)
    checkRegistration(options, view.image, sessions)
    const endPoints = endpointsOf(request.listeners)
    checkFeatures(request.features, view.image)
    const isSame = existing?.incarnationId === incarnationId
    const records = isSame ? [] : yield* shutdownRecords(options, existing, view)
    const kept = isSame ? existing : null
    const brokerEpoch = kept?.epoch ?? view.nextOffset
    sessions.registered(brokerId)
    const { features, rack, logDirs } = request
    const registration = metadataRecord(registerBrokerRecord, {
      ...{ brokerId, incarnationId, brokerEpoch, endPoints, features, rack, logDirs },
      isMigratingZkBroker: false,
      fenced: kept?.fenced ?? true,
      inControlledShutdown: kept?.inControlledShutdown ?? false,
    })
    return { records: [...records, registration], answer: brokerEpoch }
  }
}

function checkRegistration(
  { request, clusterId, isSameProcess }: RegistrationOptions,
  image: Image,
  sessions: BrokerSessions,
): void {
  if (request.clusterId !== clusterId) {
    const expected = `Expected cluster ID ${clusterId}, but got cluster ID ${request.clusterId}`
    throw new ApiError('INCONSISTENT_CLUSTER_ID', expected)
  }
  const existing = image.brokers.get(request.brokerId)
  if (existing !== undefined && existing.incarnationId !== request.incarnationId) {
    const session = sessions.sessionOf(existing)
    if (isSameProcess ? session === 'remote' : session !== null) {
      throw new ApiError(
        'DUPLICATE_BROKER_REGISTRATION',
        'Another broker is registered with that broker id. If the broker was recently restarted ' +
          "this should self-resolve once the heartbeat manager expires the broker's session.",
      )
    }
  }
  if (request.isMigratingZkBroker) {
    const detail = 'Controller does not support registering ZK brokers.'
    throw new ApiError('BROKER_ID_NOT_REGISTERED', detail)
  }
  checkDirectories(request, image)
}

function checkDirectories(
  { brokerId, logDirs }: BrokerRegistrationRequest,
  { brokers }: Image,
): void {
  const refuse = (detail: string) => new ApiError('INVALID_REGISTRATION', detail)
  if (logDirs.length === 0) throw refuse('No directories specified in request')
  if (logDirs.some(isReservedDirectory)) throw refuse('Reserved directory ID in request')
  const own = new Set(logDirs)
  if (own.size !== logDirs.length) throw refuse('Duplicate directory ID in request')
  for (const { id, logDirs: others } of brokers.values()) {
    const shared = id === brokerId ? undefined : others.find((one) => own.has(one))
    if (shared === undefined) continue
    throw refuse(`Broker ${id} is already registered with directory ${shared}`)
  }
}

/**
 * Checks that the broker can work with every feature of the cluster.
 * @throws ApiError UNSUPPORTED_VERSION, INVALID_REGISTRATION without a `metadata.version`.
 */
function checkFeatures(ranges: readonly FeatureRange[], { features, quorum }: Image): void {
  const levels = new Map([...features, [kraftVersionFeature, quorum.kraftVersion]])
  const check = ({ name, minSupportedVersion: min, maxSupportedVersion: max }: FeatureRange) => {
    const level = levels.get(name) ?? 0
    if (level >= min && level <= max) return
    throw new ApiError(
      'UNSUPPORTED_VERSION',
      `Unable to register because the broker does not support finalized version ${level} of ` +
        `${name}. The broker wants a version between ${min} and ${max}, inclusive.`,
    )
  }
  for (const range of ranges) check(range)
  const named = new Set(ranges.map(({ name }) => name))
  if (!named.has(metadataVersionFeature)) {
    const detail = "Request features do not contain 'metadata.version'"
    throw new ApiError('INVALID_REGISTRATION', detail)
  }
  for (const [name, level] of levels) {
    if (level === 0 || named.has(name)) continue
    check({ name, minSupportedVersion: 0, maxSupportedVersion: 0 })
  }
}

/** Returns the listeners of a broker; of two with one name the last one counts. */
function endpointsOf(listeners: BrokerRegistrationRequest['listeners']): Endpoint[] {
  const byName = new Map<string, Endpoint>()
  for (const listener of listeners) {
    const { securityProtocol: code } = listener
    if (code < 0 || code > securityProtocolMax) throw new ApiError('UNKNOWN_SERVER_ERROR')
    byName.set(listener.name, listener)
  }
  return [...byName.values()]
}

/** Returns the records that end a former incarnation, whose last records may be lost if unclean. */
function* shutdownRecords(
  { request, knowsShutdown }: RegistrationOptions,
  existing: BrokerState | undefined,
  view: ControllerView,
): Generator<void, MetadataRecord[]> {
  const { brokerId: id, previousBrokerEpoch } = request
  const isClean = knowsShutdown && existing?.epoch === previousBrokerEpoch
  if (isClean || !isElrEnabled(view.image)) {
    return yield* brokerEventRecords(view, { removed: id }, inIsr(id))
  }
  const lost = { uncleanShutdown: id }
  const inSync = yield* brokerEventRecords(view, lost, inIsr(id))
  return [...inSync, ...(yield* brokerEventRecords(view, lost, inElr(id)))]
}

import type { Clock } from '../base/clock.ts'
import { startBrokerFencing } from '../metadata/broker-fencing.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import { alterScram, type ScramUpsertion } from '../metadata/controller/alter-scram.ts'
import { BrokerSessions } from '../metadata/controller/broker-sessions.ts'
import {
  bootstrap,
  fenceBroker,
  nodeFeatures,
  registerController,
} from '../metadata/controller/brokers.ts'
import { randomUuid } from '../metadata/controller/controller.ts'
import { tokenSecretOf } from '../metadata/delegation-tokens.ts'
import { startTokenSweep } from '../metadata/expired-tokens.ts'
import { startIdleRecords } from '../metadata/idle-records.ts'
import { dynamicConfigsOf } from '../metadata/image.ts'
import { startPreferredElections, startUncleanElections } from '../metadata/leader-elections.ts'
import { MetadataController } from '../metadata/metadata.ts'
import type { PeriodicRecords } from '../metadata/periodic-records.ts'
import type { AnyApi } from '../protocol/schema.ts'
import { MetadataPartition, metadataTopic, metadataTopicId } from '../quorum/metadata-partition.ts'
import type { SnapshotLimits } from '../quorum/metadata-snapshots.ts'
import { MutationQuota } from '../security/quota/client-quota.ts'
import { type LogConfig, logConfigDefaults } from '../storage/log-config.ts'
import type { LogDir } from '../storage/log-dir.ts'
import { authorizerOf } from './config/authorizer-settings.ts'
import type { ListenerPlan } from './config/listeners.ts'
import { controllerHandlers, forwardableHandlers } from './controller/handlers/index.ts'
import type { ControllerServices } from './controller/services.ts'
import { Dispatcher } from './dispatch.ts'
import { type AddressInfo, type OpenListener, openListeners } from './listening.ts'
import { loopbackServer } from './loopback.ts'
import { metadataLogDir } from './node-dirs.ts'
import { ControllerQuotas } from './quotas/controller-quotas.ts'
import { quotaWindow } from './quotas/quota-gate.ts'
import { allOrNothing, type SharedRooms } from './shared-rooms.ts'
import { TlsRenewal } from './tls-renewal.ts'
import { UnservedRequests } from './unserved-requests.ts'
import { voterEndpoints } from './voter-endpoints.ts'

/** The controller role of a node: the metadata log and the controller. */
export class ControllerPart {
  readonly nodeId: number
  readonly clusterId: string
  readonly metadata: MetadataController
  private readonly partition: MetadataPartition
  readonly addresses: readonly AddressInfo[]
  private readonly periodic: readonly PeriodicRecords[]
  private readonly listeners: readonly OpenListener[]
  private readonly leave: () => void

  private constructor(
    { identity, metadata, partition }: ControllerServices,
    periodic: readonly PeriodicRecords[],
    listeners: readonly OpenListener[],
    leave: () => void,
  ) {
    this.listeners = listeners
    this.addresses = listeners.map(({ address }) => address)
    this.nodeId = identity.nodeId
    this.clusterId = identity.clusterId
    this.metadata = metadata
    this.partition = partition
    this.periodic = periodic
    this.leave = leave
  }

  /**
   * Opens the metadata log in one of the node's directories, registers the controller and serves.
   * @param plans its listeners; none if only nodes of this process speak to it.
   */
  static async open(
    statics: BrokerSettings,
    plans: readonly ListenerPlan[],
    logDirs: readonly LogDir[],
    rooms: SharedRooms,
  ): Promise<ControllerPart> {
    const { clock, random, turns, logger, disk } = rooms
    const nodeId = statics.int('node.id')
    const logDir = metadataLogDir(statics, logDirs)
    const logConfig = metadataLogConfig(statics)
    const name = `${metadataTopic}-0`
    if (!logDir.has(name) && logDir.logCount > 0) {
      // As in Apache Kafka. The broker later renames the existing partitions to strays.
      const fields = { missing: `${logDir.path}/${name}` }
      logger.error(
        'the metadata log is missing: the cluster begins anew without its topics',
        fields,
      )
    }
    const log = await logDir.openLog(name, {
      topicId: metadataTopicId,
      config: () => logConfig,
      isRetained: false,
      isAlwaysRecovered: true,
    })
    const { partition, image, bootstrapRecords } = await MetadataPartition.open({
      ...{ log, disk, nodeId, directoryId: logDir.directoryId, clock, logger },
      // A port that the system picks is known only later, and is another one after each start.
      endpoints: plans.some(({ port }) => port === 0) ? [] : voterEndpoints(plans),
      limits: snapshotLimits(statics),
      legacyBootstrapPath: `${logDir.path}/bootstrap.checkpoint`,
    })
    const settings = statics.withDynamic(dynamicConfigsOf(() => metadata.image, nodeId))
    const metadata: MetadataController = new MetadataController({
      log: partition,
      image,
      settings,
      clock,
      random,
      turns,
      logger,
    })
    if (bootstrapRecords !== null || image.features.size === 0) {
      const minInsyncReplicas = String(statics.int('min.insync.replicas'))
      await metadata.submit(bootstrap(bootstrapRecords ?? [], minInsyncReplicas))
    }
    metadata.listen('snapshots', (newest) => partition.published(newest))
    const identity = { nodeId, clusterId: logDir.clusterId }
    const sessions = new BrokerSessions(clock, statics.int('broker.session.timeout.ms'))
    sessions.begin(metadata.image)
    const services = servicesOf({ identity, settings, metadata, partition, sessions }, rooms)
    return ControllerPart.serve(statics, plans, services, rooms)
  }

  private static serve(
    statics: BrokerSettings,
    plans: readonly ListenerPlan[],
    services: ControllerServices,
    rooms: SharedRooms,
  ): Promise<ControllerPart> {
    const { logger, random } = rooms
    const { metadata, settings } = services
    const { nodeId: id } = services.identity
    return allOrNothing(async (undo) => {
      const unserved = new UnservedRequests(logger)
      const handlers = byKey(controllerHandlers)
      const dispatcher = new Dispatcher(handlers, services, unserved, { current: null })
      const tlsRenewal = new TlsRenewal(logger)
      const listening = { settings, metadata, tlsRenewal, sharesProcessWith: () => false }
      const listeners = await openListeners(plans, listening, dispatcher, rooms)
      undo.push(() => Promise.all(listeners.map(({ listener }) => listener.close())))
      const endpoints = listeners.map(({ endpoint }) => endpoint)
      const incarnationId = randomUuid(random)
      await metadata.submit(
        registerController({ id, incarnationId, endpoints, features: nodeFeatures }),
      )
      for (const { listener } of listeners) listener.serve()
      const [listenerName = ''] = statics.list('controller.listener.names')
      const leave = rooms.controllers.serve(id, loopbackServer(dispatcher, listenerName))
      const periodic = startPeriodicRecords(statics, services)
      return new ControllerPart(services, periodic, listeners, leave)
    })
  }

  /** Returns the bound ports of the listeners. */
  get boundPorts(): { readonly name: string; readonly port: number }[] {
    return this.listeners.map(({ listener }) => ({ name: listener.name, port: listener.port }))
  }

  /** Adds SCRAM credentials that the process was started with. */
  async addCredentials(users: readonly ScramUpsertion[]): Promise<void> {
    await this.metadata.submit(alterScram([], users))
  }

  /** Fences the registered brokers that are not among `ids`. */
  async fenceOthers(ids: readonly number[]): Promise<void> {
    const others = [...this.metadata.image.brokers.values()].filter(
      ({ id, fenced }) => !fenced && !ids.includes(id),
    )
    for (const { id } of others) await this.metadata.submit(fenceBroker(id))
  }

  /** Call this when no broker sends requests any more. */
  async close(): Promise<void> {
    this.leave()
    for (const { listener } of this.listeners) await listener.close()
    for (const one of this.periodic) await one.stop()
    await this.partition.close()
  }
}

function startPeriodicRecords(
  settings: BrokerSettings,
  { clock, metadata, sessions, logger }: ControllerServices,
): PeriodicRecords[] {
  const every = (name: string) => ({ clock, metadata, intervalMs: settings.int(name) })
  const sessionTimeoutMs = settings.int('broker.session.timeout.ms')
  const started = [startBrokerFencing({ clock, metadata, sessions, logger, sessionTimeoutMs })]
  if (settings.int('metadata.max.idle.interval.ms') > 0) {
    started.push(startIdleRecords(every('metadata.max.idle.interval.ms')))
  }
  started.push(startUncleanElections(every('unclean.leader.election.interval.ms'), logger))
  if (settings.bool('auto.leader.rebalance.enable')) {
    const intervalMs = settings.int('leader.imbalance.check.interval.seconds') * 1000
    started.push(startPreferredElections({ clock, metadata, intervalMs }))
  }
  if (tokenSecretOf(settings) !== null) {
    started.push(startTokenSweep(every('delegation.token.expiry.check.interval.ms')))
  }
  return started
}

function servicesOf(
  parts: Pick<ControllerServices, 'identity' | 'settings' | 'metadata' | 'partition' | 'sessions'>,
  { clock, random, turns, logger, authorizer }: SharedRooms,
): ControllerServices {
  const { settings, metadata } = parts
  const services: ControllerServices = {
    ...parts,
    ...{ clock, random, turns, logger },
    authorizer: authorizer ?? authorizerOf(settings, () => metadata.image.acls, logger),
    quotas: quotasOf(settings, metadata, clock),
    forwardable: new Set(forwardableHandlers.map(({ api }) => api.key)),
    answerForwarded: (frame, session) => forwarded.dispatch(frame, session),
    advertised: controllerHandlers.map(({ api }) => api).toSorted((a, b) => a.key - b.key),
  }
  const forwarded = new Dispatcher(
    byKey(forwardableHandlers),
    services,
    new UnservedRequests(logger),
    { current: null },
  )
  return services
}

function byKey<H extends { readonly api: AnyApi }>(handlers: readonly H[]): ReadonlyMap<number, H> {
  return new Map(handlers.map((one) => [one.api.key, one]))
}

/** Returns the quota of topic changes, which follows the quotas in the metadata. */
function quotasOf(
  settings: BrokerSettings,
  metadata: MetadataController,
  clock: Clock,
): ControllerQuotas {
  const window = quotaWindow(settings, 'controller.')
  const quotas = new ControllerQuotas(new MutationQuota({ window, clock }))
  quotas.follow(metadata.image)
  metadata.listen('quotas', (image) => quotas.follow(image))
  return quotas
}

/** Returns the metadata log's config (`metadata.log.*`); it has no retention by time. */
function metadataLogConfig(settings: BrokerSettings): LogConfig {
  return {
    ...logConfigDefaults,
    segmentBytes: settings.int('metadata.log.segment.bytes'),
    segmentMs: settings.int('metadata.log.segment.ms'),
    retentionMs: -1,
    maxMessageBytes: 8 * 1024 * 1024,
  }
}

function snapshotLimits(settings: BrokerSettings): SnapshotLimits {
  return {
    bytesBetweenMax: settings.int('metadata.log.max.record.bytes.between.snapshots'),
    intervalMs: settings.int('metadata.log.max.snapshot.interval.ms'),
    retentionBytes: settings.int('metadata.max.retention.bytes'),
    retentionMs: settings.int('metadata.max.retention.ms'),
  }
}

import { ExpressionThread } from '../base/expressions.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import { fenceBroker, registerBroker, unfenceBroker } from '../metadata/controller/brokers.ts'
import { randomUuid } from '../metadata/controller/controller.ts'
import { dynamicConfigsOf, type Image } from '../metadata/image.ts'
import type { Metadata, MetadataController, MetadataFollower } from '../metadata/metadata.ts'
import { Partitions } from '../replication/partitions.ts'
import type { LogDir } from '../storage/log-dir.ts'
import { AutoCreation } from './auto-creation.ts'
import { authorizerOf } from './config/authorizer-settings.ts'
import type { ListenerPlan } from './config/listeners.ts'
import { type ActiveController, ControllerClient } from './controller-client.ts'
import { onlineIds, reportPlaces, watchLogDirs } from './failed-dirs.ts'
import { FetchSessions } from './fetch/session.ts'
import { Forwarder } from './forwarder.ts'
import { groupsOf } from './groups.ts'
import { advertisedHandlers } from './handlers/index.ts'
import { type AddressInfo, type OpenListener, openListeners } from './listening.ts'
import type { Peers } from './peers.ts'
import { ProducerIds } from './producer-ids.ts'
import { Purgatory } from './purgatory.ts'
import { QuotaGate, quotaWindow } from './quotas/quota-gate.ts'
import type { Identity, Services } from './services.ts'
import { allOrNothing, type BrokerRooms } from './shared-rooms.ts'
import { type ClientMetrics, ClientTelemetry } from './telemetry/client-telemetry.ts'
import { TlsRenewal } from './tls-renewal.ts'
import { peerOf, transactionsOf } from './transactions.ts'
import { startUpkeep, type Upkeep } from './upkeep.ts'

export interface BrokerPartOptions {
  /** The node's static settings, without dynamic configs. */
  readonly statics: BrokerSettings
  readonly identity: Identity
  readonly listeners: readonly ListenerPlan[]
  /** Open directories; the caller closes them. */
  readonly logDirs: readonly LogDir[]
  readonly metadata: MetadataController
  /** The active controller. */
  readonly active: ActiveController
  /** Called when the broker cannot go on because its log directories have failed. */
  readonly halt: (why: string) => void
}

/** The broker role of a node: its listeners, partitions and coordinators. */
export class BrokerPart {
  readonly identity: Identity
  readonly addresses: readonly AddressInfo[]
  private readonly services: Services
  private readonly follower: MetadataFollower
  private readonly listeners: readonly OpenListener[]
  private readonly upkeep: readonly Upkeep[]
  private readonly peers: Peers

  private constructor(
    services: Services,
    follower: MetadataFollower,
    listeners: readonly OpenListener[],
    upkeep: readonly Upkeep[],
    peers: Peers,
  ) {
    this.peers = peers
    this.identity = services.identity
    this.services = services
    this.follower = follower
    this.listeners = listeners
    this.upkeep = upkeep
    this.addresses = listeners.map(({ address }) => address)
  }

  /** Registers the broker, opens its partitions and becomes their leader, then serves requests. */
  static open(options: BrokerPartOptions, rooms: BrokerRooms): Promise<BrokerPart> {
    return allOrNothing(async (undo) => {
      const follower = options.metadata.follow(`broker ${options.identity.brokerId}`)
      undo.push(async () => follower.close())
      const quotas = quotasOf(options, follower, rooms)
      const services = servicesOf(options, follower, quotas, rooms)
      const listeners = await openListeners(options.listeners, services, quotas, rooms)
      undo.push(() => Promise.all(listeners.map(({ listener }) => listener.close())))
      await register(options, listeners, rooms)
      const { brokerId } = options.identity
      rooms.peers.set(brokerId, peerOf(services))
      undo.push(async () => rooms.peers.delete(brokerId))
      const watched = { ...services, brokerId, metadata: options.metadata, halt: options.halt }
      watchLogDirs(watched)
      await followImage(services, follower, () => reportPlaces(watched))
      followKeys(services, follower, options.statics)
      for (const { listener } of listeners) listener.serve()
      const upkeep = startUpkeep(options.statics, options.logDirs, rooms)
      return new BrokerPart(services, follower, listeners, upkeep, rooms.peers)
    })
  }

  /** Returns the bound ports of the listeners, which may differ from the advertised ones. */
  get boundPorts(): { readonly name: string; readonly port: number }[] {
    return this.listeners.map(({ listener }) => ({ name: listener.name, port: listener.port }))
  }

  /** Returns the newest metrics of each client that pushes metrics. */
  clientMetrics(): ClientMetrics[] {
    return this.services.telemetry.clientMetrics()
  }

  /** Returns the broker epoch, or -1 before the registration. */
  get epoch(): number {
    return this.follower.image.brokers.get(this.identity.brokerId)?.epoch ?? -1
  }

  /**
   * Stops serving.
   * @param isFenced whether to fence the broker in the metadata; needless if the cluster stops too.
   */
  async close(isFenced: boolean): Promise<void> {
    for (const { listener } of this.listeners) await listener.close()
    this.peers.delete(this.identity.brokerId)
    this.services.transactions.close()
    this.services.groups.close()
    this.services.expressions.close()
    for (const work of this.upkeep) await work.stop()
    if (isFenced) {
      await this.follower.submit(fenceBroker(this.identity.brokerId)).catch((error: Error) =>
        this.services.logger.warn('the end of a broker could not be written to the metadata log', {
          broker: this.identity.brokerId,
          error: error.message,
        }),
      )
    }
    this.follower.close()
  }
}

/** Opens the partitions of the current image, then applies every later change, without a gap. */
async function followImage(
  { partitions }: Services,
  follower: MetadataFollower,
  report: () => Promise<void>,
): Promise<void> {
  const opened = partitions.open(follower.image)
  const isOpen = opened.then(
    () => true,
    () => false,
  )
  follower.listen('partitions', async (image, changes) => {
    if (!(await isOpen)) return
    await partitions.apply(image, changes)
    // Not awaited: the reported places return as a later image than this one.
    void report()
  })
  await opened
  await report()
}

/** Returns the gate of the quotas, which follows those in the metadata. */
function quotasOf(
  { statics }: BrokerPartOptions,
  metadata: Metadata,
  { clock, interceptor: inner }: BrokerRooms,
): QuotaGate {
  const gate = new QuotaGate({ window: quotaWindow(statics, ''), clock, inner })
  gate.follow(metadata.image)
  metadata.listen('quotas', (image) => gate.follow(image))
  return gate
}

/**
 * Renews keys and certificates whenever settings of this broker are altered: even to what they
 * were, as their files may have changed.
 */
function followKeys(
  { tlsRenewal, identity: { brokerId } }: Services,
  follower: MetadataFollower,
  statics: BrokerSettings,
): void {
  const dynamicOf = (image: Image) => dynamicConfigsOf(() => image, brokerId)
  let known = dynamicOf(follower.image).broker()
  follower.listen('keys and certificates', async (image) => {
    const dynamic = dynamicOf(image)
    if (dynamic.broker() === known) return
    known = dynamic.broker()
    await tlsRenewal.renew(statics.withDynamic(dynamic))
  })
}

function servicesOf(
  { statics, identity, logDirs, active }: BrokerPartOptions,
  metadata: MetadataFollower,
  quotas: QuotaGate,
  { clock, random, turns, logger, authorizer, peers, controllers: carrier }: BrokerRooms,
): Services {
  const { brokerId } = identity
  const clientId = String(brokerId)
  const controller = new ControllerClient({ carrier, active, clock, clientId })
  const forwarder = new Forwarder(controller, () => metadata.inStep())
  const settings = statics.withDynamic(dynamicConfigsOf(() => metadata.image, brokerId))
  const partitions = new Partitions({ brokerId, logDirs, settings, turns })
  const slotsMax = () => settings.int('max.incremental.fetch.session.cache.slots')
  const producerIds = new ProducerIds(metadata, brokerId)
  const expressions = new ExpressionThread(clock)
  const rooms = {
    brokerId,
    clock,
    random,
    turns,
    logger,
    metadata,
    settings,
    partitions,
    producerIds,
    peers,
    expressions,
  }
  const groups = groupsOf(rooms)
  return {
    clock,
    random,
    turns,
    logger,
    authorizer: authorizer ?? authorizerOf(statics, () => metadata.image.acls, logger),
    settings,
    metadata,
    partitions,
    logDirs,
    fetchSessions: new FetchSessions(slotsMax, clock, random),
    purgatory: new Purgatory(clock),
    autoCreation: new AutoCreation({ forwarder, settings, logger }),
    forwarder,
    producerIds,
    quotas,
    expressions,
    groups,
    transactions: transactionsOf({ ...rooms, groups }),
    peers,
    identity,
    tlsRenewal: new TlsRenewal(logger),
    telemetry: new ClientTelemetry({ clock, random, image: () => metadata.image }),
    advertised: advertisedHandlers(statics).map(({ api }) => api),
  }
}

/** Registers the broker and unfences it, so that it leads its partitions. */
async function register(
  { statics, identity, logDirs, metadata }: BrokerPartOptions,
  listeners: readonly OpenListener[],
  { random }: BrokerRooms,
): Promise<void> {
  const id = identity.brokerId
  await metadata.submit(
    registerBroker({
      id,
      incarnationId: randomUuid(random),
      endpoints: listeners.map(({ endpoint }) => endpoint),
      rack: statics.string('broker.rack'),
      logDirs: onlineIds(logDirs).sort(),
    }),
  )
  await metadata.submit(unfenceBroker(id))
}

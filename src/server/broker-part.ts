import { resourceTypes } from '../metadata/config/keys.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import { fenceBroker, registerBroker, unfenceBroker } from '../metadata/controller/brokers.ts'
import { randomUuid } from '../metadata/controller/controller.ts'
import { overridesOf } from '../metadata/image.ts'
import { type Metadata, MetadataFollower } from '../metadata/metadata.ts'
import { Partitions } from '../replication/partitions.ts'
import { allowAll } from '../security/authorizer.ts'
import type { LogDir } from '../storage/log-dir.ts'
import type { ListenerPlan } from './config/listeners.ts'
import { onlineIds, reportPlaces, watchLogDirs } from './failed-dirs.ts'
import { FetchSessions } from './fetch/session-cache.ts'
import { groupsOf } from './groups.ts'
import { servedHandlers } from './handlers/index.ts'
import { type AddressInfo, type OpenListener, openListeners } from './listening.ts'
import type { Peers } from './peers.ts'
import { ProducerIds } from './producer-ids.ts'
import type { Identity, Services } from './services.ts'
import { allOrNothing, type SharedRooms } from './shared-rooms.ts'
import { type ClientMetrics, ClientTelemetry } from './telemetry/client-telemetry.ts'
import { peerOf, transactionsOf } from './transactions.ts'
import { startUpkeep, type Upkeep } from './upkeep.ts'

export interface BrokerPartOptions {
  /** The node's own settings, without what was altered at run time. */
  readonly statics: BrokerSettings
  readonly identity: Identity
  readonly listeners: readonly ListenerPlan[]
  /** Open, and closed by who opened them. */
  readonly logDirs: readonly LogDir[]
  readonly metadata: Metadata
  /** Told when the broker cannot go on: its directories are gone. */
  readonly halt: (why: string) => void
}

/** The broker's half of a node: its listeners, partitions and coordinators. */
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

  /** Registers the broker, opens and leads its partitions, then serves. */
  static open(o: BrokerPartOptions, rooms: SharedRooms): Promise<BrokerPart> {
    return allOrNothing(async (undo) => {
      const follower = new MetadataFollower(o.metadata)
      undo.push(async () => follower.close())
      const services = servicesOf(o, follower, rooms)
      const listeners = await openListeners(o.listeners, services, rooms)
      undo.push(() => Promise.all(listeners.map(({ listener }) => listener.close())))
      await register(o, listeners, rooms)
      const { brokerId } = o.identity
      rooms.peers.set(brokerId, peerOf(services))
      undo.push(async () => rooms.peers.delete(brokerId))
      const watched = { ...services, brokerId, metadata: o.metadata, halt: o.halt }
      watchLogDirs(watched)
      await followImage(services, follower, () => reportPlaces(watched))
      for (const { listener } of listeners) listener.serve()
      const upkeep = startUpkeep(o.statics, o.logDirs, rooms)
      return new BrokerPart(services, follower, listeners, upkeep, rooms.peers)
    })
  }

  /** The ports that the listeners have, whatever clients are told. */
  get boundPorts(): { readonly name: string; readonly port: number }[] {
    return this.listeners.map(({ listener }) => ({ name: listener.name, port: listener.port }))
  }

  /** The newest metrics of each client that pushes some. */
  clientMetrics(): ClientMetrics[] {
    return this.services.telemetry.clientMetrics()
  }

  /** The epoch of its registration. */
  get epoch(): number {
    return this.follower.image.brokers.get(this.identity.brokerId)?.epoch ?? -1
  }

  /**
   * Stops to serve.
   * @param isFenced whether the cluster is told; needless where nobody will look again.
   */
  async close(isFenced: boolean): Promise<void> {
    for (const { listener } of this.listeners) await listener.close()
    this.peers.delete(this.identity.brokerId)
    this.services.transactions.close()
    this.services.groups.close()
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

/** Opens what the image says, and from then on what changes: nothing of what other brokers do is missed. */
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
  follower.listen(async (image, changes) => {
    if (!(await isOpen)) return
    await partitions.apply(image, changes)
    // Not awaited: what is reported comes back as an image, after this one.
    void report()
  })
  await opened
  await report()
}

function servicesOf(
  { statics, identity, logDirs }: BrokerPartOptions,
  metadata: Metadata,
  { clock, random, logger, peers }: SharedRooms,
): Services {
  const { brokerId } = identity
  const settings = statics.withDynamic({
    cluster: () => overridesOf(metadata.image, resourceTypes.broker, ''),
    broker: () => overridesOf(metadata.image, resourceTypes.broker, String(brokerId)),
  })
  const partitions = new Partitions({ brokerId, logDirs, settings })
  const slotsMax = () => settings.int('max.incremental.fetch.session.cache.slots')
  const producerIds = new ProducerIds(metadata, brokerId)
  const rooms = {
    brokerId,
    clock,
    random,
    logger,
    metadata,
    settings,
    partitions,
    producerIds,
    peers,
  }
  const groups = groupsOf(rooms)
  return {
    clock,
    random,
    logger,
    authorizer: allowAll,
    settings,
    metadata,
    partitions,
    logDirs,
    fetchSessions: new FetchSessions(slotsMax, clock, random),
    producerIds,
    groups,
    transactions: transactionsOf({ ...rooms, groups }),
    peers,
    identity,
    telemetry: new ClientTelemetry({ clock, random, image: () => metadata.image }),
    served: servedHandlers(statics).map(({ api }) => api),
  }
}

/** Enters the broker in the cluster, and lets it take the lead of its partitions. */
async function register(
  { statics, identity, logDirs, metadata }: BrokerPartOptions,
  listeners: readonly OpenListener[],
  { random }: SharedRooms,
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

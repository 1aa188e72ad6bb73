import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/error-text.ts'
import type { NodeAddress } from '../channel/channel.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import { randomUuid } from '../metadata/controller/controller.ts'
import { dynamicConfigsOf, type Image } from '../metadata/image.ts'
import type { BrokerMetadata } from '../metadata/metadata.ts'
import { MetadataObserver } from '../quorum/observer/metadata-observer.ts'
import { observerLimits } from '../quorum/observer/observer-limits.ts'
import type { LogDir } from '../storage/log-dir.ts'
import { BrokerLifecycle } from './broker-lifecycle.ts'
import { brokerServices } from './broker-services.ts'
import type { ListenerPlan } from './config/listeners.ts'
import { interBrokerListenerOf } from './config/roles.ts'
import type { ControllerClient } from './controller-client.ts'
import { Dispatcher } from './dispatch.ts'
import { onlineIds, watchLogDirs } from './failed-dirs.ts'
import { handlers } from './handlers/index.ts'
import { type AddressInfo, type OpenListener, openListeners } from './listening.ts'
import { loopbackServer } from './loopback.ts'
import { type NodeCarriers, nodeCarriers } from './node-carriers.ts'
import { metadataLogDir } from './node-dirs.ts'
import { QuotaGate, quotaWindow } from './quotas/quota-gate.ts'
import type { Identity, Services } from './services.ts'
import { allOrNothing, type BrokerRooms } from './shared-rooms.ts'
import { StartGuard } from './start-guard.ts'
import type { ClientMetrics } from './telemetry/client-telemetry.ts'
import { UnservedRequests } from './unserved-requests.ts'
import { startUpkeep, type Upkeep } from './upkeep.ts'

export interface BrokerPartOptions {
  /** The node's static settings, without dynamic configs. */
  readonly statics: BrokerSettings
  readonly identity: Identity
  readonly listeners: readonly ListenerPlan[]
  /** Open directories; the caller closes them. */
  readonly logDirs: readonly LogDir[]
  /** Whether all nodes of the cluster are in this process. */
  readonly isAlone: boolean
  /** Whether the controllers are in other processes. */
  readonly isJoining: boolean
  /** Any controllers of the cluster. */
  readonly bootstrap: readonly NodeAddress[]
  /** Called when the broker cannot go on, because its log directories have failed or others. */
  readonly halt: (why: string) => void
}

/** How long, in ms, a start waits for the other brokers of the process to see it. */
const seenMsMax = 1000

/** The broker role of a node: its listeners, partitions and coordinators. */
export class BrokerPart {
  readonly identity: Identity
  readonly addresses: readonly AddressInfo[]
  private readonly services: Services
  private readonly metadata: MetadataObserver
  private readonly lifecycle: BrokerLifecycle
  private readonly listeners: readonly OpenListener[]
  private readonly upkeep: readonly Upkeep[]
  private readonly leave: () => void

  private constructor(
    services: Services,
    metadata: MetadataObserver,
    lifecycle: BrokerLifecycle,
    listeners: readonly OpenListener[],
    upkeep: readonly Upkeep[],
    leave: () => void,
  ) {
    this.identity = services.identity
    this.services = services
    this.metadata = metadata
    this.lifecycle = lifecycle
    this.listeners = listeners
    this.upkeep = upkeep
    this.leave = leave
    this.addresses = listeners.map(({ address }) => address)
  }

  /**
   * Follows the metadata, registers the broker, opens its partitions, is unfenced and becomes their
   * leader, then serves requests.
   */
  static open(options: BrokerPartOptions, rooms: BrokerRooms): Promise<BrokerPart> {
    const { statics, identity, logDirs } = options
    const { brokerId } = identity
    const guard = new StartGuard(options.halt)
    const { halt } = guard
    return allOrNothing(async (undo) => {
      const carriers = await nodeCarriers(statics, options.isAlone, rooms)
      const metadata = follow({ ...options, halt }, carriers, rooms)
      undo.push(() => metadata.close())
      await metadata.caughtUp()
      const quotas = quotasOf(options, metadata, rooms)
      let lifecycle: BrokerLifecycle | null = null
      const epoch = () => lifecycle?.epoch ?? -1
      const made = brokerServices(options, metadata, quotas, epoch, carriers, rooms)
      const { services } = made
      undo.push(async () => made.closeChannels())
      const dispatcher = dispatcherOf(services, quotas, rooms)
      const { sharesProcessWith } = identity
      const listening = { ...services, sharesProcessWith }
      const listeners = await openListeners(options.listeners, listening, dispatcher, rooms)
      undo.push(() => Promise.all(listeners.map(({ listener }) => listener.close())))
      lifecycle = lifecycleOf({ ...options, halt }, listeners, metadata, made.heartbeats, rooms)
      undo.push(async () => lifecycle?.close())
      hurryHeartbeats(brokerId, metadata, lifecycle)
      await lifecycle.register()
      const server = loopbackServer(dispatcher, interBrokerListenerOf(statics))
      const unserve = rooms.brokers.serve(brokerId, server)
      undo.push(async () => unserve())
      watchLogDirs({
        ...{ logDirs, partitions: services.partitions, halt },
        report: (directoryId) => void lifecycle!.dirFailed(directoryId),
      })
      await guard.during(followImage(services, metadata))
      followKeys(services, metadata, statics)
      await guard.during(lifecycle.becomeReady())
      // It leads its partitions once it has applied that it is unfenced.
      await guard.during(unfenced(brokerId, lifecycle.epoch, metadata).done)
      await metadata.inStep()
      for (const { listener } of listeners) listener.serve()
      const upkeep = startUpkeep(statics, logDirs, rooms)
      guard.started()
      const leave = () => {
        unserve()
        made.closeChannels()
      }
      return new BrokerPart(services, metadata, lifecycle, listeners, upkeep, leave)
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

  /** Returns the broker epoch. */
  get epoch(): number {
    return this.lifecycle.epoch
  }

  /** Resolves when this broker sees another one unfenced in an epoch; after a second at latest. */
  async sees(brokerId: number, epoch: number, clock: Clock): Promise<void> {
    const seen = unfenced(brokerId, epoch, this.metadata)
    const timer = clock.after(seenMsMax, seen.end)
    await seen.done
    timer.clear()
  }

  /**
   * Stops serving.
   * @param isControlled whether the controller is to move leaderships first; needless if the
   * cluster stops too.
   */
  async close(isControlled: boolean): Promise<void> {
    if (isControlled) await this.lifecycle.shutDown()
    await this.lifecycle.close()
    for (const { listener } of this.listeners) await listener.close()
    this.leave()
    this.services.transactions.close()
    this.services.shares.close()
    this.services.groups.close()
    this.services.expressions.close()
    for (const work of this.upkeep) await work.stop()
    await this.metadata.close()
  }
}

function follow(
  { statics, identity, logDirs, bootstrap, halt }: BrokerPartOptions,
  { controllers: carrier }: NodeCarriers,
  { clock, random, turns, logger }: BrokerRooms,
): MetadataObserver {
  const { brokerId, clusterId } = identity
  const { directoryId } = metadataLogDir(statics, logDirs)
  return new MetadataObserver({
    ...{ clock, random, turns, logger, carrier, bootstrap, directoryId, clusterId },
    name: `broker ${brokerId}`,
    nodeId: brokerId,
    limits: observerLimits(statics),
    failed: (fault) => halt(`the metadata log cannot be followed: ${messageOf(fault)}`),
  })
}

function dispatcherOf(
  services: Services,
  quotas: QuotaGate,
  { logger }: BrokerRooms,
): Dispatcher<Services> {
  const byKey = new Map(handlers.map((one) => [one.api.key, one]))
  return new Dispatcher(byKey, services, new UnservedRequests(logger), quotas)
}

function lifecycleOf(
  { statics, identity, logDirs, isJoining, halt }: BrokerPartOptions,
  listeners: readonly OpenListener[],
  metadata: MetadataObserver,
  controller: ControllerClient,
  { clock, random, logger }: BrokerRooms,
): BrokerLifecycle {
  // Without replication it must not get replicas that others are to follow.
  const isCordoned = isJoining && statics.bool('odradek.join.cordoned')
  return new BrokerLifecycle({
    ...identity,
    incarnationId: randomUuid(random),
    endpoints: listeners.map(({ endpoint }) => endpoint),
    rack: statics.string('broker.rack'),
    logDirs: onlineIds(logDirs),
    previousEpoch: previousEpochOf(logDirs),
    cordonedLogDirs: isCordoned ? onlineIds(logDirs) : [],
    heartbeatIntervalMs: statics.int('broker.heartbeat.interval.ms'),
    registrationTimeoutMs: statics.int('initial.broker.registration.timeout.ms'),
    sessionTimeoutMs: statics.int('broker.session.timeout.ms'),
    appliedOffset: () => metadata.appliedOffset,
    ...{ controller, clock, logger },
    lost: halt,
  })
}

/** Returns the broker epoch that all directories were closed in, cleanly; -1 if they were not. */
function previousEpochOf(logDirs: readonly LogDir[]): number {
  const epochs = new Set(logDirs.map((dir) => (dir.isOffline ? -1 : (dir.cleanEpoch ?? -1))))
  const [first = -1] = epochs
  return epochs.size === 1 ? first : -1
}

/** Opens the partitions of the current image, then applies every later change, without a gap. */
async function followImage(
  { partitions, replicaDirectories }: Services,
  metadata: BrokerMetadata,
): Promise<void> {
  const opened = partitions.open(metadata.image)
  const isOpen = opened.then(
    () => true,
    () => false,
  )
  const report = () => replicaDirectories.assign(partitions.takeMisplaced())
  metadata.listen('partitions', async (image, changes) => {
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
  metadata: BrokerMetadata,
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
  metadata: BrokerMetadata,
  statics: BrokerSettings,
): void {
  const dynamicOf = (image: Image) => dynamicConfigsOf(() => image, brokerId)
  let known = dynamicOf(metadata.image).broker()
  metadata.listen('keys and certificates', async (image) => {
    const dynamic = dynamicOf(image)
    if (dynamic.broker() === known) return
    known = dynamic.broker()
    await tlsRenewal.renew(statics.withDynamic(dynamic))
  })
}

/**
 * Sends a heartbeat as soon as the metadata have been applied that somebody waits for: the broker's
 * own registration, or the shutdown of another one, which the controller grants only when all
 * others have told an offset behind it.
 */
function hurryHeartbeats(
  brokerId: number,
  metadata: BrokerMetadata,
  lifecycle: BrokerLifecycle,
): void {
  let known: Image['brokers'] = metadata.image.brokers
  metadata.listen('heartbeats', ({ brokers }) => {
    if (brokers === known) return
    known = brokers
    const isStopping = [...brokers.values()].some(
      ({ id, inControlledShutdown }) => inControlledShutdown && id !== brokerId,
    )
    if (isStopping || lifecycle.isCatchingUp) void metadata.inStep().then(() => lifecycle.hurry())
  })
}

/**
 * Waits until the image shows a broker unfenced in an epoch, or until `end` is called.
 */
function unfenced(
  brokerId: number,
  epoch: number,
  metadata: BrokerMetadata,
): { readonly done: Promise<void>; readonly end: () => void } {
  const isSeen = ({ brokers }: Image) => {
    const broker = brokers.get(brokerId)
    return broker !== undefined && broker.epoch >= epoch && !broker.fenced
  }
  let end = () => {}
  const done = new Promise<void>((resolve) => {
    const leave = metadata.listen('a broker is unfenced', (image) => {
      if (isSeen(image)) end()
    })
    end = () => {
      leave()
      resolve()
    }
  })
  // Images that came before the listener are seen once all others have processed them.
  void metadata.inStep().then(() => {
    if (isSeen(metadata.image)) end()
  })
  return { done, end }
}

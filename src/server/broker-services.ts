import type { Clock } from '../base/clock.ts'
import { ExpressionThread } from '../base/expressions.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import { dynamicConfigsOf } from '../metadata/image.ts'
import type { BrokerMetadata } from '../metadata/metadata.ts'
import { Partitions } from '../replication/partitions.ts'
import type { LogDir } from '../storage/log-dir.ts'
import { AutoCreation } from './auto-creation.ts'
import { BrokerChannels } from './broker-channels.ts'
import { authorizerOf } from './config/authorizer-settings.ts'
import { interBrokerListenerOf } from './config/roles.ts'
import { forwardableHandlers } from './controller/handlers/index.ts'
import { type ActiveController, ControllerClient } from './controller-client.ts'
import { FetchSessions } from './fetch/session.ts'
import { Forwarder } from './forwarder.ts'
import { groupsOf } from './groups.ts'
import { advertisedHandlers } from './handlers/index.ts'
import { LatestOffsets } from './latest-offsets.ts'
import type { NodeCarriers } from './node-carriers.ts'
import { ProducerIds } from './producer-ids.ts'
import { Purgatory } from './purgatory.ts'
import type { QuotaGate } from './quotas/quota-gate.ts'
import { RemoteMarkers } from './remote-markers.ts'
import { ReplicaDirectories } from './replica-directories.ts'
import type { Identity, Services } from './services.ts'
import { SharePersister } from './share-persister.ts'
import type { BrokerRooms } from './shared-rooms.ts'
import { sharesOf } from './shares.ts'
import { ClientTelemetry } from './telemetry/client-telemetry.ts'
import { topicView } from './topic-view.ts'
import { transactionsOf } from './transactions.ts'

/** The parts of a broker that do not change while it runs. */
interface BrokerStatics {
  readonly statics: BrokerSettings
  readonly identity: Identity
  readonly logDirs: readonly LogDir[]
}

/** A broker's services, and its channels to other nodes, which must be closed. */
export interface BrokerServices {
  readonly services: Services
  /** The channel of heartbeats. */
  readonly heartbeats: ControllerClient
  readonly closeChannels: () => void
}

/** @param epoch the broker epoch. */
export function brokerServices(
  { statics, identity, logDirs }: BrokerStatics,
  metadata: BrokerMetadata & ActiveController,
  quotas: QuotaGate,
  epoch: () => number,
  carriers: NodeCarriers,
  rooms: BrokerRooms,
): BrokerServices {
  const { clock, random, turns, logger } = rooms
  const { brokerId } = identity
  const settings = statics.withDynamic(dynamicConfigsOf(() => metadata.image, brokerId))
  const channels = channelsOf(brokerId, settings, metadata, carriers, clock)
  const { forwarding, directories, coordinators } = channels
  const partitions = new Partitions({ brokerId, logDirs, settings, turns })
  const forwarder = new Forwarder(forwarding, () => metadata.inStep())
  const producerIds = new ProducerIds({ controller: forwarding, brokerId, epoch, clock })
  const expressions = new ExpressionThread(clock)
  const remoteMarkers = new RemoteMarkers(channels.markers, settings.int('request.timeout.ms'))
  const parts = { clock, random, turns, logger, metadata, settings, partitions, expressions }
  const autoCreation = new AutoCreation({ forwarder, settings, logger })
  const topics = topicView(() => metadata.image)
  const shares = sharesOf({ ...parts, topics })
  const toShareState = {
    channels: channels.shareState,
    timeoutMs: settings.int('request.timeout.ms'),
  }
  const shareState = new SharePersister({
    ...{ brokerId, clock, metadata, shares, autoCreation },
    ...toShareState,
  })
  const groups = groupsOf({ ...parts, shareState })
  const slotsMax = () => settings.int('max.incremental.fetch.session.cache.slots')
  const services: Services = {
    ...parts,
    ...{ logDirs, forwarder, producerIds, quotas, groups, coordinators, identity },
    authorizer: rooms.authorizer ?? authorizerOf(statics, () => metadata.image.acls, logger),
    fetchSessions: new FetchSessions(slotsMax, clock, random),
    purgatory: new Purgatory(clock),
    ...{ autoCreation, shares, shareState },
    latestOffsets: new LatestOffsets({ brokerId, metadata, partitions, ...toShareState }),
    replicaDirectories: new ReplicaDirectories({
      controller: directories,
      brokerId,
      epoch,
      logger,
    }),
    transactions: transactionsOf({ ...parts, brokerId, groups, producerIds, remoteMarkers }),
    tlsRenewal: carriers.tlsRenewal,
    telemetry: new ClientTelemetry({ clock, random, image: () => metadata.image }),
    advertised: advertisedHandlers(statics).map(({ api }) => api),
    forwardable: new Set(forwardableHandlers.map(({ api }) => api.key)),
  }
  const { heartbeats } = channels
  return { services, heartbeats, closeChannels: channels.close }
}

/** Opens the channels that Kafka has, too: each kind of request waits only for its own kind. */
function channelsOf(
  brokerId: number,
  settings: Services['settings'],
  metadata: BrokerMetadata & ActiveController,
  { controllers, brokers }: NodeCarriers,
  clock: Clock,
) {
  const toController = (requestTimeoutMs: number) =>
    new ControllerClient({
      ...{ carrier: controllers, active: metadata, clock, requestTimeoutMs },
      clientId: String(brokerId),
    })
  const toBrokers = (clientId: string) =>
    new BrokerChannels({
      carrier: brokers,
      image: () => metadata.image,
      listenerName: interBrokerListenerOf(settings),
      clientId,
    })
  const heartbeats = toController(settings.int('broker.session.timeout.ms') / 2)
  const timeoutMs = settings.int('controller.socket.timeout.ms')
  const [forwarding, directories] = [toController(timeoutMs), toController(timeoutMs)]
  const coordinators = toBrokers(`AddPartitionsManager-client-${brokerId}`)
  const markers = toBrokers(`broker-${brokerId}-txn-marker-sender`)
  const shareState = toBrokers(`broker-${brokerId}-share-state`)
  const all = [heartbeats, forwarding, directories, coordinators, markers, shareState]
  const close = () => {
    for (const one of all) one.close()
  }
  return { heartbeats, forwarding, directories, coordinators, markers, shareState, close }
}

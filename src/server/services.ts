import type { Clock } from '../base/clock.ts'
import type { Expressions } from '../base/expressions.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Turns } from '../base/turns.ts'
import type { GroupCoordinator } from '../coordinator/group/coordinator.ts'
import type { ShareStateKeeper } from '../coordinator/group/share-state-keeper.ts'
import type { ShareCoordinator } from '../coordinator/share/coordinator.ts'
import type { TransactionCoordinator } from '../coordinator/transaction/coordinator.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import type { BrokerMetadata } from '../metadata/metadata.ts'
import type { AnyApi } from '../protocol/schema.ts'
import type { Partitions } from '../replication/partitions.ts'
import type { Authorizer } from '../security/authorizer.ts'
import type { LogDir } from '../storage/log-dir.ts'
import type { AutoCreation } from './auto-creation.ts'
import type { BrokerChannels } from './broker-channels.ts'
import type { FetchSessions } from './fetch/session.ts'
import type { Forwarder } from './forwarder.ts'
import type { LatestOffsets } from './latest-offsets.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { Purgatory } from './purgatory.ts'
import type { RequestQuotas } from './quotas/request-quotas.ts'
import type { ReplicaDirectories } from './replica-directories.ts'
import type { ClientTelemetry } from './telemetry/client-telemetry.ts'
import type { TlsRenewal } from './tls-renewal.ts'

/** The parts of one broker that handlers use. Built by `broker-part.ts`, never global. */
export interface Services {
  readonly clock: Clock
  readonly random: Random
  /** For work that grows with a request: takes turns with the work of other connections. */
  readonly turns: Turns
  readonly logger: Logger
  readonly authorizer: Authorizer
  readonly settings: BrokerSettings
  readonly metadata: BrokerMetadata
  readonly partitions: Partitions
  readonly logDirs: readonly LogDir[]
  readonly fetchSessions: FetchSessions
  readonly purgatory: Purgatory
  readonly autoCreation: AutoCreation
  readonly forwarder: Forwarder
  readonly replicaDirectories: ReplicaDirectories
  readonly producerIds: ProducerIds
  readonly quotas: RequestQuotas
  /** Regular expressions of clients that may take long. */
  readonly expressions: Expressions
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  readonly shares: ShareCoordinator
  /** The share coordinators of the cluster. */
  readonly shareState: ShareStateKeeper
  readonly latestOffsets: LatestOffsets
  /** Channels to the brokers that coordinate transactions. */
  readonly coordinators: BrokerChannels
  readonly telemetry: ClientTelemetry
  readonly tlsRenewal: TlsRenewal
  readonly identity: Identity
  /** The API keys that ApiVersions lists. */
  readonly advertised: readonly AnyApi[]
  /** The API keys of requests that the controller answers. */
  readonly forwardable: ReadonlySet<number>
}

/** The broker's ids. */
export interface Identity {
  readonly brokerId: number
  /** Whether a broker runs in this process: a client that reaches one reaches the other. */
  readonly sharesProcessWith: (brokerId: number) => boolean
  readonly clusterId: string
}

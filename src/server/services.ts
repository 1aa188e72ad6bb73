import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { GroupCoordinator } from '../coordinator/group/coordinator.ts'
import type { TransactionCoordinator } from '../coordinator/transaction/coordinator.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import type { Metadata } from '../metadata/metadata.ts'
import type { AnyApi } from '../protocol/schema.ts'
import type { Partitions } from '../replication/partitions.ts'
import type { Authorizer } from '../security/authorizer.ts'
import type { LogDir } from '../storage/log-dir.ts'
import type { FetchSessions } from './fetch/session-cache.ts'
import type { Peer } from './peers.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { ClientTelemetry } from './telemetry/client-telemetry.ts'

/** What a handler may ask for: the rooms of one broker. Built by `broker.ts`, never a global. */
export interface Services {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly authorizer: Authorizer
  readonly settings: BrokerSettings
  readonly metadata: Metadata
  readonly partitions: Partitions
  readonly logDirs: readonly LogDir[]
  readonly fetchSessions: FetchSessions
  readonly producerIds: ProducerIds
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  readonly peers: ReadonlyMap<number, Peer>
  readonly telemetry: ClientTelemetry
  readonly identity: Identity
  /** The keys that this broker answers, for ApiVersions. */
  readonly served: readonly AnyApi[]
}

/** Who this broker is. */
export interface Identity {
  readonly brokerId: number
  /** The node that keeps the metadata log; the same as `brokerId` where one node is both. */
  readonly controllerId: number
  /** Whether a broker lives in this process, so that who reached one reaches the other. */
  readonly sharesProcessWith: (brokerId: number) => boolean
  readonly clusterId: string
}

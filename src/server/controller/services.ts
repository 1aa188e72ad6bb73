import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Random } from '../../base/random.ts'
import type { Turns } from '../../base/turns.ts'
import type { BrokerSettings } from '../../metadata/config/settings.ts'
import type { BrokerSessions } from '../../metadata/controller/broker-sessions.ts'
import type { MetadataController } from '../../metadata/metadata.ts'
import type { AnyApi } from '../../protocol/schema.ts'
import type { MetadataPartition } from '../../quorum/metadata-partition.ts'
import type { Authorizer } from '../../security/authorizer.ts'
import type { Dispatched } from '../connection.ts'
import type { ControllerQuotas } from '../quotas/controller-quotas.ts'
import type { Session } from '../session.ts'

/** The parts of a controller that its handlers use. Built by `controller-part.ts`. */
export interface ControllerServices {
  readonly clock: Clock
  readonly random: Random
  readonly turns: Turns
  readonly logger: Logger
  readonly authorizer: Authorizer
  readonly settings: BrokerSettings
  readonly metadata: MetadataController
  /** Heartbeats of the brokers since this controller began. */
  readonly sessions: BrokerSessions
  /** The metadata log that this controller leads. */
  readonly partition: MetadataPartition
  readonly quotas: ControllerQuotas
  readonly identity: ControllerIdentity
  /** Keys of the requests that may come in an Envelope. */
  readonly forwardable: ReadonlySet<number>
  /** Answers a request in an Envelope, for the client it names. @throws Malformed */
  readonly answerForwarded: (frame: Buffer, session: Session) => Dispatched['response']
  /** The API keys that ApiVersions lists. */
  readonly advertised: readonly AnyApi[]
}

export interface ControllerIdentity {
  readonly nodeId: number
  readonly clusterId: string
}

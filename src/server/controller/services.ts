import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Random } from '../../base/random.ts'
import type { Turns } from '../../base/turns.ts'
import type { BrokerSettings } from '../../metadata/config/settings.ts'
import type { MetadataController } from '../../metadata/metadata.ts'
import type { MetadataPartition } from '../../quorum/metadata-partition.ts'
import type { Authorizer } from '../../security/authorizer.ts'

/** The parts of a controller that its handlers use. Built by `controller-part.ts`. */
export interface ControllerServices {
  readonly clock: Clock
  readonly random: Random
  readonly turns: Turns
  readonly logger: Logger
  readonly authorizer: Authorizer
  readonly settings: BrokerSettings
  readonly metadata: MetadataController
  /** The metadata log that this controller leads. */
  readonly partition: MetadataPartition
  readonly identity: ControllerIdentity
}

export interface ControllerIdentity {
  readonly nodeId: number
  readonly clusterId: string
}

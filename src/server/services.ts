import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Authorizer } from '../security/authorizer.ts'

/** What a handler may ask for: the rooms of one broker. Built by `broker.ts`, never a global. */
export interface Services {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly authorizer: Authorizer
}

import type { Logger } from '../../base/logger.ts'
import type { BrokerSettings } from '../../metadata/config/settings.ts'
import type { Image } from '../../metadata/image.ts'
import { type Authorizer, allowAll } from '../../security/authorizer.ts'
import { StandardAuthorizer } from '../../security/standard-authorizer.ts'
import { BadConfig } from './static-config.ts'

const standardClass = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer'

/** Reads `super.users`: principals as `type:name`, split at semicolons. */
function superUsersOf(settings: BrokerSettings): ReadonlySet<string> {
  const users = (settings.text('super.users') ?? '').split(';').map((user) => user.trim())
  const given = users.filter((user) => user !== '')
  for (const user of given) {
    if (user.includes(':')) continue
    throw new BadConfig(
      `super.users: expected a string in format principalType:principalName but got ${user}`,
    )
  }
  return new Set(given)
}

/** @throws BadConfig for a class that cannot be loaded here, or a principal without a type. */
export function checkAuthorizer(settings: BrokerSettings): void {
  const name = settings.string('authorizer.class.name') ?? ''
  if (name === '') return
  if (name !== standardClass) {
    throw new BadConfig(`authorizer.class.name: the class ${name} is not supported`)
  }
  superUsersOf(settings)
}

/** Returns the authorizer that the settings name; without one everything is allowed. */
export function authorizerOf(
  settings: BrokerSettings,
  acls: () => Image['acls'],
  logger: Logger,
): Authorizer {
  if ((settings.string('authorizer.class.name') ?? '') === '') return allowAll
  const isOpen = settings.text('allow.everyone.if.no.acl.found')?.trim().toLowerCase()
  return new StandardAuthorizer({
    superUsers: superUsersOf(settings),
    isOpenWithoutAcls: isOpen === 'true',
    acls,
    logger,
  })
}

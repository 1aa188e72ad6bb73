import type { Logger } from '../base/logger.ts'
import {
  type Acl,
  aclOperations,
  aclResourceTypes,
  nameOf,
  patternTypes,
  permissionTypes,
  wildcardResource,
} from '../metadata/acls.ts'
import { principalText } from '../metadata/delegation-tokens.ts'
import type { Image } from '../metadata/image.ts'
import { AclIndex } from './acl-index.ts'
import type { Access, AclOperation, Authorizer, ResourceKind } from './authorizer.ts'

const resourceTypeOf: Readonly<Record<ResourceKind, keyof typeof aclResourceTypes>> = {
  topic: 'TOPIC',
  group: 'GROUP',
  cluster: 'CLUSTER',
  transactionalId: 'TRANSACTIONAL_ID',
  delegationToken: 'DELEGATION_TOKEN',
  user: 'USER',
}

/**
 * Operations whose ALLOW entries also allow DESCRIBE, or DESCRIBE_CONFIGS; DENY implies nothing.
 */
const alsoAllowedBy: { readonly [operation in AclOperation]?: readonly number[] } = {
  DESCRIBE: [aclOperations.READ, aclOperations.WRITE, aclOperations.DELETE, aclOperations.ALTER],
  DESCRIBE_CONFIGS: [aclOperations.ALTER_CONFIGS],
}

const anyPrincipal = 'User:*'
const anyHost = '*'

interface Rule {
  readonly isAllowed: boolean
  /** The name of the rule in the log, as Kafka writes it. */
  readonly name: string
}

const superUser: Rule = { isAllowed: true, name: 'SuperUser' }
const defaultAllow: Rule = { isAllowed: true, name: 'DefaultAllow' }
const defaultDeny: Rule = { isAllowed: false, name: 'DefaultDeny' }

export interface StandardAuthorizerOptions {
  /** Principals that may do everything, as `type:name` (`super.users`). */
  readonly superUsers: ReadonlySet<string>
  /** Whether a resource without any entry is open to all (`allow.everyone.if.no.acl.found`). */
  readonly isOpenWithoutAcls: boolean
  /** The newest access control entries; a new object after each change. */
  readonly acls: () => Image['acls']
  readonly logger: Logger
}

/**
 * Decides by the access control entries of the metadata log (Kafka's `StandardAuthorizer`): a DENY
 * entry that matches wins over all others; without a matching entry nothing is allowed.
 */
export class StandardAuthorizer implements Authorizer {
  readonly usesAcls = true
  private readonly options: StandardAuthorizerOptions
  private indexed: { readonly acls: Image['acls']; readonly index: AclIndex } | null = null

  constructor(options: StandardAuthorizerOptions) {
    this.options = options
  }

  isAllowed(access: Access): boolean {
    const rule = this.ruleFor(access)
    if (!rule.isAllowed && access.isDenialLogged) this.logDenial(access, rule)
    return rule.isAllowed
  }

  /**
   * Whether the operation is allowed on at least one resource of a kind, whatever its name
   * (Kafka's `authorizeByResourceType`).
   */
  isAllowedOnAny(access: Omit<Access, 'name'>): boolean {
    // Any name will do: super users are allowed, and all where no entry exists.
    if (this.ruleFor({ ...access, name: 'hardcode' }).isAllowed) return true
    const denied = { literal: new Set<string>(), prefixed: new Set<string>() }
    const allowed: Acl[] = []
    const wanted = aclOperations[access.operation]
    const [who, address] = [principalText(access.principal), addressOf(access.host)]
    for (const acl of this.index.ofAll(aclResourceTypes[resourceTypeOf[access.kind]])) {
      if (!isOf(acl, who, address)) continue
      if (acl.operation !== wanted && acl.operation !== aclOperations.ALL) continue
      const isLiteral = acl.patternType === patternTypes.LITERAL
      if (acl.permissionType !== permissionTypes.DENY) allowed.push(acl)
      else if (isLiteral && acl.resourceName === wildcardResource) return false
      else denied[isLiteral ? 'literal' : 'prefixed'].add(acl.resourceName)
    }
    return allowed.some(({ patternType, resourceName }) => {
      const isLiteral = patternType === patternTypes.LITERAL
      if (isLiteral && resourceName === wildcardResource) return true
      if (isLiteral && denied.literal.has(resourceName)) return false
      return ![...denied.prefixed].some((prefix) => resourceName.startsWith(prefix))
    })
  }

  private get index(): AclIndex {
    const acls = this.options.acls()
    if (this.indexed?.acls !== acls) this.indexed = { acls, index: new AclIndex(acls.values()) }
    return this.indexed.index
  }

  private ruleFor({ principal, host, operation, kind, name }: Access): Rule {
    const { superUsers, isOpenWithoutAcls } = this.options
    const who = principalText(principal)
    if (superUsers.has(who)) return superUser
    const address = addressOf(host)
    let hasAcls = false
    let allowedBy: Acl | null = null
    for (const acls of this.index.of(aclResourceTypes[resourceTypeOf[kind]], name)) {
      hasAcls = true
      for (const acl of acls) {
        if (!isOf(acl, who, address) || !isFor(acl, operation)) continue
        if (acl.permissionType === permissionTypes.DENY) return ruleOf(acl)
        allowedBy = acl
      }
    }
    if (allowedBy !== null) return ruleOf(allowedBy)
    return !hasAcls && isOpenWithoutAcls ? defaultAllow : defaultDeny
  }

  /** The line of Kafka's `kafka.authorizer.logger`. */
  private logDenial({ principal, host, operation, kind, name, request }: Access, rule: Rule) {
    const type = pascalCase(resourceTypeOf[kind])
    this.options.logger.info(
      `Principal = ${principalText(principal)} is Denied operation = ${operation} ` +
        `from host = ${addressOf(host)} on resource = ${type}:LITERAL:${name} ` +
        `for request = ${request} based on rule ${rule.name}`,
    )
  }
}

/** Without the slash of Java's InetAddress. */
const addressOf = (host: string) => host.replace(/^\//, '')

/** @param who the principal as `type:name`. */
function isOf(acl: Acl, who: string, host: string): boolean {
  if (acl.principal !== anyPrincipal && acl.principal !== who) return false
  return acl.host === anyHost || acl.host === host
}

function isFor(acl: Acl, operation: AclOperation): boolean {
  if (acl.operation === aclOperations.ALL || acl.operation === aclOperations[operation]) return true
  if (acl.permissionType !== permissionTypes.ALLOW) return false
  return alsoAllowedBy[operation]?.includes(acl.operation) ?? false
}

function ruleOf(acl: Acl): Rule {
  const { resourceName, principal, host } = acl
  return {
    isAllowed: acl.permissionType === permissionTypes.ALLOW,
    get name() {
      return (
        `MatchingAcl(acl=StandardAcl(resourceType=${nameOf(aclResourceTypes, acl.resourceType)}, ` +
        `resourceName=${resourceName}, patternType=${nameOf(patternTypes, acl.patternType)}, ` +
        `principal=${principal}, host=${host}, operation=${nameOf(aclOperations, acl.operation)}, ` +
        `permissionType=${nameOf(permissionTypes, acl.permissionType)}))`
      )
    },
  }
}

/** `TRANSACTIONAL_ID` becomes `TransactionalId`. */
const pascalCase = (name: string) =>
  name.toLowerCase().replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())

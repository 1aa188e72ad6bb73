import type { AccessControlEntryRecord } from '../protocol/stored/metadata/18-access-control-entry-record.ts'

/** Codes of `org.apache.kafka.common.resource.ResourceType`; 0 is unknown. */
export const aclResourceTypes = {
  ANY: 1,
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
  USER: 7,
} as const

/** Codes of `org.apache.kafka.common.resource.PatternType`; 0 is unknown. */
export const patternTypes = { ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const

/** Codes of `org.apache.kafka.common.acl.AclPermissionType`; 0 is unknown. */
export const permissionTypes = { ANY: 1, DENY: 2, ALLOW: 3 } as const

/** Codes of `org.apache.kafka.common.acl.AclOperation`; 0 is unknown. */
export const aclOperations = {
  ANY: 1,
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
  TWO_PHASE_COMMIT: 15,
} as const

/** Returns the name of a code in one of these tables; `UNKNOWN` if it is not in it. */
export function nameOf(codes: Readonly<Record<string, number>>, code: number): string {
  return Object.keys(codes).find((name) => codes[name] === code) ?? 'UNKNOWN'
}

/** The resource name that a literal entry gives for all resources of its type. */
export const wildcardResource = '*'

/** An access control entry without its id (Kafka's `AclBinding`). */
export type Acl = Omit<AccessControlEntryRecord, 'id'>

/** A condition on access control entries: null, and the codes of ANY, match all. */
export interface AclFilter {
  readonly resourceType: number
  readonly resourceName: string | null
  readonly patternType: number
  readonly principal: string | null
  readonly host: string | null
  readonly operation: number
  readonly permissionType: number
}

/** Kafka's `AclBindingFilter.matches`. */
export function matchesAcl(filter: AclFilter, acl: Acl): boolean {
  return (
    matchesCode(filter.resourceType, acl.resourceType, aclResourceTypes.ANY) &&
    matchesPattern(filter, acl) &&
    (filter.principal === null || filter.principal === acl.principal) &&
    (filter.host === null || filter.host === acl.host) &&
    matchesCode(filter.operation, acl.operation, aclOperations.ANY) &&
    matchesCode(filter.permissionType, acl.permissionType, permissionTypes.ANY)
  )
}

const matchesCode = (wanted: number, actual: number, any: number) =>
  wanted === any || wanted === actual

/** With MATCH, the filter's name is a resource, and all patterns match that apply to it. */
function matchesPattern({ patternType, resourceName }: AclFilter, acl: Acl): boolean {
  const { ANY, MATCH, LITERAL } = patternTypes
  if (patternType !== MATCH) {
    if (!matchesCode(patternType, acl.patternType, ANY)) return false
    return resourceName === null || resourceName === acl.resourceName
  }
  if (resourceName === null) return true
  if (acl.patternType !== LITERAL) return resourceName.startsWith(acl.resourceName)
  return resourceName === acl.resourceName || acl.resourceName === wildcardResource
}

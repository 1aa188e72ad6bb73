import { aclOperations } from '../metadata/acls.ts'

/** The identity of a client: `User:ANONYMOUS` on a PLAINTEXT listener. */
export interface Principal {
  readonly type: string
  readonly name: string
}

export const anonymous: Principal = { type: 'User', name: 'ANONYMOUS' }

/** Operations of resources (`org.apache.kafka.common.acl.AclOperation`). */
export type AclOperation = Exclude<keyof typeof aclOperations, 'ANY'>

export type ResourceKind =
  | 'topic'
  | 'group'
  | 'cluster'
  | 'transactionalId'
  | 'delegationToken'
  | 'user'

/** An operation of a principal on a resource, to be allowed or denied. */
export interface Access {
  readonly principal: Principal
  /** In the format of Java's InetAddress: `/127.0.0.1`. */
  readonly host: string
  readonly operation: AclOperation
  readonly kind: ResourceKind
  readonly name: string
  /** The name of the API for which access is asked: `Produce`, … */
  readonly request: string
  /** False where a denial only makes an answer smaller. */
  readonly isDenialLogged: boolean
}

/** The only place where permissions are checked. */
export interface Authorizer {
  /** Whether it decides by access control entries, which may then be described and changed. */
  readonly usesAcls: boolean
  isAllowed(access: Access): boolean
  /** Whether the operation is allowed on at least one resource of the kind. */
  isAllowedOnAny(access: Omit<Access, 'name'>): boolean
}

/** The authorizer without `authorizer.class.name`: allows everything, as in Kafka. */
export const allowAll: Authorizer = {
  usesAcls: false,
  isAllowed: () => true,
  isAllowedOnAny: () => true,
}

/** Operations that each kind of resource supports (`AclEntry.supportedOperations`). */
const supportedOperations: Readonly<Record<ResourceKind, readonly AclOperation[]>> = {
  topic: [
    'READ',
    'WRITE',
    'CREATE',
    'DESCRIBE',
    'DELETE',
    'ALTER',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
  ],
  group: ['READ', 'DESCRIBE', 'DELETE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  cluster: [
    'CREATE',
    'CLUSTER_ACTION',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
    'IDEMPOTENT_WRITE',
    'ALTER',
    'DESCRIBE',
  ],
  transactionalId: ['DESCRIBE', 'WRITE', 'TWO_PHASE_COMMIT'],
  delegationToken: ['DESCRIBE'],
  user: ['CREATE_TOKENS', 'DESCRIBE_TOKENS'],
}

/** Value in responses if authorized operations were not requested. */
export const operationsNotRequested = -2147483648

/** Returns the bit field of the operations that a principal may do on a resource (KIP-430). */
export function authorizedOperations(
  authorizer: Authorizer,
  resource: Pick<Access, 'principal' | 'host' | 'kind' | 'name' | 'request'>,
): number {
  return supportedOperations[resource.kind]
    .filter((operation) => authorizer.isAllowed({ ...resource, operation, isDenialLogged: false }))
    .reduce((bits, operation) => bits | (1 << aclOperations[operation]), 0)
}

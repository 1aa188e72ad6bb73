/** Who is at the other end of a connection: `User:ANONYMOUS` on a PLAINTEXT listener. */
export interface Principal {
  readonly type: string
  readonly name: string
}

export const anonymous: Principal = { type: 'User', name: 'ANONYMOUS' }

/** Codes of `org.apache.kafka.common.acl.AclOperation`. */
export const aclOperations = {
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
export type AclOperation = keyof typeof aclOperations

export type ResourceKind = 'topic' | 'group' | 'cluster' | 'transactionalId' | 'delegationToken'

/** The one place where permission is asked. */
export interface Authorizer {
  isAllowed(
    principal: Principal,
    operation: AclOperation,
    kind: ResourceKind,
    name: string,
  ): boolean
}

/** A broker without `authorizer.class.name`: everything is allowed, as in Kafka. */
export const allowAll: Authorizer = { isAllowed: () => true }

/** What each kind of resource can be asked for (`AclEntry.supportedOperations`). */
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
}

/** What a response says where authorized operations were not asked for. */
export const operationsNotRequested = -2147483648

/** The bit field of the operations that `principal` may do on a resource (KIP-430). */
export function authorizedOperations(
  authorizer: Authorizer,
  principal: Principal,
  kind: ResourceKind,
  name: string,
): number {
  return supportedOperations[kind]
    .filter((operation) => authorizer.isAllowed(principal, operation, kind, name))
    .reduce((bits, operation) => bits | (1 << aclOperations[operation]), 0)
}

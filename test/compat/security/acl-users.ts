import {
  aclOperations,
  aclResourceTypes,
  patternTypes,
  permissionTypes,
} from '../../../src/metadata/acls.ts'

/** An entry without its principal, which is the user it is made for. */
interface Rule {
  readonly resourceType: number
  readonly resourceName: string
  readonly resourcePatternType: number
  readonly host: string
  readonly operation: number
  readonly permissionType: number
}

/** A user and all that it may do: entries do not change while requests are asked. */
export interface AclUser {
  readonly name: string
  readonly rules: readonly Rule[]
}

type Kind = Exclude<keyof typeof aclResourceTypes, 'ANY' | 'DELEGATION_TOKEN' | 'USER'>
type Operation = keyof typeof aclOperations

const operationsOf: Readonly<Record<Kind, readonly Operation[]>> = {
  TOPIC: [
    ...(['READ', 'WRITE', 'CREATE', 'DESCRIBE', 'DELETE', 'ALTER'] as const),
    ...(['DESCRIBE_CONFIGS', 'ALTER_CONFIGS'] as const),
  ],
  GROUP: ['READ', 'DESCRIBE', 'DELETE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  CLUSTER: [
    ...(['CREATE', 'CLUSTER_ACTION', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'] as const),
    ...(['IDEMPOTENT_WRITE', 'ALTER', 'DESCRIBE'] as const),
  ],
  TRANSACTIONAL_ID: ['DESCRIBE', 'WRITE', 'TWO_PHASE_COMMIT'],
}
const kinds = Object.keys(operationsOf) as Kind[]

const rule = (kind: Kind, operation: Operation, changes: Partial<Rule> = {}): Rule => ({
  resourceType: aclResourceTypes[kind],
  resourceName: kind === 'CLUSTER' ? 'kafka-cluster' : '*',
  resourcePatternType: patternTypes.LITERAL,
  host: '*',
  operation: aclOperations[operation],
  permissionType: permissionTypes.ALLOW,
  ...changes,
})
const everything = kinds.map((kind) => rule(kind, 'ALL'))
const withPrefix = (resourceName: string) => ({
  resourceName,
  resourcePatternType: patternTypes.PREFIXED,
})
const each = kinds.flatMap((kind) =>
  operationsOf[kind].map((operation) => ({ kind, operation, mark: `${kind}-${operation}` })),
)
/** Reading and describing all, so that requests get as far as the operation that is asked for. */
const seeing = (['TOPIC', 'GROUP', 'TRANSACTIONAL_ID'] as const).map((kind) =>
  rule(kind, 'DESCRIBE'),
)

/** Without any right. */
export const nobody: AclUser = { name: 'nobody', rules: [] }

export const aclUsers: readonly AclUser[] = [
  nobody,
  { name: 'all', rules: everything },
  ...each.map(({ kind, operation, mark }) => ({
    name: `only-${mark}`,
    rules: [rule(kind, operation)],
  })),
  ...each.map(({ kind, operation, mark }) => ({
    name: `sees-and-${mark}`,
    rules: [...seeing, rule(kind, operation)],
  })),
  ...each.map(({ kind, operation, mark }) => ({
    name: `all-but-${mark}`,
    rules: [...everything, rule(kind, operation, { permissionType: permissionTypes.DENY })],
  })),
  {
    name: 'prefixed',
    rules: kinds
      .filter((kind) => kind !== 'CLUSTER')
      .map((kind) => rule(kind, 'ALL', withPrefix('swee'))),
  },
  {
    name: 'neighbour',
    rules: kinds
      .filter((kind) => kind !== 'CLUSTER')
      .flatMap((kind) => [
        rule(kind, 'ALL', withPrefix('sweeq')),
        rule(kind, 'ALL', { resourceName: 'swee' }),
      ]),
  },
  {
    name: 'denied-by-prefix',
    rules: [
      ...everything,
      rule('TOPIC', 'ALL', { ...withPrefix('sw'), permissionType: permissionTypes.DENY }),
    ],
  },
  { name: 'this-host', rules: kinds.map((kind) => rule(kind, 'ALL', { host: '127.0.0.1' })) },
  { name: 'other-host', rules: kinds.map((kind) => rule(kind, 'ALL', { host: '10.9.8.7' })) },
  {
    name: 'all-but-this-host',
    rules: [
      ...everything,
      ...kinds.map((kind) =>
        rule(kind, 'ALL', { host: '127.0.0.1', permissionType: permissionTypes.DENY }),
      ),
    ],
  },
]

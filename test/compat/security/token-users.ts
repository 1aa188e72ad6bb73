import type { aclOperations } from '../../../src/metadata/acls.ts'

const minuteMs = 60_000
export const expiryLimitMs = 60 * minuteMs
export const lifetimeLimitMs = 24 * 60 * minuteMs
/** On the listener `short`. */
const sessionMsMax = 5 * minuteMs
export const secretKey = 'the secret of both brokers'
export const password = 'pw'
/** Without any right, to ask what only an existing token answers. */
export const stranger = 'stranger'

type Operation = keyof typeof aclOperations
export interface Rule {
  readonly principal: string
  readonly resourceType: 'TOPIC' | 'DELEGATION_TOKEN' | 'USER'
  readonly resourceName: string
  readonly operation: Operation
  readonly patternType?: 'LITERAL' | 'PREFIXED'
  readonly permissionType?: 'ALLOW' | 'DENY'
}
const ofUser = (user: string, operation: Operation, resourceName: string, more = {}): Rule => ({
  ...{ principal: `User:${user}`, resourceType: 'USER', operation, resourceName },
  ...more,
})
const ofToken = (user: string, operation: Operation, resourceName: string): Rule => ({
  ...{ principal: `User:${user}`, resourceType: 'DELEGATION_TOKEN', operation, resourceName },
})
export const rules: readonly Rule[] = [
  ofUser('maker', 'CREATE_TOKENS', 'User:alice'),
  ofUser('maker-by-prefix', 'CREATE_TOKENS', 'User:al', { patternType: 'PREFIXED' }),
  ofUser('maker-of-all', 'ALL', '*'),
  ofUser('denied-maker', 'CREATE_TOKENS', '*'),
  ofUser('denied-maker', 'CREATE_TOKENS', 'User:alice', { permissionType: 'DENY' }),
  ofUser('seer', 'DESCRIBE_TOKENS', 'User:alice'),
  ofToken('reader', 'DESCRIBE', '*'),
  ofToken('reader-of-all', 'ALL', '*'),
  {
    ...{ principal: 'User:alice', resourceType: 'TOPIC', resourceName: 'alices' },
    operation: 'DESCRIBE',
  },
]
const users = [
  ...new Set([
    'admin',
    'alice',
    'bob',
    'carol',
    stranger,
    ...rules.map(({ principal: p }) => p.slice(5)),
  ]),
  'late',
]

export const tokenSettings = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS;User:admin',
  'delegation.token.secret.key': secretKey,
  'delegation.token.expiry.time.ms': expiryLimitMs,
  'delegation.token.max.lifetime.ms': lifetimeLimitMs,
  // Not so short that a session ends during a script.
  'listener.name.short.connections.max.reauth.ms': sessionMsMax,
  'listener.name.sasl.plain.sasl.jaas.config':
    'org.apache.kafka.common.security.plain.PlainLoginModule required ' +
    `${users.map((user) => `user_${user}="${password}"`).join(' ')};`,
}

import { describeAcls } from '../../../src/protocol/messages/29-describe-acls.ts'
import { createAcls } from '../../../src/protocol/messages/30-create-acls.ts'
import { deleteAcls } from '../../../src/protocol/messages/31-delete-acls.ts'
import { createDelegationToken } from '../../../src/protocol/messages/38-create-delegation-token.ts'
import { renewDelegationToken } from '../../../src/protocol/messages/39-renew-delegation-token.ts'
import { expireDelegationToken } from '../../../src/protocol/messages/40-expire-delegation-token.ts'
import { describeDelegationToken } from '../../../src/protocol/messages/41-describe-delegation-token.ts'
import { describeClientQuotas } from '../../../src/protocol/messages/48-describe-client-quotas.ts'
import { alterClientQuotas } from '../../../src/protocol/messages/49-alter-client-quotas.ts'
import { describeUserScramCredentials } from '../../../src/protocol/messages/50-describe-user-scram-credentials.ts'
import { alterUserScramCredentials } from '../../../src/protocol/messages/51-alter-user-scram-credentials.ts'
import type { Peer } from './peer.ts'
import type { Scenario } from './scenario.ts'
import { settled } from './topics.ts'

type Entity = Readonly<Record<string, string | null>>
const entityOf = (entity: Entity) =>
  Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))

function quotas(peer: Peer, version: number, asVersion = version) {
  return {
    alter: (entity: Entity, ops: Readonly<Record<string, number | null>>, validateOnly = false) =>
      peer.ask(alterClientQuotas, version, {
        validateOnly,
        entries: [
          {
            entity: entityOf(entity),
            ops: Object.entries(ops).map(([key, value]) => ({
              ...{ key, value: value ?? 0, remove: value === null },
            })),
          },
        ],
      }),
    describe: async (
      components: readonly (readonly [string, number, string | null])[],
      strict = false,
    ) => {
      await settled(peer)
      await peer.ask(describeClientQuotas, asVersion, {
        strict,
        components: components.map(([entityType, matchType, match]) => ({
          ...{ entityType, matchType, match },
        })),
      })
    },
  }
}

const exact = 0
const byDefault = 1
const any = 2

const quotaScenarios: readonly Scenario[] = [
  {
    api: alterClientQuotas,
    title: 'and the order of all that is said',
    isInOrder: true,
    run: async (peer, version) => {
      const { alter, describe } = quotas(peer, version)
      const all: readonly Entity[] = Array.from({ length: 9 }, (_, i) => ({
        user: `ordered.${version}.${i}`,
        'client-id': i % 3 === 0 ? null : `c${i}`,
      }))
      for (const entity of all) await alter(entity, { request_percentage: 5 })
      const [first, second] = all
      await alter(first!, { producer_byte_rate: 1, consumer_byte_rate: 2 })
      await describe([['user', exact, first!.user!]])
      await alter(first!, { controller_mutation_rate: 3 })
      await describe([['user', exact, first!.user!]])
      await alter(second!, {
        controller_mutation_rate: 1,
        consumer_byte_rate: 2,
        producer_byte_rate: 3,
      })
      await describe([['user', exact, second!.user!]])
      for (const entity of all) {
        await alter(entity, { request_percentage: null, producer_byte_rate: null })
        await alter(entity, { controller_mutation_rate: null, consumer_byte_rate: null })
      }
    },
  },
  {
    api: alterClientQuotas,
    title: 'set and taken away',
    run: async (peer, version) => {
      const { alter, describe } = quotas(peer, version)
      const user = `user${version}`
      await alter({ user }, { producer_byte_rate: 1000, consumer_byte_rate: 2000 })
      await describe([['user', exact, user]])
      await alter({ user }, { producer_byte_rate: null })
      await alter({ user }, { producer_byte_rate: null })
      await describe([['user', exact, user]])
      await alter({ user, 'client-id': null }, { request_percentage: 12.5 }, true)
      await alter({ user, 'client-id': null }, { request_percentage: 12.5 })
      await describe([['user', exact, user]])
      await describe([['user', exact, user]], true)
      await alter({ user, 'client-id': null }, { request_percentage: null })
      await alter({ user }, { consumer_byte_rate: null })
      await describe([['user', exact, user]])
    },
  },
  {
    api: alterClientQuotas,
    title: 'refused',
    run: async (peer, version) => {
      const { alter } = quotas(peer, version)
      await alter({ user: 'u' }, { no_such_rate: 1 })
      await alter({ user: 'u' }, { producer_byte_rate: 0 })
      await alter({ user: 'u' }, { producer_byte_rate: -1 })
      await alter({ user: 'u' }, { producer_byte_rate: 1.5 })
      await alter({ group: 'g' }, { producer_byte_rate: 1 })
      await alter({}, { producer_byte_rate: 1 })
      await alter({ user: '' }, { producer_byte_rate: 1 })
      await alter({ ip: '127.0.0.1' }, { producer_byte_rate: 1 })
      await alter({ ip: '127.0.0.1', user: 'u' }, { connection_creation_rate: 1 })
      await alter({ ip: 'no address!' }, { connection_creation_rate: 1 })
      await alter({ user: 'u' }, { connection_creation_rate: 1 })
      await alter({ user: 'u' }, {})
    },
  },
  {
    api: alterClientQuotas,
    title: 'of addresses and defaults',
    run: async (peer, version) => {
      const { alter, describe } = quotas(peer, version)
      await alter({ ip: '127.0.0.9' }, { connection_creation_rate: 10 })
      await alter({ ip: null }, { connection_creation_rate: 20 })
      await describe([['ip', any, null]])
      await describe([['ip', byDefault, null]])
      await alter({ ip: '127.0.0.9' }, { connection_creation_rate: null })
      await alter({ ip: null }, { connection_creation_rate: null })
      await alter({ user: null }, { controller_mutation_rate: 5 })
      await describe([['user', byDefault, null]])
      await alter({ user: null }, { controller_mutation_rate: null })
    },
  },
  {
    api: describeClientQuotas,
    title: 'all ways to match',
    run: async (peer, version) => {
      const { alter, describe } = quotas(peer, 1, version)
      const [user, id] = [`matched${version}`, `client${version}`]
      const all: readonly Entity[] = [
        { user },
        { user, 'client-id': id },
        { user, 'client-id': null },
        { 'client-id': id },
      ]
      for (const entity of all) await alter(entity, { producer_byte_rate: 7 })
      await describe([['user', exact, user]])
      await describe([['user', exact, user]], true)
      await describe([
        ['user', exact, user],
        ['client-id', any, null],
      ])
      await describe([
        ['user', exact, user],
        ['client-id', byDefault, null],
      ])
      await describe([
        ['user', exact, user],
        ['client-id', exact, id],
      ])
      await describe([['client-id', exact, id]])
      await describe([['client-id', exact, id]], true)
      await describe([['client-id', byDefault, null]])
      for (const entity of all) await alter(entity, { producer_byte_rate: null })
    },
  },
  {
    api: describeClientQuotas,
    title: 'refused',
    run: async (peer, version) => {
      const { describe } = quotas(peer, 1, version)
      await describe([['group', exact, 'g']])
      await describe([['', exact, 'g']])
      await describe([['user', 9, 'g']])
      await describe([['user', exact, null]])
      await describe([['user', byDefault, 'x']])
      await describe([['user', any, 'x']])
      await describe([
        ['user', exact, 'a'],
        ['user', exact, 'b'],
      ])
      await describe([
        ['user', exact, 'a'],
        ['ip', exact, '127.0.0.1'],
      ])
    },
  },
]

const salted = Buffer.alloc(32, 7)
const salt = Buffer.alloc(16, 3)

const scramScenarios: readonly Scenario[] = [
  {
    api: alterUserScramCredentials,
    title: 'made and unmade',
    run: async (peer, version) => {
      const ask = (deletions: object[], upsertions: object[]) =>
        peer.ask(alterUserScramCredentials, version, { deletions, upsertions })
      const describe = async (...users: string[]) => {
        await settled(peer)
        await peer.ask(describeUserScramCredentials, 0, { users: users.map((name) => ({ name })) })
      }
      const made = (name: string, more: object = {}) => ({
        ...{ name, mechanism: 1, iterations: 4096, salt, saltedPassword: salted, ...more },
      })
      await ask([], [made('alice')])
      await ask([], [made('alice', { mechanism: 2, iterations: 8192 })])
      await describe('alice')
      await ask([{ name: 'alice', mechanism: 1 }], [made('bob')])
      await describe('alice', 'bob')
      await ask([{ name: 'alice', mechanism: 1 }], [])
      await ask([{ name: 'alice', mechanism: 2 }], [])
      await describe('alice', 'bob')
      await ask([{ name: 'bob', mechanism: 1 }], [])
      await describe('bob')
    },
  },
  {
    api: alterUserScramCredentials,
    title: 'refused',
    run: async (peer, version) => {
      const ask = (deletions: object[], upsertions: object[]) =>
        peer.ask(alterUserScramCredentials, version, { deletions, upsertions })
      const made = (more: object) => ({
        ...{ name: 'eve', mechanism: 1, iterations: 4096, salt, saltedPassword: salted, ...more },
      })
      await ask([], [made({ iterations: 1 })])
      await ask([], [made({ iterations: 99999 })])
      await ask([], [made({ mechanism: 9 })])
      await ask([], [made({ mechanism: 0 })])
      await ask([], [made({ name: '' })])
      await ask([], [made({}), made({})])
      await ask([{ name: 'eve', mechanism: 1 }], [made({})])
      await ask([{ name: 'nobody', mechanism: 1 }], [])
      await ask([{ name: 'nobody', mechanism: 9 }], [])
      await ask([{ name: 'nobody', mechanism: 1 }], [made({ iterations: 1 })])
      await ask([], [])
    },
  },
  {
    api: describeUserScramCredentials,
    run: async (peer, version) => {
      const ask = (users: object[] | null) =>
        peer.ask(describeUserScramCredentials, version, { users })
      await ask([{ name: 'nobody' }])
      await ask([{ name: 'nobody' }, { name: 'nobody' }])
      await ask([{ name: '' }])
      await ask([])
      await ask(null)
    },
  },
]

const filter = {
  resourceTypeFilter: 2,
  resourceNameFilter: 'x',
  patternTypeFilter: 3,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
}
const rule = {
  resourceType: 2,
  resourceName: 'x',
  resourcePatternType: 3,
  principal: 'User:x',
  host: '*',
  operation: 3,
  permissionType: 3,
}

const aclScenarios: readonly Scenario[] = [
  {
    api: describeAcls,
    run: async (peer, version) => {
      await peer.ask(describeAcls, version, filter)
      await peer.ask(describeAcls, version, { ...filter, resourceNameFilter: null })
      await peer.ask(describeAcls, version, { ...filter, patternTypeFilter: 1 })
    },
  },
  {
    api: createAcls,
    run: async (peer, version) => {
      await peer.ask(createAcls, version, { creations: [rule] })
      await peer.ask(createAcls, version, { creations: [rule, { ...rule, host: 'h' }] })
      await peer.ask(createAcls, version, { creations: [] })
    },
  },
  {
    api: deleteAcls,
    run: async (peer, version) => {
      await peer.ask(deleteAcls, version, { filters: [filter] })
      await peer.ask(deleteAcls, version, { filters: [filter, filter] })
      await peer.ask(deleteAcls, version, { filters: [] })
    },
  },
]

const tokenScenarios: readonly Scenario[] = [
  {
    api: createDelegationToken,
    run: async (peer, version) => {
      const renewer = { principalType: 'User', principalName: 'r' }
      for (const renewers of [[], [renewer]]) {
        await peer.ask(createDelegationToken, version, { renewers, maxLifetimeMs: -1 })
      }
    },
  },
  {
    api: renewDelegationToken,
    run: async (peer, version) => {
      await peer.ask(renewDelegationToken, version, { hmac: salt, renewPeriodMs: -1 })
      await peer.ask(renewDelegationToken, version, { hmac: Buffer.alloc(0), renewPeriodMs: 1 })
    },
  },
  {
    api: expireDelegationToken,
    run: async (peer, version) => {
      await peer.ask(expireDelegationToken, version, { hmac: salt, expiryTimePeriodMs: -1 })
      await peer.ask(expireDelegationToken, version, {
        ...{ hmac: Buffer.alloc(0), expiryTimePeriodMs: 1 },
      })
    },
  },
  {
    api: describeDelegationToken,
    run: async (peer, version) => {
      const owner = { principalType: 'User', principalName: 'o' }
      for (const owners of [null, [], [owner]]) {
        await peer.ask(describeDelegationToken, version, { owners })
      }
    },
  },
]

export const userAdminScenarios = [
  ...quotaScenarios,
  ...scramScenarios,
  ...aclScenarios,
  ...tokenScenarios,
]

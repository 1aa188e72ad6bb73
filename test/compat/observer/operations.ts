import { expect } from 'vitest'
import type { Channel } from '../../../src/channel/channel.ts'
import { aclOperations, aclResourceTypes, patternTypes } from '../../../src/metadata/acls.ts'
import { resourceTypes } from '../../../src/metadata/config/keys.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import { createTopics } from '../../../src/protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../../../src/protocol/messages/20-delete-topics.ts'
import { initProducerId } from '../../../src/protocol/messages/22-init-producer-id.ts'
import { createAcls } from '../../../src/protocol/messages/30-create-acls.ts'
import { deleteAcls } from '../../../src/protocol/messages/31-delete-acls.ts'
import { alterConfigs } from '../../../src/protocol/messages/33-alter-configs.ts'
import { createPartitions } from '../../../src/protocol/messages/37-create-partitions.ts'
import { electLeaders } from '../../../src/protocol/messages/43-elect-leaders.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/messages/44-incremental-alter-configs.ts'
import { alterPartitionReassignments } from '../../../src/protocol/messages/45-alter-partition-reassignments.ts'
import { alterClientQuotas } from '../../../src/protocol/messages/49-alter-client-quotas.ts'
import { alterUserScramCredentials } from '../../../src/protocol/messages/51-alter-user-scram-credentials.ts'
import { updateFeatures } from '../../../src/protocol/messages/57-update-features.ts'
import { unregisterBroker } from '../../../src/protocol/messages/64-unregister-broker.ts'
import type { Api, Draft, Fields } from '../../../src/protocol/schema.ts'
import { soon } from '../targets.ts'

/** A request to a broker, which forwards it to the controller, or something done to a node. */
export type Operation =
  | { readonly title: string; readonly ask: (broker: Channel) => Promise<unknown> }
  | { readonly title: string; readonly stop: number; readonly signal: 'SIGKILL' | 'SIGTERM' }
  | { readonly title: string; readonly start: number }

const timeoutMs = 30_000

/** A request is repeated until it succeeds: coordinators load, and leaders rejoin the ISR. */
function ask<Q extends Fields, R extends Fields>(
  title: string,
  api: Api<Q, R>,
  body: Draft<Q>,
): Operation {
  return {
    title,
    ask: async (broker) => {
      const errors = async () => {
        const answer = await broker.send(api, api.stableMax, body, { timeoutMs })
        const codes = JSON.stringify(answer).matchAll(/"\w*rrorCode":(-?[1-9]\d*)/g)
        return [...codes].map(([, code]) => errorName(Number(code)))
      }
      await expect.poll(errors, { ...soon, message: title }).toEqual([])
    },
  }
}

const topic = (
  name: string,
  fields: Partial<{
    numPartitions: number
    assignments: { partitionIndex: number; brokerIds: number[] }[]
    configs: { name: string; value: string }[]
  }> = {},
) => ({
  ...{ name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] },
  ...fields,
})
const create = (title: string, ...topics: ReturnType<typeof topic>[]) =>
  ask(title, createTopics, { topics })

const onBrokers = (...replicas: number[][]) => ({
  assignments: replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
})

const [set, remove, append, subtract] = [0, 1, 2, 3]

function configure(
  title: string,
  resourceType: number,
  resourceName: string,
  ...changes: (readonly [name: string, operation: number, value: string | null])[]
): Operation {
  const configs = changes.map(([name, configOperation, value]) => ({
    ...{ name, configOperation, value },
  }))
  const resources = [{ resourceType, resourceName, configs }]
  return ask(title, incrementalAlterConfigs, { resources, validateOnly: false })
}

function quota(
  title: string,
  entity: readonly (readonly [type: string, name: string | null])[],
  key: string,
  value: number | null,
): Operation {
  const parts = entity.map(([entityType, entityName]) => ({ entityType, entityName }))
  const ops = [{ key, value: value ?? 0, remove: value === null }]
  return ask(title, alterClientQuotas, {
    ...{ entries: [{ entity: parts, ops }], validateOnly: false },
  })
}

const upsertion = (name: string, mechanism: number) => ({
  ...{ name, mechanism, iterations: 4096, salt: Buffer.from(`salt of ${name}`) },
  saltedPassword: Buffer.from(`password of ${name} `.padEnd(32, '*')),
})

const { TOPIC, GROUP } = aclResourceTypes
const [deny, allow] = [2, 3]
const acl = (resourceType: number, resourceName: string, resourcePatternType: number) => ({
  ...{ resourceType, resourceName, resourcePatternType, principal: 'User:alice', host: '*' },
  ...{ operation: aclOperations.READ, permissionType: allow },
})

const { LITERAL, PREFIXED, MATCH } = patternTypes

const feature = (title: string, name: string, maxVersionLevel: number, upgradeType: number) =>
  ask(title, updateFeatures, { featureUpdates: [{ feature: name, maxVersionLevel, upgradeType }] })

/** Operations that write records of all kinds that a quorum without logins can write. */
export const operations: readonly Operation[] = [
  create('create a topic', topic('placed', { numPartitions: 3 })),
  create(
    'create topics with assignments and configs',
    topic('assigned', onBrokers([1, 2], [2, 1])),
    topic('configured', { configs: [{ name: 'retention.ms', value: '86400000' }] }),
  ),
  ask('add partitions', createPartitions, {
    topics: [{ name: 'placed', count: 5, assignments: null }],
    ...{ timeoutMs, validateOnly: false },
  }),
  configure('set and append configs of a topic', resourceTypes.topic, 'placed', [
    ...(['segment.ms', set, '3600000'] as const),
  ]),
  configure('append to a list', resourceTypes.topic, 'placed', [
    ...(['cleanup.policy', append, 'compact'] as const),
  ]),
  configure('subtract from a list', resourceTypes.topic, 'placed', [
    ...(['cleanup.policy', subtract, 'delete'] as const),
  ]),
  configure('remove a config', resourceTypes.topic, 'placed', ['segment.ms', remove, null]),
  ask('replace all configs of a topic', alterConfigs, {
    resources: [
      {
        ...{ resourceType: resourceTypes.topic, resourceName: 'configured' },
        configs: [{ name: 'max.message.bytes', value: '2000000' }],
      },
    ],
    validateOnly: false,
  }),
  configure('configs of a broker', resourceTypes.broker, '1', ['max.connections', set, '1000']),
  configure('configs of all brokers', resourceTypes.broker, '', ['log.cleaner.threads', set, '2']),
  configure('client metrics', resourceTypes.clientMetrics, 'all', ['interval.ms', set, '60000']),
  configure('a group', resourceTypes.group, 'g', ['consumer.session.timeout.ms', set, '50000']),
  quota('a quota of a user', [['user', 'alice']], 'producer_byte_rate', 1000),
  quota('another key', [['user', 'alice']], 'controller_mutation_rate', 2.5),
  quota(
    'a quota of a client of the default user',
    [
      ['client-id', 'c'],
      ['user', null],
    ],
    'request_percentage',
    50,
  ),
  quota('a quota of an address', [['ip', '10.0.0.1']], 'connection_creation_rate', 7),
  quota('no quota', [['user', 'alice']], 'producer_byte_rate', null),
  ask('credentials', alterUserScramCredentials, {
    ...{ deletions: [], upsertions: [upsertion('alice', 1), upsertion('carol', 2)] },
  }),
  ask('other credentials', alterUserScramCredentials, {
    ...{ deletions: [{ name: 'alice', mechanism: 1 }], upsertions: [upsertion('bob', 1)] },
  }),
  ask('access', createAcls, {
    creations: [
      acl(TOPIC, 'placed', LITERAL),
      acl(TOPIC, 'pla', PREFIXED),
      { ...acl(GROUP, '*', LITERAL), permissionType: deny },
    ],
  }),
  ask('less access', deleteAcls, {
    filters: [
      {
        ...{ resourceTypeFilter: TOPIC, resourceNameFilter: 'placed', patternTypeFilter: MATCH },
        ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
      },
    ],
  }),
  ask('producer ids', initProducerId, { transactionalId: null, transactionTimeoutMs: 60_000 }),
  ask('a reassignment', alterPartitionReassignments, {
    topics: [{ name: 'placed', partitions: [{ partitionIndex: 0, replicas: [2, 1] }] }],
  }),
  feature('a feature removed', 'streams.version', 0, 2),
  feature('a feature back', 'streams.version', 1, 1),
  { title: 'a broker stops in order', stop: 2, signal: 'SIGTERM' },
  ask('partitions of one broker', createTopics, { topics: [topic('alone', { numPartitions: 2 })] }),
  { title: 'it returns', start: 2 },
  ask('preferred leaders', electLeaders, {
    ...{ electionType: 0, topicPartitions: [{ topic: 'assigned', partitions: [1] }] },
  }),
  configure('a minimum of two', resourceTypes.topic, 'assigned', ['min.insync.replicas', set, '2']),
  { title: 'a broker dies', stop: 2, signal: 'SIGKILL' },
  configure('a minimum of one', resourceTypes.topic, 'assigned', ['min.insync.replicas', set, '1']),
  configure('a minimum for all', resourceTypes.broker, '', ['min.insync.replicas', set, '2']),
  create('ELR at once', topic('late', onBrokers([1], [1]))),
  configure('a lower minimum for all', resourceTypes.broker, '', ['min.insync.replicas', set, '1']),
  { title: 'it returns unclean', start: 2 },
  { title: 'it stops again', stop: 2, signal: 'SIGTERM' },
  ask('it is unregistered', unregisterBroker, { brokerId: 2 }),
  ask('delete topics', deleteTopics, {
    ...{ topics: [{ name: 'configured' }, { name: 'placed' }], timeoutMs },
  }),
  create('create one again', topic('configured')),
]

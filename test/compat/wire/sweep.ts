import { findCoordinator } from '../../../src/protocol/messages/10-find-coordinator.ts'
import { describeCluster } from '../../../src/protocol/messages/60-describe-cluster.ts'
import { initializeShareGroupState } from '../../../src/protocol/messages/83-initialize-share-group-state.ts'
import { messages } from '../../../src/protocol/messages/index.ts'
import type { AnyApi } from '../../../src/protocol/schema.ts'
import { zeroUuid } from '../../../src/protocol/schema.ts'
import { until } from '../kafkajs/client.ts'
import type { Peer } from './peer.ts'
import { newProducer } from './producers.ts'
import type { Scenario } from './scenario.ts'
import { smallBatch } from './small-batch.ts'
import { makeTopic, settled } from './topics.ts'
import { variantsOf } from './variants.ts'

export interface Sweep {
  readonly key: number
  /** Kafka answers in the order of a hash map, or in none. */
  readonly isInAnyOrder?: true
  /** By default the oldest and the newest. */
  readonly versions?: readonly number[]
  /** A valid request; `n` counts them, for names that must be unique. */
  readonly base: (peer: Peer, version: number, n: number) => Promise<object> | object
  /** Variants that are omitted, by the beginning of their title, and why. */
  readonly without?: Readonly<Record<string, string>>
}

const topicOf = (key: number, version: number) => `sweep.${key}.${version}`
const made = new WeakMap<Peer, Map<string, Promise<string>>>()

/** A topic of two partitions, created at the first use. */
function topic(peer: Peer, name: string): Promise<string> {
  let all = made.get(peer)
  if (all === undefined) made.set(peer, (all = new Map()))
  let id = all.get(name)
  if (id === undefined) all.set(name, (id = makeKnown(peer, name)))
  return id
}

/** Kafka's coordinators learn of a topic later: they know it once the next topic exists. */
async function makeKnown(peer: Peer, name: string): Promise<string> {
  const topicId = await makeTopic(peer, name, { numPartitions: 2 })
  await settled(peer)
  return topicId
}

async function named(peer: Peer, key: number, version: number) {
  const name = topicOf(key, version)
  return { name, topic: name, topicId: await topic(peer, name) }
}

const producers = new WeakMap<Peer, Map<string, { producerId: number; producerEpoch: number }>>()
async function producer(peer: Peer, transactionalId: string | null) {
  let all = producers.get(peer)
  if (all === undefined) producers.set(peer, (all = new Map()))
  const known = all.get(String(transactionalId))
  if (known !== undefined) return known
  const made = await newProducer(peer, transactionalId)
  all.set(String(transactionalId), made)
  return made
}

const entry = { resourceType: 2, resourceName: 'sweep', resourcePatternType: 3 }
const rule = { principal: 'User:sweep', host: '*', operation: 3, permissionType: 3 }
const filter = {
  resourceTypeFilter: 2,
  resourceNameFilter: 'sweep',
  patternTypeFilter: 3,
  principalFilter: 'User:sweep',
  hostFilter: '*',
  operation: 3,
  permissionType: 3,
}

const dataSweeps: readonly Sweep[] = [
  {
    key: 0,
    isInAnyOrder: true,
    base: async (peer, version) => ({
      transactionalId: null,
      acks: -1,
      timeoutMs: 5_000,
      topicData: [
        {
          ...(await named(peer, 0, version)),
          partitionData: [{ index: 0, records: smallBatch(1) }],
        },
      ],
    }),
    without: {
      'acks = 0': 'is not answered',
      'topicData[0].partitionData[0].records = null': 'Kafka never answers',
      'topicData[0].partitionData[+].records': 'Kafka appends one and answers for the other',
      'topicData[+].partitionData[0].records': 'Kafka appends one and answers for the other',
      'topicData[+].partitionData[+].records': 'Kafka appends one and answers for the other',
    },
  },
  {
    key: 1,
    base: async (peer, version) => ({
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1 << 20,
      topics: [
        {
          ...(await named(peer, 1, version)),
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }],
        },
      ],
      forgottenTopicsData: [{ ...(await named(peer, 1, version)), partitions: [1] }],
    }),
    without: { 'maxWaitMs = 2147483647': 'waits, as it should' },
  },
  {
    key: 2,
    isInAnyOrder: true,
    base: async (peer, version) => ({
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        {
          ...(await named(peer, 2, version)),
          partitions: [{ partitionIndex: 0, timestamp: 1_700_000_000_000 }],
        },
      ],
      timeoutMs: 1_000,
    }),
  },
  {
    key: 3,
    base: async (peer, version) => ({
      topics: [{ name: (await named(peer, 3, version)).name, topicId: zeroUuid }],
      allowAutoTopicCreation: false,
    }),
    without: { 'topics = null': 'all topics: those of other sweeps', 'topics = []': 'all topics' },
  },
  {
    key: 21,
    isInAnyOrder: true,
    base: async (peer, version) => ({
      topics: [
        { ...(await named(peer, 21, version)), partitions: [{ partitionIndex: 0, offset: 0 }] },
      ],
      timeoutMs: 5_000,
    }),
  },
  {
    key: 23,
    base: async (peer, version) => ({
      replicaId: -1,
      topics: [
        {
          ...(await named(peer, 23, version)),
          partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }],
        },
      ],
    }),
  },
  {
    key: 75,
    base: async (peer, version) => ({
      topics: [{ name: (await named(peer, 75, version)).name }],
      responsePartitionLimit: 2000,
      cursor: { topicName: topicOf(75, version), partitionIndex: 0 },
    }),
    without: {
      'topics = []': 'all topics: those of other sweeps',
      'cursor.partitionIndex = 2147483647': 'Kafka counts beyond the greatest number',
    },
  },
]

const groupSweeps: readonly Sweep[] = [
  {
    key: 8,
    base: async (peer, version) => ({
      groupId: `sweep.${version}`,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [
        {
          ...(await named(peer, 8, version)),
          partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: 'm' }],
        },
      ],
    }),
  },
  {
    key: 9,
    base: async (peer, version) => {
      const { name, topicId } = await named(peer, 9, version)
      const topics = [{ name, topicId, partitionIndexes: [0] }]
      const groupId = `sweep.${version}`
      return { groupId, topics, groups: [{ groupId, topics }] }
    },
    without: {
      'groups[0].topics = null': 'all topics: those of other sweeps',
      'groups[+].topics = null': 'all topics: those of other sweeps',
    },
  },
  {
    key: 10,
    base: () => ({ key: 'sweep', keyType: 0, coordinatorKeys: ['sweep'] }),
  },
  {
    key: 11,
    base: (_, version, n) => ({
      groupId: `sweep.join.${version}.${n}`,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from([0, 1]) }],
    }),
    without: {
      'protocols with its first twice': 'Kafka never answers',
      'protocols[+].metadata': 'Kafka never answers',
    },
  },
  { key: 12, base: () => ({ groupId: 'sweep', generationId: 1, memberId: 'm' }) },
  {
    key: 13,
    base: () => ({
      groupId: 'sweep',
      memberId: 'm',
      members: [{ memberId: 'm', groupInstanceId: 'i', reason: 'r' }],
    }),
  },
  {
    key: 14,
    base: () => ({
      groupId: 'sweep',
      generationId: 1,
      memberId: 'm',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [{ memberId: 'm', assignment: Buffer.from([1]) }],
    }),
  },
  { key: 15, base: () => ({ groups: ['sweep'], includeAuthorizedOperations: false }) },
  {
    key: 16,
    versions: [5],
    base: () => ({ statesFilter: ['Dead'], typesFilter: ['classic'] }),
    without: { 'statesFilter = []': 'all groups: those of other sweeps' },
  },
  { key: 42, isInAnyOrder: true, base: () => ({ groupsNames: ['sweep.absent'] }) },
  {
    key: 47,
    base: async (peer, version) => ({
      groupId: `sweep.${version}`,
      topics: [{ ...(await named(peer, 47, version)), partitions: [{ partitionIndex: 0 }] }],
    }),
  },
  {
    key: 68,
    base: async (peer, version, n) => ({
      groupId: `sweep.beat.${version}.${n}`,
      memberId: version === 0 ? '' : 'bGvgf07VTFqBmbKqjvhnvA',
      memberEpoch: 0,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: 10_000,
      subscribedTopicNames: [(await named(peer, 68, version)).name],
      serverAssignor: 'uniform',
      topicPartitions: [],
    }),
  },
  {
    key: 69,
    isInAnyOrder: true,
    base: () => ({ groupIds: ['swept.absent'], includeAuthorizedOperations: false }),
  },
]

const transactionSweeps: readonly Sweep[] = [
  {
    key: 22,
    base: (_, v, n) => ({
      transactionalId: `sweep.${v}.${n}`,
      transactionTimeoutMs: 60_000,
      producerId: -1,
      producerEpoch: -1,
    }),
  },
  {
    key: 24,
    isInAnyOrder: true,
    base: async (peer, version, n) => {
      const transactionalId = `sweep.add.${version}.${n % 4}`
      const { producerId, producerEpoch } = await producer(peer, transactionalId)
      const topics = [{ ...(await named(peer, 24, version)), partitions: [0] }]
      return {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: topics,
        transactions: [{ transactionalId, producerId, producerEpoch, verifyOnly: false, topics }],
      }
    },
    without: {
      'transactions = []': 'Kafka never answers',
      'transactions[+]': 'brokers ask so, and never for one transaction twice',
    },
  },
  {
    key: 25,
    base: async (peer, version) => {
      const transactionalId = `sweep.offsets.${version}`
      return { transactionalId, ...(await producer(peer, transactionalId)), groupId: 'sweep' }
    },
  },
  {
    key: 26,
    base: async (peer, version) => {
      const transactionalId = `sweep.end.${version}`
      return { transactionalId, ...(await producer(peer, transactionalId)), committed: true }
    },
  },
  {
    key: 27,
    isInAnyOrder: true,
    base: async (peer, version) => ({
      markers: [
        {
          ...(await producer(peer, null)),
          transactionResult: false,
          topics: [{ ...(await named(peer, 27, version)), partitionIndexes: [0] }],
          coordinatorEpoch: 0,
        },
      ],
    }),
    without: {
      'markers[0].topics with its first twice': 'Kafka never answers',
      'markers[0].topics[0].partitionIndexes with its first twice': 'Kafka never answers',
      'markers[0].topics[+].partitionIndexes with its first twice': 'Kafka never answers',
      'markers[0].topics[+].partitionIndexes[+]': 'Kafka never answers',
      'markers[+].topics = []': 'Kafka never answers',
      'markers[+].topics with its first twice': 'Kafka never answers',
      'markers[+].topics[0]': 'Kafka never answers',
      'markers[+].topics[+].partitionIndexes with its first twice': 'Kafka never answers',
      'markers[+].topics[+].partitionIndexes[+]': 'Kafka never answers',
    },
  },
  {
    key: 28,
    base: async (peer, version) => {
      const transactionalId = `sweep.commit.${version}`
      return {
        transactionalId,
        ...(await producer(peer, transactionalId)),
        groupId: `sweep.${version}`,
        topics: [
          {
            ...(await named(peer, 28, version)),
            partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: 'm' }],
          },
        ],
      }
    },
  },
  {
    key: 61,
    base: async (peer, version) => ({
      topics: [{ ...(await named(peer, 61, version)), partitionIndexes: [0] }],
    }),
  },
  { key: 65, base: () => ({ transactionalIds: ['sweep.absent'] }) },
  {
    key: 66,
    base: () => ({ stateFilters: ['Dead'], producerIdFilters: [987_654], durationFilter: 0 }),
  },
]

/** A group and a share partition, whose state is begun; waits for the share coordinator. */
async function shareState(
  peer: Peer,
  [key, version, n]: readonly [number, number, number],
  fields: object,
) {
  const { topicId } = await named(peer, key, version)
  const groupId = `sweep.${key}.${version}.${n}`
  const body = (more: object) => ({
    groupId,
    topics: [{ topicId, partitions: [{ partition: 0, ...more }] }],
  })
  await until('the share coordinator is there', async () => {
    const coordinatorKeys = [`${groupId}:${topicId}:0`]
    await peer.quietly(findCoordinator, 6, { key: '', keyType: 2, coordinatorKeys })
    const begun = body({ stateEpoch: 0, startOffset: 0 })
    const { results } = await peer.quietly(initializeShareGroupState, 0, begun)
    return results[0].partitions[0].errorCode === 0
  })
  return body(fields)
}

const batch = { firstOffset: 3, lastOffset: 5, deliveryState: 2, deliveryCount: 1 }

/** Batches without an end beside others. */
const endless = ['topics[0]', 'topics[+]'].flatMap((one) =>
  ['.partitions[0]', '.partitions[+]'].flatMap((two) => [
    `${one}${two}.stateBatches[+]`,
    `${one}${two}.stateBatches[0].lastOffset`,
    `${one}${two}.stateBatches[0].firstOffset = 9`,
  ]),
)

const shareSweeps: readonly Sweep[] = [
  {
    key: 90,
    isInAnyOrder: true,
    base: async (peer, version) => {
      const { name: topicName } = await named(peer, 90, version)
      return { groups: [{ groupId: 'sweep', topics: [{ topicName, partitions: [0] }] }] }
    },
    without: Object.fromEntries(
      ['[0]', '[+]'].flatMap((one) =>
        ['[0]', '[+]'].flatMap((two) =>
          ['[0]', '[+]'].map((three) => [
            `groups${one}.topics${two}.partitions${three} = 2147483647`,
            'Kafka asks for a quarter of a minute',
          ]),
        ),
      ),
    ),
  },
  {
    key: 91,
    isInAnyOrder: true,
    base: async (peer, version, n) => {
      const { name: topicName } = await named(peer, 91, version)
      const partitions = [{ partitionIndex: 0, startOffset: 0 }]
      return { groupId: `sweep.share.91.${n}`, topics: [{ topicName, partitions }] }
    },
  },
  {
    key: 92,
    isInAnyOrder: true,
    base: async (peer, version) => {
      const { name: topicName } = await named(peer, 92, version)
      return { groupId: 'sweep', topics: [{ topicName }] }
    },
  },
  {
    key: 76,
    base: async (peer, version, n) => {
      const { name } = await named(peer, 76, version)
      const member = { groupId: `sweep.share.${n}`, memberId: 'm', memberEpoch: 0, rackId: 'r' }
      return { ...member, subscribedTopicNames: [name] }
    },
  },
  {
    key: 77,
    isInAnyOrder: true,
    base: () => ({ groupIds: ['sweep'], includeAuthorizedOperations: true }),
  },
  {
    key: 83,
    isInAnyOrder: true,
    base: (peer, version, n) =>
      shareState(peer, [83, version, n], { stateEpoch: 0, startOffset: 0 }),
  },
  {
    key: 84,
    isInAnyOrder: true,
    base: (peer, version, n) => shareState(peer, [84, version, n], { leaderEpoch: 0 }),
  },
  {
    key: 85,
    isInAnyOrder: true,
    base: (peer, version, n) =>
      shareState(peer, [85, version, n], {
        ...{ stateEpoch: 0, leaderEpoch: 0, startOffset: 0, deliveryCompleteCount: 1 },
        stateBatches: [batch],
      }),
    without: Object.fromEntries(endless.map((title) => [title, 'the message is of a Java fault'])),
  },
  {
    key: 86,
    isInAnyOrder: true,
    base: (peer, version, n) => shareState(peer, [86, version, n], {}),
  },
  {
    key: 87,
    isInAnyOrder: true,
    base: (peer, version, n) => shareState(peer, [87, version, n], { leaderEpoch: 0 }),
  },
]

const topicSweeps: readonly Sweep[] = [
  {
    key: 19,
    base: (_, version, n) => ({
      topics: [
        {
          name: `sweep.create.${version}.${n}`,
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: [{ name: 'retention.ms', value: '1000' }],
        },
      ],
      timeoutMs: 5_000,
      validateOnly: false,
    }),
  },
  {
    key: 19,
    base: (_, version, n) => ({
      topics: [
        {
          name: `sweep.assign.${version}.${n}`,
          numPartitions: -1,
          replicationFactor: -1,
          assignments: [{ partitionIndex: 0, brokerIds: [1] }],
          configs: [],
        },
      ],
      timeoutMs: 5_000,
      validateOnly: false,
    }),
  },
  {
    key: 20,
    isInAnyOrder: true,
    base: async (peer, version, n) => {
      const name = `sweep.delete.${version}.${n}`
      const topicId = await makeTopic(peer, name)
      const byId = n % 2 === 1
      return {
        topics: [{ name: byId ? null : name, topicId: byId ? topicId : zeroUuid }],
        topicNames: [name],
        timeoutMs: 5_000,
      }
    },
  },
  {
    key: 37,
    isInAnyOrder: true,
    base: async (peer, version, n) => {
      const name = `sweep.grow.${version}.${n}`
      await makeTopic(peer, name)
      const assignments = [{ brokerIds: [1] }]
      return { topics: [{ name, count: 2, assignments }], timeoutMs: 5_000, validateOnly: false }
    },
  },
  {
    key: 43,
    base: async (peer, version) => ({
      electionType: 0,
      topicPartitions: [{ ...(await named(peer, 43, version)), partitions: [0] }],
      timeoutMs: 5_000,
    }),
    without: { 'topicPartitions = null': 'all topics: those of other sweeps' },
  },
  {
    key: 45,
    base: async (peer, version) => ({
      timeoutMs: 5_000,
      topics: [
        {
          ...(await named(peer, 45, version)),
          partitions: [{ partitionIndex: 0, replicas: [1] }],
        },
      ],
    }),
  },
  {
    key: 46,
    base: async (peer, version) => ({
      timeoutMs: 5_000,
      topics: [{ ...(await named(peer, 46, version)), partitionIndexes: [0] }],
    }),
  },
  {
    key: 34,
    isInAnyOrder: true,
    base: async (peer, version) => {
      const { dataDir } = peer.target
      peer.names.learn(dataDir, 'DIR')
      const topics = [{ ...(await named(peer, 34, version)), partitions: [0] }]
      return { dirs: [{ path: dataDir, topics }] }
    },
  },
  {
    key: 35,
    isInAnyOrder: true,
    base: async (peer, version) => {
      peer.names.learn(peer.target.dataDir, 'DIR')
      return { topics: [{ ...(await named(peer, 35, version)), partitions: [0] }] }
    },
    without: { 'topics = null': 'all topics: those of other sweeps' },
  },
]

const configSweeps: readonly Sweep[] = [
  {
    key: 32,
    isInAnyOrder: true,
    base: async (peer, version) => {
      const { name: resourceName } = await named(peer, 32, version)
      const configurationKeys = ['cleanup.policy']
      return {
        resources: [{ resourceType: 2, resourceName, configurationKeys }],
        includeSynonyms: true,
      }
    },
    without: {
      'resources[0].configurationKeys = null': 'all keys: another suite',
      'includeDocumentation = true': 'our words are ours',
    },
  },
  {
    key: 33,
    base: async (peer, version) => {
      const { name: resourceName } = await named(peer, 33, version)
      const configs = [{ name: 'retention.ms', value: '1000' }]
      return { resources: [{ resourceType: 2, resourceName, configs }], validateOnly: false }
    },
    without: {
      'resources with its first twice': 'Kafka never answers',
      'resources[+].configs': 'Kafka never answers',
    },
  },
  {
    key: 44,
    base: async (peer, version) => {
      const { name: resourceName } = await named(peer, 44, version)
      const configs = [{ name: 'cleanup.policy', configOperation: 0, value: 'compact' }]
      return { resources: [{ resourceType: 2, resourceName, configs }], validateOnly: false }
    },
  },
  { key: 74, isInAnyOrder: true, base: () => ({ resourceTypes: [16] }) },
]

const userSweeps: readonly Sweep[] = [
  { key: 29, base: () => filter },
  { key: 30, base: () => ({ creations: [{ ...entry, ...rule }] }) },
  { key: 31, isInAnyOrder: true, base: () => ({ filters: [filter] }) },
  { key: 17, base: () => ({ mechanism: 'PLAIN' }) },
  { key: 36, base: () => ({ authBytes: Buffer.from('x') }) },
  {
    key: 38,
    base: () => ({
      ownerPrincipalType: 'User',
      ownerPrincipalName: 'a',
      renewers: [{ principalType: 'User', principalName: 'b' }],
      maxLifetimeMs: 1000,
    }),
  },
  { key: 39, base: () => ({ hmac: Buffer.from('x'), renewPeriodMs: 1000 }) },
  { key: 40, base: () => ({ hmac: Buffer.from('x'), expiryTimePeriodMs: 1000 }) },
  { key: 41, base: () => ({ owners: [{ principalType: 'User', principalName: 'b' }] }) },
  {
    key: 48,
    base: () => ({
      components: [{ entityType: 'user', matchType: 0, match: 'sweep' }],
      strict: false,
    }),
    without: { 'components = []': 'all quotas' },
  },
  {
    key: 49,
    base: (_, version, n) => ({
      entries: [
        {
          entity: [{ entityType: 'user', entityName: `sweep.${version}.${n}` }],
          ops: [{ key: 'producer_byte_rate', value: 1000, remove: false }],
        },
      ],
      validateOnly: false,
    }),
  },
  {
    key: 50,
    base: () => ({ users: [{ name: 'sweep' }] }),
    without: { 'users = null': 'all users' },
  },
  {
    key: 51,
    base: (_, version, n) => ({
      deletions: [{ name: `gone.${version}.${n}`, mechanism: 1 }],
      upsertions: [
        {
          name: `sweep.${version}.${n}`,
          mechanism: 1,
          iterations: 4096,
          salt: Buffer.from('salt'),
          saltedPassword: Buffer.alloc(32, 1),
        },
      ],
    }),
  },
]

const clusterSweeps: readonly Sweep[] = [
  {
    key: 57,
    base: () => ({
      timeoutMs: 5_000,
      featureUpdates: [
        { feature: 'no.such', maxVersionLevel: 1, allowDowngrade: false, upgradeType: 1 },
      ],
      validateOnly: false,
    }),
  },
  { key: 60, base: () => ({ includeClusterAuthorizedOperations: false, endpointType: 1 }) },
  { key: 64, base: () => ({ brokerId: 77 }), without: { 'brokerId = 1': 'would end the broker' } },
  {
    key: 80,
    base: () => ({
      clusterId: null,
      timeoutMs: 1_000,
      voterId: 5,
      voterDirectoryId: zeroUuid,
      listeners: [{ name: 'CONTROLLER', host: 'localhost', port: 19_093 }],
    }),
  },
  { key: 81, base: () => ({ clusterId: null, voterId: 5, voterDirectoryId: zeroUuid }) },
  { key: 94, base: () => ({ controllerId: 77 }) },
  {
    key: 55,
    base: () => ({ topics: [{ topicName: 'other', partitions: [{ partitionIndex: 0 }] }] }),
  },
  { key: 71, base: () => ({ clientInstanceId: 'nobodysIdAAAAAAAAAAAAA' }) },
  {
    key: 72,
    base: () => ({
      clientInstanceId: 'nobodysIdAAAAAAAAAAAAA',
      subscriptionId: 1,
      terminating: false,
      compressionType: 0,
      metrics: Buffer.alloc(0),
    }),
  },
]

/** A valid request for each key. */
export const sweeps: readonly Sweep[] = [
  ...dataSweeps,
  ...groupSweeps,
  ...transactionSweeps,
  ...shareSweeps,
  ...topicSweeps,
  ...configSweeps,
  ...userSweeps,
  ...clusterSweeps,
]

/**
 * Every field of every key, one at a time, with an invalid value: in the oldest and the newest
 * version.
 */
export const sweepScenarios: readonly Scenario[] = sweeps.map((sweep, i) => {
  const api = messages.find(({ key }) => key === sweep.key)!
  const [first, last] = [api.versions[0], api.stableMax]
  return {
    api,
    title: sweeps.findIndex(({ key }) => key === sweep.key) === i ? 'swept' : 'swept again',
    isInOrder: sweep.isInAnyOrder !== true,
    versions: sweep.versions ?? (first === last ? [last] : [first, last]),
    run: (peer, version) => run(sweep, api, peer, version),
  }
})

/** Topics and coordinators exist before the first request. */
export async function prepare(peer: Peer): Promise<void> {
  peer.names.plain(
    await peer.quietly(describeCluster, 1, { includeClusterAuthorizedOperations: false }),
  )
  await peer.coordinated('sweep')
  await producer(peer, 'sweep')
}

async function run(sweep: Sweep, api: AnyApi, peer: Peer, version: number): Promise<void> {
  await prepare(peer)
  // So short a time may be over, or not.
  const without = [...Object.keys(sweep.without ?? {}), 'timeoutMs = 1']
  await peer.ask(api, version, await sweep.base(peer, version, 0))
  const { length } = variantsOf(api, version, await sweep.base(peer, version, 0))
  for (let n = 0; n < length; n++) {
    const base = await sweep.base(peer, version, n + 1)
    const { title, body } = variantsOf(api, version, base)[n]!
    if (without.some((begin) => title.startsWith(begin))) continue
    const answer = await peer.quietly(api, version, body)

    peer.note(`${api.name} v${version}: ${title}`, answer)
    if (typeof answer === 'string') peer.reconnect()
  }
}

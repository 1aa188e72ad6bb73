import { randomBytes } from 'node:crypto'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../../src/protocol/messages/20-delete-topics.ts'
import { createAcls } from '../../src/protocol/messages/30-create-acls.ts'
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.ts'
import { alterConfigs } from '../../src/protocol/messages/33-alter-configs.ts'
import { alterReplicaLogDirs } from '../../src/protocol/messages/34-alter-replica-log-dirs.ts'
import { describeLogDirs } from '../../src/protocol/messages/35-describe-log-dirs.ts'
import { createPartitions } from '../../src/protocol/messages/37-create-partitions.ts'
import { electLeaders } from '../../src/protocol/messages/43-elect-leaders.ts'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.ts'
import { alterPartitionReassignments } from '../../src/protocol/messages/45-alter-partition-reassignments.ts'
import { listPartitionReassignments } from '../../src/protocol/messages/46-list-partition-reassignments.ts'
import { describeClientQuotas } from '../../src/protocol/messages/48-describe-client-quotas.ts'
import { alterClientQuotas } from '../../src/protocol/messages/49-alter-client-quotas.ts'
import { describeUserScramCredentials } from '../../src/protocol/messages/50-describe-user-scram-credentials.ts'
import { getTelemetrySubscriptions } from '../../src/protocol/messages/71-get-telemetry-subscriptions.ts'
import { pushTelemetry } from '../../src/protocol/messages/72-push-telemetry.ts'
import { listConfigResources } from '../../src/protocol/messages/74-list-config-resources.ts'
import { describeTopicPartitions } from '../../src/protocol/messages/75-describe-topic-partitions.ts'
import { codecs } from '../../src/protocol/records/batch.ts'
import { compress } from '../../src/protocol/records/compression.ts'
import { one, type StallCase } from '../case.ts'
import { hostile, many, mostRecords, times, topicName, wideTopic } from './many.ts'

const topicResource = 2
const topicDraft = (name: string, numPartitions = 1) => ({
  ...{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] },
})

const altering = (count: number, run: number) => ({
  resources: times(count, (i) => ({
    ...{ resourceType: topicResource, resourceName: topicName(i) },
    configs: [{ name: 'retention.ms', configOperation: 0, value: `${3_600_000 + i + run * many}` }],
  })),
  validateOnly: false,
})

/** A topic with a manual replica assignment. */
const byHand = (name: string, count: number) => ({
  ...{ name, numPartitions: -1, replicationFactor: -1, configs: [] },
  assignments: times(count, (partitionIndex) => ({ partitionIndex, brokerIds: [1] })),
})

/** In a request, null selects everything. */
const all = null
const absent = { expects: ['UNKNOWN_TOPIC_OR_PARTITION'] } as const

export const adminCases: readonly StallCase[] = [
  one('a name of 32,000 characters', apiVersions, 3, () => ({
    ...{ clientSoftwareName: 'n'.repeat(32_000), clientSoftwareVersion: '1' },
  })),
  one('all of 10,000 topics', metadata, 12, () => ({ topics: all, allowAutoTopicCreation: false })),
  {
    title: 'Metadata: all of 10,000 topics, 50 times on each of 200 connections',
    api: metadata,
    version: 12,
    connections: 200,
    bodies: () => times(50, () => ({ topics: all, allowAutoTopicCreation: false })),
  },
  one('10,000 topics by name', metadata, 12, () => ({
    topics: times(many, (i) => ({ name: topicName(i) })),
    allowAutoTopicCreation: false,
  })),
  one(
    '100,000 topics that are not there',
    metadata,
    12,
    () => ({
      topics: times(hostile, (i) => ({ name: `absent-${i}` })),
      allowAutoTopicCreation: false,
    }),
    absent,
  ),
  one('a topic of 10,000 partitions', metadata, 12, () => ({
    topics: [{ name: wideTopic }],
    allowAutoTopicCreation: false,
  })),
  one('10,000 topics', describeTopicPartitions, 0, () => ({
    topics: times(many, (i) => ({ name: topicName(i) })),
  })),
  one('4,900 topics, validated', createTopics, 7, () => ({
    topics: times(4_900, (i) => topicDraft(`checked-${i}`)),
    ...{ timeoutMs: 60_000, validateOnly: true },
  })),
  one(
    '100,000 topics, more than may be made at once',
    createTopics,
    7,
    () => ({ topics: times(hostile, (i) => topicDraft(`checked-${i}`)), timeoutMs: 60_000 }),
    { expects: ['POLICY_VIOLATION'] },
  ),
  one('2,000 topics', createTopics, 7, (_sender, run) => ({
    topics: times(2_000, (i) => topicDraft(`made-${run}-${i}`)),
    timeoutMs: 60_000,
  })),
  one('a topic of 9,900 partitions', createTopics, 7, (_sender, run) => ({
    topics: [topicDraft(`made-wide-${run}`, mostRecords)],
    timeoutMs: 60_000,
  })),
  one('a topic of 9,900 partitions by hand, validated', createTopics, 7, () => ({
    topics: [byHand('by-hand', mostRecords)],
    ...{ timeoutMs: 60_000, validateOnly: true },
  })),
  one(
    'a topic of 100,000 partitions by hand',
    createTopics,
    7,
    () => ({ topics: [byHand('by-hand', hostile)], timeoutMs: 60_000 }),
    { expects: ['POLICY_VIOLATION'] },
  ),
  one('3,000 more for 1,000 topics', createPartitions, 3, (_sender, run) => ({
    topics: times(1_000, (i) => ({ name: `made-${run}-${i}`, count: 4, assignments: null })),
    ...{ timeoutMs: 60_000, validateOnly: false },
  })),
  one('2,000 topics', deleteTopics, 6, (_sender, run) => ({
    topics: times(2_000, (i) => ({ name: `made-${run}-${i}` })),
    timeoutMs: 60_000,
  })),
  one('a topic of 9,900 partitions', deleteTopics, 6, (_sender, run) => ({
    topics: [{ name: `made-wide-${run}` }],
    timeoutMs: 60_000,
  })),
  one(
    '100,000 topics that are not there',
    deleteTopics,
    6,
    () => ({ topics: times(hostile, (i) => ({ name: `absent-${i}` })), timeoutMs: 60_000 }),
    absent,
  ),
  one('10,000 topics, with synonyms and texts', describeConfigs, 4, () => ({
    resources: times(many, (i) => ({
      resourceType: topicResource,
      resourceName: topicName(i),
      configurationKeys: all,
    })),
    ...{ includeSynonyms: true, includeDocumentation: true },
  })),
  one('10,000 topics', incrementalAlterConfigs, 1, (_sender, run) => altering(many, run)),
  one('10,000 topics', alterConfigs, 2, (_sender, run) => altering(many, run)),
  one('10,000 resources', listConfigResources, 1, () => ({ resourceTypes: [] })),
  one('20,000 partitions', describeLogDirs, 4, () => ({ topics: all })),
  one(
    '10,000 partitions',
    alterReplicaLogDirs,
    2,
    () => ({
      dirs: [
        { path: '/nowhere', topics: [{ name: wideTopic, partitions: times(many, (i) => i) }] },
      ],
    }),
    { expects: ['LOG_DIR_NOT_FOUND'] },
  ),
  one(
    '10,000 partitions',
    electLeaders,
    2,
    () => ({
      electionType: 0,
      topicPartitions: [{ topic: wideTopic, partitions: times(many, (i) => i) }],
      timeoutMs: 30_000,
    }),
    { expects: ['ELECTION_NOT_NEEDED'] },
  ),
  one('all partitions', electLeaders, 2, () => ({
    electionType: 0,
    topicPartitions: all,
    timeoutMs: 30_000,
  })),
  one('10,000 partitions, given where they are', alterPartitionReassignments, 0, () => ({
    timeoutMs: 30_000,
    topics: [
      {
        name: wideTopic,
        partitions: times(many, (partitionIndex) => ({ partitionIndex, replicas: [1] })),
      },
    ],
  })),
  one('100,000 partitions', listPartitionReassignments, 0, () => ({
    timeoutMs: 30_000,
    topics: [{ name: wideTopic, partitionIndexes: times(hostile, (i) => i) }],
  })),
  one('10,000 entities', alterClientQuotas, 1, () => ({
    entries: times(many, (i) => ({
      entity: [{ entityType: 'user', entityName: `user-${i}` }],
      ops: [{ key: 'producer_byte_rate', value: 1_000_000, remove: false }],
    })),
    validateOnly: false,
  })),
  one('10,000 entities', describeClientQuotas, 1, () => ({ components: [], strict: false })),
  one(
    '100,000 users that are not there',
    describeUserScramCredentials,
    0,
    () => ({ users: times(hostile, (i) => ({ name: `user-${i}` })) }),
    { expects: ['RESOURCE_NOT_FOUND'] },
  ),
  one(
    '100,000 entries',
    createAcls,
    3,
    () => ({
      creations: times(hostile, (i) => ({
        ...{ resourceType: 2, resourceName: `t${i}`, resourcePatternType: 3, principal: 'User:a' },
        ...{ host: '*', operation: 3, permissionType: 3 },
      })),
    }),
    { expects: ['SECURITY_DISABLED'] },
  ),
  one(
    'a gzip of 1 MB that unfolds to 1 GB',
    pushTelemetry,
    0,
    async (sender) => {
      const clientInstanceId = randomBytes(16).toString('base64url')
      const { subscriptionId } = await sender.ask(getTelemetrySubscriptions, 0, {
        clientInstanceId,
      })
      const metrics = await compress(codecs.gzip, Buffer.alloc(1_000_000_000))
      return {
        ...{ clientInstanceId, subscriptionId, terminating: false },
        ...{ compressionType: codecs.gzip, metrics },
      }
    },
    { expects: ['INVALID_RECORD'] },
  ),
]

import { createTopics } from '../../../src/protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../../../src/protocol/messages/20-delete-topics.ts'
import { describeAcls } from '../../../src/protocol/messages/29-describe-acls.ts'
import { createAcls } from '../../../src/protocol/messages/30-create-acls.ts'
import { deleteAcls } from '../../../src/protocol/messages/31-delete-acls.ts'
import { describeConfigs } from '../../../src/protocol/messages/32-describe-configs.ts'
import { alterConfigs } from '../../../src/protocol/messages/33-alter-configs.ts'
import { createPartitions } from '../../../src/protocol/messages/37-create-partitions.ts'
import { createDelegationToken } from '../../../src/protocol/messages/38-create-delegation-token.ts'
import { renewDelegationToken } from '../../../src/protocol/messages/39-renew-delegation-token.ts'
import { expireDelegationToken } from '../../../src/protocol/messages/40-expire-delegation-token.ts'
import { describeDelegationToken } from '../../../src/protocol/messages/41-describe-delegation-token.ts'
import { electLeaders } from '../../../src/protocol/messages/43-elect-leaders.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/messages/44-incremental-alter-configs.ts'
import { alterPartitionReassignments } from '../../../src/protocol/messages/45-alter-partition-reassignments.ts'
import { listPartitionReassignments } from '../../../src/protocol/messages/46-list-partition-reassignments.ts'
import { describeClientQuotas } from '../../../src/protocol/messages/48-describe-client-quotas.ts'
import { alterClientQuotas } from '../../../src/protocol/messages/49-alter-client-quotas.ts'
import { describeUserScramCredentials } from '../../../src/protocol/messages/50-describe-user-scram-credentials.ts'
import { alterUserScramCredentials } from '../../../src/protocol/messages/51-alter-user-scram-credentials.ts'
import { describeQuorum } from '../../../src/protocol/messages/55-describe-quorum.ts'
import { updateFeatures } from '../../../src/protocol/messages/57-update-features.ts'
import { unregisterBroker } from '../../../src/protocol/messages/64-unregister-broker.ts'
import { listConfigResources } from '../../../src/protocol/messages/74-list-config-resources.ts'
import { addRaftVoter } from '../../../src/protocol/messages/80-add-raft-voter.ts'
import { removeRaftVoter } from '../../../src/protocol/messages/81-remove-raft-voter.ts'
import { unregisterController } from '../../../src/protocol/messages/94-unregister-controller.ts'
import type { AnyApi } from '../../../src/protocol/schema.ts'
import { nobodysId, topicDraft } from '../wire/topics.ts'

export interface Refused {
  readonly api: AnyApi
  readonly body: object
}

const timeoutMs = 5_000
const configs = [{ name: 'retention.ms', value: '1', configOperation: 0 }]
const acl = {
  ...{ resourceType: 2, resourceName: 'x', resourcePatternType: 3, principal: 'User:x' },
  ...{ host: '*', operation: 3, permissionType: 3 },
}
const aclFilter = {
  ...{ resourceTypeFilter: 2, resourceNameFilter: 'nobody', patternTypeFilter: 3 },
  ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
}

/** Resources of each kind; `topic` and `broker` need not exist. */
const resources = (topic: string) =>
  [
    [2, topic],
    [4, ''],
    [16, 'subscription'],
    [32, 'group'],
  ].map(([resourceType, resourceName]) => ({ resourceType, resourceName, configs }))

/**
 * A request of every kind that administrators send, which changes nothing where the topic does not
 * exist or nobody may change it.
 */
export const refusedRequests = (topic: string): readonly Refused[] => [
  {
    api: createTopics,
    body: { topics: [topicDraft(topic, { replicationFactor: 9 })], timeoutMs },
  },
  { api: createTopics, body: { topics: [topicDraft('not a name')], timeoutMs } },
  { api: deleteTopics, body: { topics: [{ name: topic }], topicNames: [topic], timeoutMs } },
  {
    api: deleteTopics,
    body: { topics: [{ name: null, topicId: nobodysId }], topicNames: [], timeoutMs },
  },
  { api: createPartitions, body: { topics: [{ name: topic, count: 5 }], timeoutMs } },
  { api: describeAcls, body: aclFilter },
  { api: createAcls, body: { creations: [{ ...acl, resourceName: '' }] } },
  { api: createAcls, body: { creations: [{ ...acl, principal: 'x' }] } },
  { api: deleteAcls, body: { filters: [aclFilter] } },
  ...resources(topic).flatMap((one) => [
    { api: describeConfigs, body: { resources: [{ ...one, configurationKeys: ['none'] }] } },
    { api: alterConfigs, body: { resources: [one], validateOnly: true } },
    { api: incrementalAlterConfigs, body: { resources: [one], validateOnly: true } },
  ]),
  {
    api: electLeaders,
    body: { electionType: 0, topicPartitions: [{ topic, partitions: [0] }], timeoutMs },
  },
  {
    api: alterPartitionReassignments,
    body: {
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, replicas: [1] }] }],
      timeoutMs,
    },
  },
  {
    api: listPartitionReassignments,
    body: { topics: [{ name: topic, partitionIndexes: [0] }], timeoutMs },
  },
  { api: describeClientQuotas, body: { components: [], strict: false } },
  {
    api: alterClientQuotas,
    body: {
      entries: [
        {
          entity: [{ entityType: 'user', entityName: 'u' }],
          ops: [{ key: 'none', value: 1, remove: false }],
        },
      ],
      validateOnly: true,
    },
  },
  { api: describeUserScramCredentials, body: { users: [{ name: 'nobody' }] } },
  {
    api: alterUserScramCredentials,
    body: { deletions: [{ name: 'nobody', mechanism: 1 }], upsertions: [] },
  },
  {
    api: describeQuorum,
    body: { topics: [{ topicName: 'other', partitions: [{ partitionIndex: 0 }] }] },
  },
  {
    api: updateFeatures,
    body: {
      featureUpdates: [{ feature: 'none', maxVersionLevel: 1, upgradeType: 1 }],
      validateOnly: true,
    },
  },
  { api: unregisterBroker, body: { brokerId: 99 } },
  { api: listConfigResources, body: { resourceTypes: [16] } },
  {
    api: addRaftVoter,
    body: {
      ...{ clusterId: 'another', timeoutMs, voterId: 5, voterDirectoryId: nobodysId },
      listeners: [{ name: 'CONTROLLER', host: '127.0.0.1', port: 19093 }],
    },
  },
  {
    api: removeRaftVoter,
    body: { clusterId: 'another', voterId: 5, voterDirectoryId: nobodysId },
  },
  { api: unregisterController, body: { controllerId: 99 } },
]

const brokerId = '1'
const ofBroker = [4, 8].map((resourceType) => ({
  ...{ resourceType, resourceName: brokerId },
  configs: [{ name: 'root', value: 'INFO', configOperation: 0 }],
}))
const [user, other] = ['u', 'v'].map((principalName) => ({ principalType: 'User', principalName }))

/** Requests that name the asked broker, and those for delegation tokens. */
export const ownRequests: readonly Refused[] = [
  ...ofBroker.flatMap((one) => [
    { api: describeConfigs, body: { resources: [{ ...one, configurationKeys: ['none'] }] } },
    { api: alterConfigs, body: { resources: [one], validateOnly: true } },
    { api: incrementalAlterConfigs, body: { resources: [one], validateOnly: true } },
  ]),
  ...[[], [user], [{ principalType: 'Group', principalName: 'g' }]].flatMap((renewers) => [
    { api: createDelegationToken, body: { renewers, maxLifetimeMs: -1 } },
    {
      api: createDelegationToken,
      body: {
        ...{ renewers, maxLifetimeMs: -1, ownerPrincipalType: other!.principalType },
        ownerPrincipalName: other!.principalName,
      },
    },
  ]),
  { api: renewDelegationToken, body: { hmac: Buffer.alloc(4), renewPeriodMs: -1 } },
  { api: expireDelegationToken, body: { hmac: Buffer.alloc(4), expiryTimePeriodMs: -1 } },
  { api: describeDelegationToken, body: { owners: null } },
]

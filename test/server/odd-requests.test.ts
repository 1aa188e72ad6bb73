import { afterEach, beforeEach, expect, test } from 'vitest'
import { errorName } from '../../src/protocol/errors.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { offsetForLeaderEpoch } from '../../src/protocol/messages/23-offset-for-leader-epoch.ts'
import { createAcls } from '../../src/protocol/messages/30-create-acls.ts'
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.ts'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.ts'
import { describeClientQuotas } from '../../src/protocol/messages/48-describe-client-quotas.ts'
import { alterClientQuotas } from '../../src/protocol/messages/49-alter-client-quotas.ts'
import { alterUserScramCredentials } from '../../src/protocol/messages/51-alter-user-scram-credentials.ts'
import { getTelemetrySubscriptions } from '../../src/protocol/messages/71-get-telemetry-subscriptions.ts'
import { writeBatch } from '../../src/protocol/records/record.ts'
import { Broker } from '../../src/server/broker.ts'
import { RawClient } from './raw-client.ts'

/**
 * Expected values are those of Apache Kafka 4.4.0; `wire-sweep` and `wire-creation` compare
 * thousands more.
 */
let broker: Broker
let client: RawClient

beforeEach(async () => {
  broker = await Broker.start({ port: 0, memory: true })
  client = await RawClient.open(broker.port)
})
afterEach(async () => {
  client.close()
  await broker.stop()
})

const draft = (name: string, numPartitions = 1) => ({
  name,
  numPartitions,
  replicationFactor: 1,
  assignments: [],
  configs: [],
})
const make = (name: string, numPartitions = 1, timeoutMs = 5_000) =>
  client.request(createTopics, 7, { topics: [draft(name, numPartitions)], timeoutMs })
const errorOf = (one: { readonly errorCode: number } | undefined) => errorName(one!.errorCode)

test('a topic that is asked for is unknown first, and there next time', async () => {
  const ask = async () =>
    (await client.request(metadata, 12, { topics: [{ name: 'new' }] })).topics[0]
  expect(errorOf(await ask())).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  await expect.poll(async () => errorOf(await ask())).toBe('NONE')
  const find = () => client.request(findCoordinator, 3, { key: 'g', keyType: 0 })
  expect(errorOf(await find())).toBe('COORDINATOR_NOT_AVAILABLE')
  await expect.poll(async () => errorOf(await find())).toBe('NONE')
})

test('with odradek.auto.creation.awaited it is there at once', async () => {
  const settings = { 'odradek.auto.creation.awaited': true }
  const kind = await Broker.start({ port: 0, memory: true, settings })
  const other = await RawClient.open(kind.port)
  const found = await other.request(metadata, 12, { topics: [{ name: 'new' }] })
  expect(errorOf(found.topics[0])).toBe('NONE')
  expect(errorOf(await other.request(findCoordinator, 3, { key: 'g', keyType: 0 }))).toBe('NONE')
  other.close()
  await kind.stop()
})

test('a partition that is named twice in Produce gets the last, once', async () => {
  const { topics } = await make('t', 2)
  const { topicId } = topics[0]!
  const records = writeBatch({ records: [{ key: null, value: Buffer.from('v'), timestampMs: 1 }] })
  const ask = (...indexes: number[]) =>
    client.request(produce, 13, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1_000,
      topicData: [{ topicId, partitionData: indexes.map((index) => ({ index, records })) }],
    })
  const { responses } = await ask(0, 0)
  expect(responses[0]!.partitionResponses.map((one) => one.baseOffset)).toEqual([0])
  expect((await ask(0)).responses[0]!.partitionResponses[0]!.baseOffset).toBe(1)
  expect((await ask()).responses).toEqual([])
})

test('what is asked for twice, or with numbers of nothing, is answered as in Kafka', async () => {
  await make('t')
  const partitions = [0, 1].map(() => ({ partitionIndex: 0, timestamp: -1 }))
  const query = { replicaId: -1, isolationLevel: 0, topics: [{ name: 't', partitions }] }
  const { topics } = await client.request(listOffsets, 6, query)
  expect(topics[0]!.partitions.map(errorOf)).toEqual(['INVALID_REQUEST'])
  const epochs = await client.request(offsetForLeaderEpoch, 4, {
    topics: [{ topic: 't', partitions: [{ partition: 0, leaderEpoch: -2 }] }],
  })
  expect(epochs.topics[0]!.partitions[0]).toMatchObject({ leaderEpoch: -2, endOffset: 0 })
  expect(errorOf((await make('late', 1, 0)).topics[0])).toBe('REQUEST_TIMED_OUT')
  const neither = await client.request(metadata, 13, { topics: [{ name: null }] })
  expect([errorOf(neither), neither.clusterId]).toEqual(['UNKNOWN_SERVER_ERROR', null])
})

test('quotas come in the order of a hash map, and a part that is named twice counts last', async () => {
  const entity = [
    { entityType: 'user', entityName: 'a' },
    { entityType: 'client-id', entityName: 'c' },
    { entityType: 'user', entityName: 'b' },
  ]
  for (const keys of [['request_percentage'], ['producer_byte_rate', 'consumer_byte_rate']]) {
    const ops = keys.map((key) => ({ key, value: 10, remove: false }))
    const altered = await client.request(alterClientQuotas, 1, {
      entries: [{ entity, ops }],
      validateOnly: false,
    })
    expect(altered.entries.map(errorOf)).toEqual(['NONE'])
  }
  const { entries } = await client.request(describeClientQuotas, 1, {
    components: [],
    strict: false,
  })
  expect(entries).toEqual([
    {
      entity: [
        { entityType: 'client-id', entityName: 'c' },
        { entityType: 'user', entityName: 'b' },
      ],
      values: [
        { key: 'consumer_byte_rate', value: 10 },
        { key: 'request_percentage', value: 10 },
        { key: 'producer_byte_rate', value: 10 },
      ],
    },
  ])
})

test('a user is altered once in a request, whatever the mechanisms', async () => {
  const upsertions = [1, 2].map((mechanism) => ({
    ...{ name: 'u', mechanism, iterations: 4096 },
    ...{ salt: Buffer.from('s'), saltedPassword: Buffer.alloc(32) },
  }))
  const { results } = await client.request(alterUserScramCredentials, 0, {
    deletions: [],
    upsertions,
  })
  expect(results.map(errorOf)).toEqual(['DUPLICATE_RESOURCE'])
})

test('telemetry that is not advertised is answered, an unknown element closes the connection', async () => {
  const asked = { clientInstanceId: 'nobodysIdAAAAAAAAAAAAA' }
  expect(errorOf(await client.request(getTelemetrySubscriptions, 0, asked))).toBe('NONE')
  const creation = { resourceType: 0, resourceName: 'r', principal: 'User:u', host: '*' }
  const creations = [{ ...creation, operation: 3, permissionType: 3 }]
  await expect(client.request(createAcls, 3, { creations })).rejects.toThrow('closed')
})

test('settings are described as they were read, lists grow from the default, throttles are shown', async () => {
  await make('t')
  const [topic, oneBroker] = [2, 4]
  const alter = async (type: number, of: string, name: string, op: number, value: string) => {
    const configs = [{ name, configOperation: op, value }]
    const resources = [{ resourceType: type, resourceName: of, configs }]
    const asked = { resources, validateOnly: false }
    return errorOf((await client.request(incrementalAlterConfigs, 1, asked)).responses[0])
  }
  const describe = async (type: number, of: string, key: string) => {
    const resources = [{ resourceType: type, resourceName: of, configurationKeys: [key] }]
    const { results } = await client.request(describeConfigs, 4, { resources })
    return results[0]!.configs.map(({ value, isSensitive }) => (isSensitive ? 'hidden' : value))
  }
  expect(await alter(topic, 't', 'retention.ms', 0, ' +7 ')).toBe('NONE')
  expect(await describe(topic, 't', 'retention.ms')).toEqual(['7'])
  expect(await alter(topic, 't', 'cleanup.policy', 2, 'compact')).toBe('NONE')
  expect(await describe(topic, 't', 'cleanup.policy')).toEqual(['delete,compact'])
  const rate = 'leader.replication.throttled.rate'
  expect(await alter(oneBroker, '', rate, 0, '-1')).toBe('INVALID_REQUEST')
  expect(await alter(oneBroker, '', rate, 0, ' 1000 ')).toBe('NONE')
  expect(await describe(oneBroker, '', rate)).toEqual([' 1000 '])
})

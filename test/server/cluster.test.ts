import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { keyPartition } from '../../src/coordinator/key-partition.ts'
import { errorCode } from '../../src/protocol/errors.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { type MetadataResponse, metadata } from '../../src/protocol/messages/03-metadata.ts'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.ts'
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { describeQuorum } from '../../src/protocol/messages/55-describe-quorum.ts'
import { describeCluster } from '../../src/protocol/messages/60-describe-cluster.ts'
import { writeBatch } from '../../src/protocol/records/record.ts'
import { Broker } from '../../src/server/broker.ts'
import type { BrokerOptions } from '../../src/server/broker-options.ts'
import { RawClient } from './raw-client.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function startThree(options: BrokerOptions = { memory: true }): Promise<Broker> {
  const cluster = await Broker.start({ brokers: 3, port: 0, ...options })
  open.push({ close: () => cluster.stop() })
  return cluster
}

async function clientOf(cluster: Broker, brokerId: number): Promise<RawClient> {
  const { listeners } = cluster.brokers.find((one) => one.brokerId === brokerId)!
  const client = await RawClient.open(listeners[0]!.port)
  open.push(client)
  return client
}

const topicOf = (name: string, numPartitions: number, replicationFactor = 1) => ({
  name,
  numPartitions,
  replicationFactor,
  assignments: [],
  configs: [],
})

async function create(client: RawClient, name: string, partitions: number, factor = 1) {
  const { topics } = await client.request(createTopics, 7, {
    topics: [topicOf(name, partitions, factor)],
    timeoutMs: 10_000,
  })
  return topics[0]!
}

function produceTo(client: RawClient, topicId: string, index: number, value: string) {
  const records = writeBatch({
    records: [{ key: null, value: Buffer.from(value), timestampMs: 1 }],
  })
  return client
    .request(produce, 13, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ topicId, partitionData: [{ index, records }] }],
    })
    .then(({ responses, nodeEndpoints }) => ({
      ...responses[0]!.partitionResponses[0]!,
      nodeEndpoints,
    }))
}

const leadersOf = (topic: MetadataResponse['topics'][number]) =>
  topic.partitions.map(({ leaderId }) => leaderId)

async function topicAt(client: RawClient, name: string) {
  const { topics } = await client.request(metadata, 12, { topics: [{ name }] })
  return topics[0]!
}

describe('three brokers in one process', () => {
  test('are told of truthfully, and share the partitions', async () => {
    const cluster = await startThree()
    const second = await clientOf(cluster, 2)
    await create(second, 'spread', 9)
    const described = await second.request(metadata, 12, { topics: [{ name: 'spread' }] })
    const ports = cluster.brokers.map(({ listeners }) => listeners[0]!.port)
    expect(described.brokers.map(({ nodeId, port }) => [nodeId, port])).toEqual(
      ports.map((port, i) => [i + 1, port]),
    )
    expect(described.clusterId).toBe(cluster.clusterId)
    const leaders = leadersOf(described.topics[0]!)
    for (const id of [1, 2, 3]) expect(leaders.filter((leader) => leader === id)).toHaveLength(3)
    // Each group of three partitions uses all three brokers, as with Kafka's striped placement.
    for (const at of [0, 3, 6]) expect(new Set(leaders.slice(at, at + 3)).size).toBe(3)
    const nodes = await second.request(describeCluster, 1, {
      includeClusterAuthorizedOperations: false,
    })
    expect(nodes.brokers).toHaveLength(3)
    const quorum = await second.request(describeQuorum, 2, {
      topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
    })
    const [partition] = quorum.topics[0]!.partitions
    expect(partition!.leaderId).toBe(3000)
    expect(partition!.currentVoters.map(({ replicaId }) => replicaId)).toEqual([3000])
    expect(partition!.observers.map(({ replicaId }) => replicaId).sort()).toEqual([1, 2, 3])
  })

  test('send who asks the wrong one to the right one', async () => {
    const cluster = await startThree()
    const [first, second] = [await clientOf(cluster, 1), await clientOf(cluster, 2)]
    const { topicId } = await create(first, 'routed', 3)
    const leaders = leadersOf(await topicAt(second, 'routed'))
    const index = leaders.indexOf(2)
    const wrong = await produceTo(first, topicId, index, 'lost')
    expect(wrong.errorCode).toBe(errorCode('NOT_LEADER_OR_FOLLOWER'))
    expect(wrong.currentLeader).toEqual({ leaderId: 2, leaderEpoch: 0 })
    const { port } = cluster.brokers[1]!.listeners[0]!
    expect(wrong.nodeEndpoints).toEqual([{ nodeId: 2, host: '127.0.0.1', port, rack: null }])
    expect((await produceTo(second, topicId, index, 'found')).errorCode).toBe(0)
    const read = async (client: RawClient) => {
      const partitions = [{ partition: index, fetchOffset: 0, partitionMaxBytes: 1 << 20 }]
      const answer = await client.request(fetch, 16, {
        maxWaitMs: 0,
        minBytes: 0,
        topics: [{ topicId, partitions }],
      })
      return { ...answer.responses[0]!.partitions[0]!, nodes: answer.nodeEndpoints }
    }
    const misled = await read(first)
    expect(misled.errorCode).toBe(errorCode('NOT_LEADER_OR_FOLLOWER'))
    expect(misled.currentLeader).toEqual({ leaderId: 2, leaderEpoch: 0 })
    expect(misled.nodes).toHaveLength(1)
    expect((await read(second)).highWatermark).toBe(1)
  })

  test('coordinate a group where its partition is led, and nowhere else', async () => {
    const cluster = await startThree({
      memory: true,
      settings: { 'offsets.topic.num.partitions': 6 },
    })
    const first = await clientOf(cluster, 1)
    const groups = ['a', 'b', 'c', 'd', 'e', 'f']
    const ask = () => first.request(findCoordinator, 4, { keyType: 0, coordinatorKeys: groups })
    // The internal topic is created when its coordinator is requested.
    await expect.poll(async () => (await ask()).coordinators[0]!.errorCode).toBe(0)
    const { coordinators } = await ask()
    const leaders = leadersOf(await topicAt(first, '__consumer_offsets'))
    expect(new Set(leaders).size).toBe(3)
    for (const { key, nodeId } of coordinators) {
      expect(nodeId).toBe(leaders[keyPartition(key, 6)])
      for (const id of [1, 2, 3]) {
        const client = await clientOf(cluster, id)
        const { errorCode: code } = await client.request(heartbeat, 4, {
          groupId: key,
          generationId: 1,
          memberId: 'm',
        })
        const expected = id === nodeId ? 'UNKNOWN_MEMBER_ID' : 'NOT_COORDINATOR'
        expect(code).toBe(errorCode(expected))
      }
    }
  })

  test('refuse to promise copies that there are not, unless told to take less', async () => {
    const strict = await clientOf(await startThree(), 1)
    const refused = await create(strict, 'copies', 3, 3)
    expect(refused.errorCode).toBe(errorCode('INVALID_REPLICATION_FACTOR'))
    expect(refused.errorMessage).toContain('odradek.replication.factor.capped')
    const lenient = await clientOf(
      await startThree({ memory: true, settings: { 'odradek.replication.factor.capped': true } }),
      1,
    )
    const granted = await create(lenient, 'copies', 3, 3)
    expect([granted.errorCode, granted.replicationFactor]).toEqual([0, 1])
    const { partitions } = await topicAt(lenient, 'copies')
    expect(partitions.map(({ replicaNodes }) => replicaNodes.length)).toEqual([1, 1, 1])
  })

  test('come and go one by one, and keep what they had', async () => {
    const cluster = await startThree()
    const [first, third] = [await clientOf(cluster, 1), await clientOf(cluster, 3)]
    const { topicId } = await create(first, 'kept', 3)
    const before = await topicAt(first, 'kept')
    const index = leadersOf(before).indexOf(3)
    await produceTo(third, topicId, index, 'one')
    const { port } = cluster.brokers[2]!.listeners[0]!
    await cluster.stopBroker(3)
    expect(await third.nextFrame()).toBeNull()
    const during = await first.request(metadata, 12, { topics: [{ name: 'kept' }] })
    expect(during.brokers.map(({ nodeId }) => nodeId)).toEqual([1, 2])
    const [gone] = during.topics[0]!.partitions.filter((one) => one.partitionIndex === index)
    expect(gone!.errorCode).toBe(errorCode('LEADER_NOT_AVAILABLE'))
    // The absent broker misses a topic that is created now, and one that is deleted now is gone
    // when it returns.
    await create(first, 'meanwhile', 4)
    expect(leadersOf(await topicAt(first, 'meanwhile'))).not.toContain(3)
    await cluster.startBroker(3)
    expect(cluster.brokers[2]!.listeners[0]!.port).toBe(port)
    const after = await topicAt(first, 'kept')
    expect(leadersOf(after)).toEqual(leadersOf(before))
    expect(after.partitions[index]!.leaderEpoch).toBeGreaterThan(
      before.partitions[index]!.leaderEpoch,
    )
    const again = await clientOf(cluster, 3)
    expect(await produceTo(again, topicId, index, 'two')).toMatchObject({ baseOffset: 1 })
    expect(() => cluster.stopBroker(4)).toThrow('no broker 4 here')
  })

  test('have a directory each, and find their data again', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'odradek-cluster-'))
    open.push({ close: () => rmSync(dataDir, { recursive: true }) })
    const options = { brokers: 3, port: 0, dataDir }
    const cluster = await Broker.start(options)
    const client = await clientOf(cluster, 1)
    const { topicId } = await create(client, 'stored', 3)
    const leaders = leadersOf(await topicAt(client, 'stored'))
    for (const [index, leader] of leaders.entries()) {
      await produceTo(await clientOf(cluster, leader), topicId, index, `p${index}`)
    }
    await cluster.stop()
    expect(readdirSync(dataDir).sort()).toEqual(['broker1', 'broker2', 'broker3', 'controller'])
    for (const [index, leader] of leaders.entries()) {
      expect(readdirSync(join(dataDir, `broker${leader}`))).toContain(`stored-${index}`)
    }
    const again = await startThree({ dataDir })
    expect(again.clusterId).toBe(cluster.clusterId)
    for (const [index, leader] of leaders.entries()) {
      const next = await produceTo(await clientOf(again, leader), topicId, index, 'next')
      expect(next.baseOffset).toBe(1)
    }
    await expect(Broker.start({ dataDir, port: 0 })).rejects.toThrow('several brokers')
    const single = join(dataDir, 'broker1')
    await expect(Broker.start({ brokers: 2, dataDir: single, port: 0 })).rejects.toThrow(
      'data of a single node',
    )
  })
})

test('a sole node is stopped and started again in place', async () => {
  const sole = await Broker.start({ memory: true, port: 0 })
  open.push({ close: () => sole.stop() })
  const client = await clientOf(sole, 1)
  const { topicId } = await create(client, 'kept', 1)
  await produceTo(client, topicId, 0, 'one')
  const { port } = sole
  await sole.restartBroker(1)
  expect(sole.port).toBe(port)
  expect(await produceTo(await clientOf(sole, 1), topicId, 0, 'two')).toMatchObject({
    baseOffset: 1,
  })
})

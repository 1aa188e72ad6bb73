import { afterAll, beforeAll, expect, test } from 'vitest'
import { Broker } from '../../src/index.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.ts'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../../src/protocol/messages/20-delete-topics.ts'
import { writeTxnMarkers } from '../../src/protocol/messages/27-write-txn-markers.ts'
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.ts'
import { listTransactions } from '../../src/protocol/messages/66-list-transactions.ts'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/68-consumer-group-heartbeat.ts'
import type { CodecName } from '../../src/protocol/records/batch.ts'
import { writeCompressedBatch } from '../../src/protocol/records/record.ts'
import type { AnyApi } from '../../src/protocol/schema.ts'
import { RawClient } from './raw-client.ts'

let broker: Broker
let port: number
beforeAll(async () => {
  broker = await Broker.start({ memory: true, port: 0 })
  port = Number(broker.address.split(':').at(-1))
  const client = await RawClient.open(port)
  const draft = { numPartitions: 40, replicationFactor: 1, assignments: [], configs: [] }
  const topics = [{ name: 't', ...draft }]
  await client.request(createTopics, 7, { topics, timeoutMs: 10_000 })
  client.socket.destroy()
})
afterAll(() => broker.stop())

/**
 * Counts the answers to another client while a request is processed, and by how much the memory of
 * the process has grown at the most.
 */
async function answeredDuring(api: AnyApi, version: number, body: object) {
  const [asking, other] = await Promise.all([RawClient.open(port), RawClient.open(port)])
  try {
    let isDone = false
    const answer = asking.request(api as never, version, body as never).finally(() => {
      isDone = true
    })
    let count = 0
    let grownBytes = 0
    const rss = process.memoryUsage.rss()
    while (!isDone) {
      await other.request(apiVersions, 0, {})
      count++
      grownBytes = Math.max(grownBytes, process.memoryUsage.rss() - rss)
    }
    return { count, grownBytes, answer: (await answer) as any }
  } finally {
    asking.socket.destroy()
    other.socket.destroy()
  }
}

const times = <T>(count: number, make: (i: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i))

/** Bytes to which a batch unfolds, so that it takes each codec some time. */
const unfoldedBytes: Partial<Record<CodecName, number>> = { lz4: 20_000_000, zstd: 10_000_000 }

/** Unfolded as a whole, 800 MB of lz4 made the process grow by as much. */
const grownBytesMax: Partial<Record<CodecName, number>> = { lz4: 300_000_000 }

async function bombs(codec: CodecName) {
  const value = Buffer.alloc(unfoldedBytes[codec] ?? 3_000_000)
  const records = [{ key: null, value, timestampMs: 1_700_000_000_000 }]
  const batch = await writeCompressedBatch({ records }, codec)
  return {
    ...{ transactionalId: null, acks: -1, timeoutMs: 30_000 },
    topicData: [
      { name: 't', partitionData: times(40, (index) => ({ index, records: Buffer.from(batch) })) },
    ],
  }
}

test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'batches of %s that unfold to much leave the loop to others, and are all taken',
  async (codec) => {
    const { count, grownBytes, answer } = await answeredDuring(produce, 9, await bombs(codec))
    const partitions = answer.responses[0].partitionResponses
    expect(partitions.map((one: { errorCode: number }) => one.errorCode)).toEqual(
      times(40, () => 0),
    )
    expect(count).toBeGreaterThan(1)
    expect(grownBytes).toBeLessThan(grownBytesMax[codec] ?? Infinity)
  },
)

const many = 30_000

test.each([
  [
    metadata,
    12,
    { topics: times(many, (i) => ({ name: `n${i}` })), allowAutoTopicCreation: false },
  ],
  [
    fetch,
    11,
    {
      ...{ replicaId: -1, maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20, isolationLevel: 0 },
      ...{ sessionId: 0, sessionEpoch: 0, forgottenTopicsData: [] },
      topics: times(many, (i) => ({
        topic: `n${i}`,
        partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }],
      })),
    },
  ],
  [
    listOffsets,
    9,
    {
      ...{ replicaId: -1, isolationLevel: 0, timeoutMs: 0 },
      topics: [
        {
          name: 't',
          partitions: times(100_000, (i) => ({
            ...{ partitionIndex: i, currentLeaderEpoch: -1, timestamp: -1 },
          })),
        },
      ],
    },
  ],
  [
    createTopics,
    7,
    {
      ...{ timeoutMs: 10_000, validateOnly: false },
      topics: times(many, (i) => ({
        ...{ name: `n${i}`, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
      })),
    },
  ],
  [
    writeTxnMarkers,
    1,
    {
      markers: [
        {
          ...{ producerId: 1, producerEpoch: 0, transactionResult: true, coordinatorEpoch: 0 },
          topics: [{ name: 't', partitionIndexes: times(4 * many, (i) => i) }],
        },
      ],
    },
  ],
  [findCoordinator, 6, { keyType: 0, coordinatorKeys: times(many, (i) => `k${i}`) }],
  [deleteTopics, 6, { topics: times(many, (i) => ({ name: `n${i}` })), timeoutMs: 1 }],
  [
    describeConfigs,
    4,
    {
      resources: times(1_500, () => ({
        resourceType: 2,
        resourceName: 't',
        configurationKeys: null,
      })),
      includeSynonyms: true,
    },
  ],
  [
    offsetCommit,
    9,
    {
      ...{ groupId: 'g', memberId: '', generationIdOrMemberEpoch: -1 },
      topics: times(many, (i) => ({
        name: `n${i}`,
        partitions: [{ partitionIndex: 0, committedOffset: 0, committedMetadata: '' }],
      })),
    },
  ],
  [
    listTransactions,
    2,
    {
      ...{ stateFilters: [], producerIdFilters: [], durationFilter: -1 },
      transactionalIdPattern: times(40, (i) => `(x${i}{900}.*)`).join('|'),
    },
  ],
  [
    consumerGroupHeartbeat,
    1,
    {
      ...{ groupId: 'r', memberId: 'm', memberEpoch: 0, instanceId: null, rackId: null },
      ...{ rebalanceTimeoutMs: 60_000, subscribedTopicNames: null, serverAssignor: null },
      ...{
        subscribedTopicRegex: times(40, (i) => `(x${i}{900}.*)`).join('|'),
        topicPartitions: [],
      },
    },
  ],
] as const)('$name of many parts leaves the loop to others', async (api, version, body) => {
  const { count } = await answeredDuring(api, version, body)
  // On a blocked loop there is one answer. A Fetch has several passes, between which others are
  // served in any case.
  expect(count).toBeGreaterThan(api === fetch ? 3 : 1)
})

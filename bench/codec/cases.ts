import { createRequire } from 'node:module'
import {
  fetchV12,
  heartbeatV4,
  Reader as ItsReader,
  metadataV9,
  produceV9,
} from '@platformatic/kafka'
import { requestCodec, responseCodec } from '../../src/protocol/codec.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { writeBatch } from '../../src/protocol/records/record.ts'
import type { AnyApi } from '../../src/protocol/schema.ts'
import { Writer } from '../../src/protocol/writer.ts'

/** One operation of two codecs on the same message in the same version. */
export interface Case {
  readonly message: string
  readonly what: string
  readonly version: number
  readonly rival: string
  /** Null if the other library is a client without code for this direction. */
  readonly theirs: (() => unknown) | null
  readonly ours: () => unknown
}

const require = createRequire(import.meta.url)
const kafkajsRequests = require.resolve('kafkajs').replace(/index\.js$/, 'src/protocol/requests')
const kafkajs = (name: string, version: number) => ({
  request: require(`${kafkajsRequests}/${name}/v${version}/request`),
  response: require(`${kafkajsRequests}/${name}/v${version}/response`),
})

const range = (n: number) => Array.from({ length: n }, (_, i) => i)
const topic = 'orders-by-customer'
const value = Buffer.alloc(100, 'v')
const timestamp = 1_700_000_000_000

function written(api: AnyApi, side: 'request' | 'response', version: number, body: object): Buffer {
  const writer = new Writer()
  const codec = side === 'request' ? requestCodec(api, version) : responseCodec(api, version)
  codec.write(writer, body as never)
  return writer.toBuffer()
}

interface Rival {
  readonly rival: string
  readonly version: number
  readonly write: () => unknown
  readonly read: (response: Buffer) => unknown
}

interface Shape {
  readonly message: string
  readonly api: AnyApi
  readonly request: () => object
  readonly response: object
  readonly rivals: readonly Rival[]
}

/**
 * Returns the cases of both sides: the directions of the two clients (encode requests, decode
 * responses) and, without comparison, those of a broker.
 */
function casesOf({ message, api, request, response, rivals }: Shape): Case[] {
  return rivals.flatMap(({ rival, version, write, read }): Case[] => {
    const asked = written(api, 'request', version, request())
    const told = written(api, 'response', version, response)
    const [ofRequest, ofResponse] = [requestCodec(api, version), responseCodec(api, version)]
    const row = (what: string, theirs: Case['theirs'], ours: Case['ours']) => ({
      message,
      rival,
      version,
      what,
      theirs,
      ours,
    })
    const finish = (writer: Writer) => writer.finish()
    return [
      row('write request', write, () => {
        const writer = new Writer()
        ofRequest.write(writer, request() as never)
        return finish(writer)
      }),
      row(
        'read response',
        () => read(told),
        () => ofResponse.read(new Reader(told)),
      ),
      row('read request', null, () => ofRequest.read(new Reader(asked))),
      row('write response', null, () => {
        const writer = new Writer()
        ofResponse.write(writer, response as never)
        return finish(writer)
      }),
    ]
  })
}

function platformatic(
  version: number,
  of: { createRequest: any; parseResponse: any },
  key: number,
  args: () => readonly unknown[],
): Rival {
  return {
    rival: '@platformatic/kafka',
    version,
    write: () => of.createRequest(...args()).buffers,
    read: (told) => of.parseResponse(1, key, version, ItsReader.from(told)),
  }
}

function kafkajsOf(name: string, version: number, args: () => object): Rival {
  const { request, response } = kafkajs(name, version)
  return {
    rival: 'kafkajs',
    version,
    write: async () => (await request(args()).encode()).buffer,
    read: (told) => response.decode(told),
  }
}

const heartbeats: Shape = {
  message: 'Heartbeat',
  api: heartbeat,
  request: () => ({
    groupId: 'billing',
    generationId: 7,
    memberId: 'consumer-billing-1-9c1a2f3e-5e6b-4c1d-8d2e-1f2a3b4c5d6e',
    groupInstanceId: null,
  }),
  response: { throttleTimeMs: 0, errorCode: 0 },
  rivals: [
    kafkajsOf('heartbeat', 3, () => ({
      groupId: 'billing',
      groupGenerationId: 7,
      memberId: 'consumer-billing-1-9c1a2f3e-5e6b-4c1d-8d2e-1f2a3b4c5d6e',
      groupInstanceId: null,
    })),
    platformatic(4, heartbeatV4 as any, 12, () => [
      'billing',
      7,
      'consumer-billing-1-9c1a2f3e-5e6b-4c1d-8d2e-1f2a3b4c5d6e',
      null,
    ]),
  ],
}

/**
 * A Produce request with one batch of one record per partition: the clients cannot encode it
 * without.
 */
const produces = (partitions: number): Shape => ({
  message: `Produce, ${partitions} partitions`,
  api: produce,
  request: () => ({
    transactionalId: null,
    acks: -1,
    timeoutMs: 30_000,
    topicData: [
      {
        name: topic,
        partitionData: range(partitions).map((index) => ({
          index,
          records: writeBatch({ records: [{ key: null, value, timestampMs: timestamp }] }),
        })),
      },
    ],
  }),
  response: {
    responses: [
      {
        name: topic,
        partitionResponses: range(partitions).map((index) => ({
          index,
          errorCode: 0,
          baseOffset: 123_456 + index,
          logAppendTimeMs: -1,
          logStartOffset: 0,
        })),
      },
    ],
  },
  rivals: [
    kafkajsOf('produce', 7, () => ({
      acks: -1,
      timeout: 30_000,
      topicData: [
        {
          topic,
          partitions: range(partitions).map((partition) => ({
            partition,
            messages: [{ key: null, value, timestamp, headers: {} }],
          })),
        },
      ],
    })),
    platformatic(9, produceV9 as any, 0, () => [
      -1,
      30_000,
      range(partitions).map((partition) => ({
        topic,
        partition,
        value,
        timestamp: BigInt(timestamp),
      })),
      {},
    ]),
  ],
})

/**
 * A Fetch response without records, because the clients would decode them, unlike a message codec.
 */
const fetches = (partitions: number): Shape => ({
  message: `Fetch, ${partitions} partitions`,
  api: fetch,
  request: () => ({
    replicaId: -1,
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 52_428_800,
    isolationLevel: 1,
    sessionId: 0,
    sessionEpoch: -1,
    rackId: '',
    forgottenTopicsData: [],
    topics: [
      {
        topic,
        partitions: range(partitions).map((partition) => ({
          partition,
          currentLeaderEpoch: -1,
          fetchOffset: 123_456 + partition,
          logStartOffset: -1,
          partitionMaxBytes: 1_048_576,
        })),
      },
    ],
  }),
  response: {
    responses: [
      {
        topic,
        partitions: range(partitions).map((partitionIndex) => ({
          partitionIndex,
          errorCode: 0,
          highWatermark: 123_456,
          lastStableOffset: 123_456,
          logStartOffset: 0,
          abortedTransactions: [],
          preferredReadReplica: -1,
          records: Buffer.alloc(0),
        })),
      },
    ],
  },
  rivals: [
    kafkajsOf('fetch', 11, () => ({
      replicaId: -1,
      maxWaitTime: 500,
      minBytes: 1,
      maxBytes: 52_428_800,
      topics: [
        {
          topic,
          partitions: range(partitions).map((partition) => ({
            partition,
            fetchOffset: 123_456 + partition,
            maxBytes: 1_048_576,
          })),
        },
      ],
    })),
    platformatic(12, fetchV12 as any, 1, () => [
      500,
      1,
      52_428_800,
      1,
      0,
      -1,
      [
        {
          topicId: topic,
          partitions: range(partitions).map((partition) => ({
            partition,
            currentLeaderEpoch: -1,
            fetchOffset: BigInt(123_456 + partition),
            lastFetchedEpoch: -1,
            partitionMaxBytes: 1_048_576,
          })),
        },
      ],
      [],
      '',
    ]),
  ],
})

const metadatas = (topics: number, partitions: number): Shape => {
  const names = range(topics).map((i) => `${topic}-${i}`)
  return {
    message: `Metadata, ${topics} topics of ${partitions} partitions`,
    api: metadata,
    request: () => ({ topics: names.map((name) => ({ name })), allowAutoTopicCreation: false }),
    response: {
      brokers: [{ nodeId: 1, host: 'broker-1.example.org', port: 9092, rack: null }],
      clusterId: 'MkU3OEVBNTcwNTJENDM2Qg',
      controllerId: 1,
      topics: names.map((name) => ({
        errorCode: 0,
        name,
        isInternal: false,
        partitions: range(partitions).map((partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId: 1,
          leaderEpoch: 3,
          replicaNodes: [1, 2, 3],
          isrNodes: [1, 2, 3],
          offlineReplicas: [],
        })),
      })),
    },
    rivals: [
      kafkajsOf('metadata', 6, () => ({ topics: names, allowAutoTopicCreation: false })),
      platformatic(9, metadataV9 as any, 3, () => [names, false, false]),
    ],
  }
}

export const cases: readonly Case[] = [
  heartbeats,
  produces(1),
  produces(50),
  fetches(1),
  fetches(50),
  metadatas(1, 200),
  metadatas(1000, 1),
].flatMap(casesOf)

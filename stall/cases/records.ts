import zlib from 'node:zlib'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.ts'
import { deleteRecords } from '../../src/protocol/messages/21-delete-records.ts'
import { offsetForLeaderEpoch } from '../../src/protocol/messages/23-offset-for-leader-epoch.ts'
import { describeProducers } from '../../src/protocol/messages/61-describe-producers.ts'
import {
  batchHeaderBytes,
  type CodecName,
  codecs,
  writeBatchHeader,
} from '../../src/protocol/records/batch.ts'
import { compress } from '../../src/protocol/records/compression.ts'
import { writeBatch } from '../../src/protocol/records/record.ts'
import { RecordWriter } from '../../src/protocol/records/record-writer.ts'
import type { StallCase } from '../case.ts'
import { hostile, largeTopic, many, times, topicName, wideTopic, zstdTopic } from './many.ts'

const nowMs = 1_700_000_000_000

function batchOf(payload: Buffer, codec: CodecName, count: number): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(batchHeaderBytes), payload])
  writeBatchHeader(bytes, {
    ...{ baseOffset: 0, leaderEpoch: -1, codec: codecs[codec], logAppendTime: false },
    ...{ isTransactional: false, isControl: false, deleteHorizon: false },
    ...{ lastOffsetDelta: count - 1, recordCount: count, baseTimestampMs: nowMs },
    ...{ maxTimestampMs: nowMs, producerId: -1, producerEpoch: -1, baseSequence: -1 },
  })
  return bytes
}

/** Returns one record with a value of this many zeros. */
function bomb(bytes: number): Buffer {
  const writer = new RecordWriter(0)
  writer.record(0, 0, { key: Buffer.from('k'), value: Buffer.alloc(bytes), timestampMs: nowMs })
  return Buffer.from(writer.take())
}

/** Returns as many minimal records as fit. */
function smallest(bytes: number): { payload: Buffer; count: number } {
  const writer = new RecordWriter(0)
  let count = 0
  for (; writer.length < bytes; count++) {
    writer.record(count, 0, { key: null, value: null, timestampMs: nowMs })
  }
  return { payload: Buffer.from(writer.take()), count }
}

const toPartitions = (batches: readonly Buffer[], topic = wideTopic) => ({
  ...{ transactionalId: null, acks: -1, timeoutMs: 30_000 },
  topicData: [
    { name: topic, partitionData: batches.map((records, index) => ({ index, records })) },
  ],
})

/** Returns batches that expand far: 57 KB of gzip become 57 MB, four hundred times make 23 MB. */
const bombs = (codec: CodecName, count: number, bytes: number) => async () => {
  const payload = await compress(codecs[codec], bomb(bytes))
  return [toPartitions(times(count, () => batchOf(payload, codec, 1)))]
}

const tiny =
  (codec: CodecName, bytes: number, count: number, topic = wideTopic) =>
  async () => {
    const { payload, count: records } = smallest(bytes)
    const packed = codec === 'none' ? payload : await compress(codecs[codec], payload)
    return [
      toPartitions(
        times(count, () => batchOf(packed, codec, records)),
        topic,
      ),
    ]
  }

/** A reason for memory on Node versions without zstd. */
const before22 =
  'before Node 22.15 a package unfolds whole frames of 100 MB, which are given back by the next full collection'

const produced = (
  title: string,
  bodies: StallCase['bodies'],
  more: Partial<StallCase> = {},
): StallCase => ({
  title: `Produce: ${title}`,
  api: produce,
  version: 9,
  bodies,
  ...more,
})

const asked = (count: number) => ({
  replicaId: -1,
  maxWaitMs: 0,
  minBytes: 1,
  maxBytes: 50 << 20,
  isolationLevel: 0,
  sessionId: 0,
  sessionEpoch: 0,
  topics: [
    {
      topic: wideTopic,
      partitions: times(count, (partition) => ({
        partition,
        fetchOffset: 0,
        partitionMaxBytes: 1 << 20,
      })),
    },
  ],
  forgottenTopicsData: [],
})

const offsetsOf = (count: number, timestamp: number, topic = wideTopic) => ({
  replicaId: -1,
  isolationLevel: 0,
  topics: [
    { name: topic, partitions: times(count, (partitionIndex) => ({ partitionIndex, timestamp })) },
  ],
  timeoutMs: 30_000,
})

export const recordCases: readonly StallCase[] = [
  produced('100 batches of 1 MB, each one record', () => [
    toPartitions(
      times(100, () =>
        writeBatch({
          records: [{ key: null, value: Buffer.alloc(1_048_400), timestampMs: nowMs }],
        }),
      ),
    ),
  ]),
  produced('100 batches of 1 MB of the smallest records', tiny('none', 1_048_000, 100)),
  produced('400 gzip bombs of 57 KB, 57 MB each', bombs('gzip', 400, 57_000_000)),
  produced('4000 gzip bombs of 500 bytes, 200 KB each', bombs('gzip', 4000, 200_000)),
  produced('100 snappy bombs of 1 MB, 20 MB each', bombs('snappy', 100, 20_000_000)),
  produced('100 lz4 bombs of 400 KB, 100 MB each', bombs('lz4', 100, 100_000_000)),
  produced('100 zstd bombs of 10 KB, 100 MB each', bombs('zstd', 100, 100_000_000), {
    reason: before22,
  }),
  produced('a gzip of 100 MB of the smallest records', tiny('gzip', 100_000_000, 1, largeTopic)),
  produced('an lz4 of 100 MB of the smallest records', tiny('lz4', 100_000_000, 1, largeTopic)),
  produced('50 gzips of 1 MB, each to be made zstd', async () => {
    const random = Buffer.from(times(700_000, (i) => (i * 2654435761) >>> (i % 24)))
    const writer = new RecordWriter(0)
    for (let i = 0; i < 700; i++) {
      const value = random.subarray(i * 1000, i * 1000 + 1000)
      writer.record(i, 0, { key: null, value, timestampMs: nowMs })
    }
    const payload = zlib.gzipSync(writer.take())
    return [
      toPartitions(
        times(50, () => batchOf(payload, 'gzip', 700)),
        zstdTopic,
      ),
    ]
  }),
  produced(
    '100,000 partitions that are not there',
    () => [
      {
        ...{ transactionalId: null, acks: -1, timeoutMs: 30_000 },
        topicData: [
          {
            name: 'nobody',
            partitionData: times(hostile, (index) => ({ index, records: Buffer.alloc(0) })),
          },
        ],
      },
    ],
    { expects: ['UNKNOWN_TOPIC_OR_PARTITION'] },
  ),
  {
    title: 'Fetch: 10,000 partitions with what is in them',
    api: fetch,
    version: 11,
    bodies: () => [asked(many)],
  },
  {
    title: 'Fetch: 100,000 partitions, most of them not there',
    api: fetch,
    version: 11,
    bodies: () => [asked(hostile)],
  },
  {
    title: 'ListOffsets: the ends of 100,000 partitions',
    api: listOffsets,
    version: 10,
    bodies: () => [offsetsOf(hostile, -1)],
  },
  {
    title: 'ListOffsets: by time, 10,000 partitions',
    api: listOffsets,
    version: 10,
    bodies: () => [offsetsOf(many, nowMs)],
  },
  {
    title: 'ListOffsets: by time, behind what unfolds to 100 MB',
    api: listOffsets,
    version: 10,
    bodies: () => [offsetsOf(100, nowMs + 1)],
  },
  {
    title: 'DeleteRecords: 100,000 partitions',
    api: deleteRecords,
    version: 2,
    bodies: () => [
      {
        topics: [
          {
            name: wideTopic,
            partitions: times(hostile, (partitionIndex) => ({ partitionIndex, offset: 0 })),
          },
        ],
        timeoutMs: 30_000,
      },
    ],
  },
  {
    title: 'OffsetForLeaderEpoch: 100,000 partitions',
    api: offsetForLeaderEpoch,
    version: 4,
    bodies: () => [
      {
        replicaId: -1,
        topics: [
          {
            topic: wideTopic,
            partitions: times(hostile, (partition) => ({ partition, leaderEpoch: 0 })),
          },
        ],
      },
    ],
  },
  {
    title: 'DescribeProducers: 100,000 partitions',
    api: describeProducers,
    version: 0,
    bodies: () => [{ topics: [{ name: wideTopic, partitionIndexes: times(hostile, (i) => i) }] }],
  },
  {
    title: 'Fetch: one partition of each of 10,000 topics',
    api: fetch,
    version: 11,
    bodies: () => [
      {
        ...asked(0),
        topics: times(many, (i) => ({
          topic: topicName(i),
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }],
        })),
      },
    ],
  },
]

import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.ts'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.ts'
import type { CodecName } from '../../src/protocol/records/batch.ts'
import { writeTransactionMarker } from '../../src/protocol/records/control.ts'
import { writeBatch, writeCompressedBatch } from '../../src/protocol/records/record.ts'
import { Assembly } from '../../src/server/assembly.ts'
import type { Disk } from '../../src/storage/disk.ts'
import type { Log } from '../../src/storage/log.ts'
import { logConfigDefaults } from '../../src/storage/log-config.ts'
import { LogDir } from '../../src/storage/log-dir.ts'
import { readPartitionMetadata } from '../../src/storage/partition-metadata.ts'
import { TailCacheBudget } from '../../src/storage/tail-cache.ts'
import { RawClient } from '../../test/server/raw-client.ts'
import { seededRandom } from '../../test/storage/logs.ts'

/** The topics of the directory, with their partition counts. */
export const topics = { plain: 2, packed: 1, paid: 1, keyed: 1 } as const
export const compactedTopics: readonly string[] = ['keyed']
export const groups = ['readers', 'writers', 'others'] as const

const startMs = 1_790_000_000_000
const batchesInSegment = 5
const segments = 4

/** Broker settings for these directories, for odradek and Apache Kafka. */
export const brokerSettings = {
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 2,
  'transaction.state.log.num.partitions': 2,
  'num.partitions': 1,
  // No compaction while the directory is read.
  'log.cleaner.enable': false,
  'log.retention.ms': -1,
  'metadata.log.max.record.bytes.between.snapshots': 1500,
}

/**
 * Fills an empty directory with a broker's files: topics of several segments, compressed and
 * transactional batches, a compacted topic, logs of groups and transactions, and a metadata log
 * with a snapshot.
 */
export async function buildDirectory(disk: Disk, dir: string): Promise<void> {
  const broker = await Assembly.build({
    ...{ disk, dataDir: dir, port: 0, settings: brokerSettings },
    ...{ logger: silentLogger, clock: systemClock, random: seededRandom(7) },
  })
  try {
    await fillInternalTopics(broker.addressesOf(1)[0]!.port)
  } finally {
    await broker.close()
  }
  const logDir = await LogDir.open(
    {
      ...{ disk, path: dir, nodeId: 1, clock: systemClock, random: seededRandom(8) },
      ...{ logger: silentLogger, tailCacheBudget: new TailCacheBudget(0) },
    },
    null,
    () => 'none',
  )
  for (const [topic, count] of Object.entries(topics)) {
    for (let index = 0; index < count; index++) {
      const name = `${topic}-${index}`
      const topicId = (await readPartitionMetadata(disk, `${dir}/${name}`))!
      const isCompacted = compactedTopics.includes(topic)
      const config = {
        ...logConfigDefaults,
        indexIntervalBytes: 300,
        cleanupPolicy: isCompacted ? (['compact'] as const) : (['delete'] as const),
      }
      const log = await logDir.openLog(name, { topicId, config: () => config })
      await fill[topic as keyof typeof topics](log, index)
    }
  }
  await logDir.close(1)
}

async function fillInternalTopics(port: number): Promise<void> {
  const client = await RawClient.open(port)
  const created = await client.request(createTopics, 7, {
    topics: Object.entries(topics).map(([name, numPartitions]) => ({
      ...{ name, numPartitions, replicationFactor: 1, assignments: [] },
      configs: compactedTopics.includes(name) ? [{ name: 'cleanup.policy', value: 'compact' }] : [],
    })),
  })
  for (const { errorCode } of created.topics) if (errorCode !== 0) throw new Error('no topic')
  await client.request(findCoordinator, 4, { keyType: 0, coordinatorKeys: [...groups] })
  await client.request(findCoordinator, 4, { keyType: 1, coordinatorKeys: ['payer'] })
  for (const groupId of groups) {
    for (let committedOffset = 1; committedOffset <= 6; committedOffset++) {
      const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: 'm' }]
      const body = { groupId, memberId: '', topics: [{ name: 'plain', partitions }] }
      await retried(async () => {
        const { topics: answers } = await client.request(offsetCommit, 8, body)
        return answers[0]!.partitions[0]!.errorCode
      })
    }
  }
  for (let i = 0; i < 3; i++) {
    const body = { transactionalId: 'payer', transactionTimeoutMs: 60_000 }
    await retried(async () => (await client.request(initProducerId, 4, body)).errorCode)
  }
  await client.request(produce, 9, { acks: 1, timeoutMs: 1000, topicData: [] })
  client.close()
}

/** Retries while a newly found coordinator may still load its log. */
async function retried(ask: () => Promise<number>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if ((await ask()) === 0) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error('a coordinator does not answer')
}

const recordsOf = (count: number, from: number, what: string) =>
  Array.from({ length: count }, (_, i) => ({
    key: Buffer.from(`key ${(from + i) % 7}`),
    value: Buffer.from(`${what} ${from + i} ${'.'.repeat((from * 7 + i) % 40)}`),
    timestampMs: startMs + (from + i) * 1000,
  }))

async function append(log: Log, bytes: Buffer): Promise<void> {
  await log.append({ bytes, logAppendTimeMs: -1 }, { leaderEpoch: 0, origin: 'replication' })
    .written
}

/** Appends batches in several segments; `batch` makes the nth one. */
async function fillWith(log: Log, batch: (n: number) => Promise<Buffer> | Buffer): Promise<void> {
  for (let n = 0; n < segments * batchesInSegment; n++) {
    if (n > 0 && n % batchesInSegment === 0) {
      log.roll()
      await log.flush()
    }
    await append(log, await batch(n))
  }
  await log.flush()
}

const codecs: readonly CodecName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const producerId = 4_000

const fill: Record<keyof typeof topics, (log: Log, index: number) => Promise<void>> = {
  plain: (log, index) =>
    fillWith(log, (n) => writeBatch({ records: recordsOf(2, 2 * n, `plain ${index}`) })),
  packed: (log) =>
    fillWith(log, (n) =>
      writeCompressedBatch({ records: recordsOf(5, 5 * n, 'packed') }, codecs[n % 5]!),
    ),
  // Two batches and a marker, alternately commit and abort; the last transaction is left open.
  paid: (log) => {
    let baseSequence = 0
    return fillWith(log, (n) => {
      const producer = { producerId, producerEpoch: 0 }
      if (n % 3 === 2) {
        const kind = n % 2 === 0 ? 'commit' : 'abort'
        const marker = { kind, coordinatorEpoch: 0 } as const
        return writeTransactionMarker({ ...producer, timestampMs: startMs + n * 1000, marker })
      }
      const records = recordsOf(2, 2 * n, 'paid')
      const batch = writeBatch({ records, ...producer, baseSequence, isTransactional: true })
      baseSequence += records.length
      return batch
    })
  },
  keyed: (log) =>
    fillWith(log, (n) => {
      const records = recordsOf(3, 3 * n, 'keyed')
      return writeCompressedBatch({ records }, n % 2 === 0 ? 'none' : 'gzip')
    }),
}

import { mapInTurns, toEnd } from '../../base/turns.ts'
import { ApiError, errorCode } from '../../protocol/errors.ts'
import {
  type WriteTxnMarkersRequest,
  writeTxnMarkers,
} from '../../protocol/messages/27-write-txn-markers.ts'
import { authorize, clusterResource, mayAccess } from '../access.ts'
import { type AskedPartition, byTopic, distinctPartitions } from '../asked-partitions.ts'
import { handler } from '../handler.ts'
import type { Services } from '../services.ts'
import { writeMarker } from '../transactions.ts'

type Entry = WriteTxnMarkersRequest['markers'][number]

/** WriteTxnMarkers: ends transactions in partitions, for another coordinator or an operator. */
export const handleWriteTxnMarkers = handler(
  writeTxnMarkers,
  async ({ markers }, context, services) => {
    if (!mayAccess(services, context, 'ALTER', 'cluster', clusterResource, false)) {
      authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    }
    const end = markers.findIndex((entry) => isImpossible(entry, services))
    const places = (end < 0 ? markers : markers.slice(0, end)).flatMap((entry) =>
      entry.topics.flatMap(({ name, partitionIndexes }) =>
        [...new Set(partitionIndexes)].map((partitionIndex) => ({ entry, name, partitionIndex })),
      ),
    )
    const writes = await mapInTurns(
      services.turns,
      places,
      async ({ entry, name, partitionIndex }) => ({
        producerId: entry.producerId,
        name,
        partitionIndex,
        errorCode: await write(name, partitionIndex, entry, services),
      }),
    )
    const written = await Promise.all(writes)
    if (end >= 0) throw new ApiError('UNKNOWN_SERVER_ERROR')
    return { markers: byProducer(written) }
  },
  ({ markers }, _context, code) => {
    // The last entry of a repeated producer counts.
    const last = new Map(markers.map((entry) => [entry.producerId, entry]))
    const failed = [...last.values()].flatMap(({ producerId, topics }) =>
      topics.flatMap(({ name, partitionIndexes }) =>
        partitionIndexes.map((partitionIndex) => ({
          ...{ producerId, name, partitionIndex },
          errorCode: code,
        })),
      ),
    )
    return { markers: byProducer(failed) }
  },
)

/**
 * Whether a marker without producer id or epoch would be written to a partition of this broker:
 * Kafka fails there, after writing the entries before.
 */
function isImpossible({ producerId, producerEpoch, topics }: Entry, { partitions }: Services) {
  return (
    (producerId === -1 || producerEpoch === -1) &&
    topics.some(({ name, partitionIndexes }) =>
      partitionIndexes.some((index) => partitions.get(name, index) !== undefined),
    )
  )
}

interface Written {
  readonly producerId: number
  readonly name: string
  readonly partitionIndex: number
  readonly errorCode: number
}

/** Groups answers by producer and topic. As in Kafka, producers without partitions are left out. */
function byProducer(written: readonly Written[]) {
  const producers = new Map<number, AskedPartition<Written>[]>()
  for (const asked of written) {
    const one = { topic: asked.name, asked }
    const mine = producers.get(asked.producerId)
    if (mine === undefined) producers.set(asked.producerId, [one])
    else mine.push(one)
  }
  return [...producers].map(([producerId, mine]) => ({
    producerId,
    topics: byTopic(
      toEnd(distinctPartitions(mine, ({ partitionIndex }) => partitionIndex)).map(
        ({ topic, asked }) => ({
          topic,
          answer: { partitionIndex: asked.partitionIndex, errorCode: asked.errorCode },
        }),
      ),
    ),
  }))
}

/** @returns the error code of one partition. */
async function write(
  topic: string,
  index: number,
  { producerId, producerEpoch, coordinatorEpoch, transactionResult, transactionVersion }: Entry,
  services: Services,
): Promise<number> {
  if (services.partitions.get(topic, index) === undefined) {
    return errorCode('UNKNOWN_TOPIC_OR_PARTITION')
  }
  const isCommit = transactionResult
  const marker = { producerId, producerEpoch, coordinatorEpoch, isCommit, transactionVersion }
  try {
    await writeMarker(topic, index, marker, services)
    return errorCode('NONE')
  } catch (error) {
    if (error instanceof ApiError) return error.code
    throw error
  }
}

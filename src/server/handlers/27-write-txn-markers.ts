import { errorCode, Refusal } from '../../protocol/errors.ts'
import {
  type WriteTxnMarkersRequest,
  writeTxnMarkers,
} from '../../protocol/messages/27-write-txn-markers.ts'
import { authorize, clusterResource, mayAccess } from '../access.ts'
import { handler } from '../handler.ts'
import type { Services } from '../services.ts'
import { writeMarker } from '../transactions.ts'

type Entry = WriteTxnMarkersRequest['markers'][number]

/** WriteTxnMarkers: another broker's coordinator, or an operator, ends transactions in partitions. */
export const handleWriteTxnMarkers = handler(
  writeTxnMarkers,
  async ({ markers }, context, services) => {
    if (!mayAccess(services, context, 'ALTER', 'cluster', clusterResource)) {
      authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    }
    const end = markers.findIndex((entry) => isImpossible(entry, services))
    const written = await Promise.all(
      (end < 0 ? markers : markers.slice(0, end)).flatMap((entry) =>
        entry.topics.flatMap(({ name, partitionIndexes }) =>
          partitionIndexes.map(async (partitionIndex) => ({
            producerId: entry.producerId,
            name,
            partitionIndex,
            errorCode: await write(name, partitionIndex, entry, services),
          })),
        ),
      ),
    )
    if (end >= 0) throw new Refusal('UNKNOWN_SERVER_ERROR')
    return { markers: byProducer(written) }
  },
  ({ markers }, _context, code) => ({
    markers: markers.map(({ producerId, topics }) => ({
      producerId,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode: code })),
      })),
    })),
  }),
)

/**
 * Whether a marker of no producer or of no epoch would be written here: Kafka fails there, what came
 * before is written.
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

/** Each producer once; one without partitions is not answered, as in Kafka. */
function byProducer(written: readonly Written[]) {
  return grouped(written, ({ producerId }) => producerId).map(([producerId, mine]) => ({
    producerId,
    topics: grouped(mine, ({ name }) => name).map(([name, partitions]) => ({ name, partitions })),
  }))
}

function grouped<K>(all: readonly Written[], keyOf: (one: Written) => K): [K, Written[]][] {
  const groups = new Map<K, Written[]>()
  for (const one of all) {
    const group = groups.get(keyOf(one))
    if (group === undefined) groups.set(keyOf(one), [one])
    else group.push(one)
  }
  return [...groups]
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
    if (error instanceof Refusal) return error.code
    throw error
  }
}

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
    return {
      markers: await Promise.all(
        markers.map(async (entry) => ({
          producerId: entry.producerId,
          topics: await Promise.all(
            entry.topics.map(async ({ name, partitionIndexes }) => ({
              name,
              partitions: await Promise.all(
                partitionIndexes.map(async (partitionIndex) => ({
                  partitionIndex,
                  errorCode: await write(name, partitionIndex, entry, services),
                })),
              ),
            })),
          ),
        })),
      ),
    }
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

import { internalTopics } from '../../metadata/controller/topic-name.ts'
import { errorCode, Refusal } from '../../protocol/errors.ts'
import { deleteRecords } from '../../protocol/messages/21-delete-records.ts'
import { authorize } from '../access.ts'
import { handler, type RequestContext } from '../handler.ts'
import { partitionOf } from '../partition-lookup.ts'
import type { Services } from '../services.ts'

/** DeleteRecords: moves the log start offset (KIP-107). */
export const handleDeleteRecords = handler(
  deleteRecords,
  (request, context, services) => ({
    throttleTimeMs: 0,
    topics: request.topics.filter(hasPartitions).map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => {
        try {
          const lowWatermark = deleteBefore(name, partitionIndex, offset, context, services)
          return { partitionIndex, lowWatermark, errorCode: 0 }
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          return { partitionIndex, lowWatermark: -1, errorCode: errorCode(error.reason) }
        }
      }),
    })),
  }),
  (request, _context, code) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        lowWatermark: -1,
        errorCode: code,
      })),
    })),
  }),
)

/** Kafka answers by partition: a topic without any is not spoken of. */
const hasPartitions = (topic: { readonly partitions: readonly unknown[] }) =>
  topic.partitions.length > 0

function deleteBefore(
  topic: string,
  index: number,
  offset: number,
  context: RequestContext,
  services: Services,
): number {
  authorize(services, context, 'DELETE', 'topic', topic)
  if (internalTopics.has(topic)) throw new Refusal('INVALID_TOPIC_EXCEPTION')
  const partition = partitionOf(topic, index, services)
  const { cleanupPolicy } = partition.log.config
  if (!cleanupPolicy.includes('delete') && cleanupPolicy.length > 0) {
    throw new Refusal('POLICY_VIOLATION')
  }
  return partition.deleteRecordsBefore(offset)
}

import { mapInTurns, runInTurns } from '../../base/turns.ts'
import { internalTopics } from '../../metadata/controller/topic-name.ts'
import { ApiError, errorCode } from '../../protocol/errors.ts'
import { deleteRecords } from '../../protocol/messages/21-delete-records.ts'
import { authorize } from '../access.ts'
import { askedPartitions, byTopic, distinctPartitions } from '../asked-partitions.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'

/** DeleteRecords: raises the log start offset (KIP-107). */
export const handleDeleteRecords = handler(
  deleteRecords,
  async (request, context, services) => ({
    topics: byTopic(
      await mapInTurns(
        services.turns,
        await runInTurns(
          services.turns,
          distinctPartitions(
            askedPartitions(request.topics),
            ({ partitionIndex }) => partitionIndex,
          ),
        ),
        ({ topic, asked: { partitionIndex, offset } }) => {
          try {
            const lowWatermark = deleteBefore(topic, partitionIndex, offset, context, services)
            return { topic, answer: { partitionIndex, lowWatermark, errorCode: 0 } }
          } catch (error) {
            if (!(error instanceof ApiError)) throw error
            return { topic, answer: failed(partitionIndex, errorCode(error.reason)) }
          }
        },
      ),
    ),
  }),
  (request, _context, code) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => failed(partitionIndex, code)),
    })),
  }),
)

const failed = (partitionIndex: number, code: number) => ({
  partitionIndex,
  lowWatermark: -1,
  errorCode: code,
})

function deleteBefore(
  topic: string,
  index: number,
  offset: number,
  context: RequestContext,
  services: Services,
): number {
  authorize(services, context, 'DELETE', 'topic', topic)
  if (internalTopics.has(topic)) throw new ApiError('INVALID_TOPIC_EXCEPTION')
  const partition = services.partitions.need(topic, index, services.metadata.image)
  const { cleanupPolicy } = partition.log.config
  if (!cleanupPolicy.includes('delete') && cleanupPolicy.length > 0) {
    throw new ApiError('POLICY_VIOLATION')
  }
  return partition.deleteRecordsBefore(offset)
}

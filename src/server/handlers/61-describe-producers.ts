import { mapInTurns, mapWaiting } from '../../base/turns.ts'
import { topicNameFault } from '../../metadata/controller/topic-name.ts'
import { ApiError } from '../../protocol/errors.ts'
import { describeProducers } from '../../protocol/messages/61-describe-producers.ts'
import { authorize, refusalText } from '../access.ts'
import { handler } from '../handler.ts'
import type { Services } from '../services.ts'

function checkName(name: string): void {
  const fault = topicNameFault(name)
  if (fault === null) return
  throw new ApiError('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${fault}`)
}

/** Kafka sends this message for a missing topic, and none for a missing partition. */
function checkKnown(name: string, { metadata }: Services): void {
  if (metadata.image.topics.has(name)) return
  const detail = 'This server does not host this topic-partition.'
  throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', detail)
}

/** DescribeProducers: returns a partition's producers and their open transactions (KIP-664). */
export const handleDescribeProducers = handler(
  describeProducers,
  async (request, context, services) => ({
    topics: await mapWaiting(
      services.turns,
      request.topics,
      async ({ name, partitionIndexes }) => ({
        name,
        partitions: await mapInTurns(services.turns, partitionIndexes, (partitionIndex) => {
          try {
            authorize(services, context, 'READ', 'topic', name)
            checkName(name)
            checkKnown(name, services)
            const { log } = services.partitions.need(name, partitionIndex, services.metadata.image)
            const activeProducers = log.producers.summaries().map((one) => ({
              producerId: one.producerId,
              producerEpoch: one.producerEpoch,
              lastSequence: one.lastSequence,
              lastTimestamp: one.lastTimestampMs,
              coordinatorEpoch: one.coordinatorEpoch,
              currentTxnStartOffset: one.currentTransactionStartOffset,
            }))
            return { partitionIndex, errorCode: 0, activeProducers }
          } catch (error) {
            if (!(error instanceof ApiError)) throw error
            const { code, detail } = error
            const errorMessage = detail ?? refusalText(code)
            return { partitionIndex, errorCode: code, errorMessage, activeProducers: [] }
          }
        }),
      }),
    ),
  }),
  (request, _context, code) => ({
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        errorCode: code,
        activeProducers: [],
      })),
    })),
  }),
)

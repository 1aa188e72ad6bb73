import { Refusal } from '../../protocol/errors.ts'
import { describeProducers } from '../../protocol/messages/61-describe-producers.ts'
import { authorize } from '../access.ts'
import { handler } from '../handler.ts'
import { partitionOf } from '../partition-lookup.ts'

/** DescribeProducers: which producers a partition knows, and their open transactions (KIP-664). */
export const handleDescribeProducers = handler(
  describeProducers,
  (request, context, services) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => {
        try {
          authorize(services, context, 'READ', 'topic', name)
          const { log } = partitionOf(name, partitionIndex, services)
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
          if (!(error instanceof Refusal)) throw error
          const { code, detail: errorMessage } = error
          return { partitionIndex, errorCode: code, errorMessage, activeProducers: [] }
        }
      }),
    })),
  }),
  (request, _context, code) => ({
    throttleTimeMs: 0,
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

import { errorCode, Refusal } from '../../protocol/errors.ts'
import { offsetForLeaderEpoch } from '../../protocol/messages/23-offset-for-leader-epoch.ts'
import { mayAccess } from '../access.ts'
import { handler } from '../handler.ts'
import { partitionOf } from '../partition-lookup.ts'

/** OffsetForLeaderEpoch: where an epoch ended, so that a client can tell lost records (KIP-320). */
export const handleOffsetForLeaderEpoch = handler(
  offsetForLeaderEpoch,
  (request, context, services) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition: index, currentLeaderEpoch, leaderEpoch }) => {
        const failed = (code: number) => ({ errorCode: code, partition: index })
        if (!mayAccess(services, context, 'DESCRIBE', 'topic', topic)) {
          return failed(errorCode('TOPIC_AUTHORIZATION_FAILED'))
        }
        try {
          const partition = partitionOf(topic, index, services)
          partition.checkLeader(currentLeaderEpoch)
          return { errorCode: 0, partition: index, ...partition.log.epochEndOffset(leaderEpoch) }
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          return failed(error.code)
        }
      }),
    })),
  }),
  (request, _context, code) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({ errorCode: code, partition })),
    })),
  }),
)

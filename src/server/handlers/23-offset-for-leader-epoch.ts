import { mapInTurns, mapWaiting } from '../../base/turns.ts'
import { ApiError, errorCode } from '../../protocol/errors.ts'
import { offsetForLeaderEpoch } from '../../protocol/messages/23-offset-for-leader-epoch.ts'
import { clusterResource, mayAccess } from '../access.ts'
import { handler } from '../handler.ts'

/** OffsetForLeaderEpoch: returns an epoch's end, so that clients detect lost records (KIP-320). */
export const handleOffsetForLeaderEpoch = handler(
  offsetForLeaderEpoch,
  async (request, context, services) => {
    // Followers may ask for all topics; whether a client is one is not asked aloud.
    const mayAll = mayAccess(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource, false)
    return {
      topics: await mapWaiting(services.turns, request.topics, async ({ topic, partitions }) => ({
        topic,
        partitions: await mapInTurns(services.turns, partitions, (asked) => {
          const { partition: index, currentLeaderEpoch, leaderEpoch } = asked
          const failed = (code: number) => ({ errorCode: code, partition: index })
          if (!mayAll && !mayAccess(services, context, 'DESCRIBE', 'topic', topic)) {
            return failed(errorCode('TOPIC_AUTHORIZATION_FAILED'))
          }
          try {
            const partition = services.partitions.need(topic, index, services.metadata.image)
            partition.checkLeader(currentLeaderEpoch)
            return { errorCode: 0, partition: index, ...partition.log.epochEndOffset(leaderEpoch) }
          } catch (error) {
            if (!(error instanceof ApiError)) throw error
            return failed(error.code)
          }
        }),
      })),
    }
  },
  (request, _context, code) => ({
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({ errorCode: code, partition })),
    })),
  }),
)

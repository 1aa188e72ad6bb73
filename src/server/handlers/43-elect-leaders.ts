import { electionTypes, electLeaders } from '../../metadata/controller/elect-leaders.ts'
import { errorCode, Refusal } from '../../protocol/errors.ts'
import { electLeaders as api } from '../../protocol/messages/43-elect-leaders.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'

/** ElectLeaders: gives partitions back to their preferred leader, or to any (KIP-460). */
export const handleElectLeaders = handler(
  api,
  async (request, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    const { electionType, topicPartitions } = request
    if (electionType !== electionTypes.preferred && electionType !== electionTypes.unclean) {
      throw new Refusal('INVALID_REQUEST')
    }
    const elected = await services.metadata.submit(electLeaders(electionType, topicPartitions))
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      replicaElectionResults: elected.map(({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map(({ index, error, errorMessage }) => ({
          partitionId: index,
          errorCode: errorCode(error),
          errorMessage,
        })),
      })),
    }
  },
  (request, _context, code) => ({
    throttleTimeMs: 0,
    errorCode: code,
    replicaElectionResults: (request.topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({
        partitionId,
        errorCode: code,
        errorMessage: null,
      })),
    })),
  }),
)

import { electionTypes, electLeaders } from '../../../metadata/controller/elect-leaders.ts'
import { errorCode } from '../../../protocol/errors.ts'
import {
  electLeaders as api,
  type ElectLeadersRequest,
} from '../../../protocol/messages/43-elect-leaders.ts'
import { authorize, clusterResource, refusalText } from '../../access.ts'
import { checkDeadline } from '../../controller-deadline.ts'
import { controllerHandler } from '../handler.ts'

/** ElectLeaders: elects the preferred leader of partitions, or any (KIP-460). */
export const handleElectLeaders = controllerHandler(
  api,
  async (request, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    checkDeadline(request.timeoutMs)
    const { electionType, topicPartitions } = request
    const isKnown = Object.values<number>(electionTypes).includes(electionType)
    if (!isKnown && topicPartitions?.length !== 0) {
      const code = errorCode('INVALID_REQUEST')
      return failed(topicPartitions, code, `Unknown election type ${electionType}`)
    }
    const elected = await services.metadata.submit(electLeaders(electionType, topicPartitions))
    return {
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
  ({ topicPartitions }, _context, code) => failed(topicPartitions, code, refusalText(code)),
)

function failed(
  asked: ElectLeadersRequest['topicPartitions'],
  code: number,
  message: string | null,
) {
  return {
    errorCode: code,
    replicaElectionResults: (asked ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({
        partitionId,
        errorCode: code,
        errorMessage: message,
      })),
    })),
  }
}

import { reassign } from '../../../metadata/controller/reassign.ts'
import { errorCode } from '../../../protocol/errors.ts'
import { alterPartitionReassignments } from '../../../protocol/messages/45-alter-partition-reassignments.ts'
import { authorize, clusterResource, refusalText } from '../../access.ts'
import { checkDeadline } from '../../controller-deadline.ts'
import { controllerHandler } from '../handler.ts'

/** AlterPartitionReassignments: moves replicas, or cancels a move (KIP-455). */
export const handleAlterPartitionReassignments = controllerHandler(
  alterPartitionReassignments,
  async (request, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    checkDeadline(request.timeoutMs)
    const moved = await services.metadata.submit(
      reassign(request.topics, request.allowReplicationFactorChange),
    )
    return {
      allowReplicationFactorChange: request.allowReplicationFactorChange,
      errorCode: 0,
      // Kafka's default, without partitions in the request.
      errorMessage: moved.length === 0 ? '' : null,
      responses: moved.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ index, error, errorMessage }) => ({
          partitionIndex: index,
          errorCode: errorCode(error),
          errorMessage,
        })),
      })),
    }
  },
  ({ topics }, _context, code) => ({
    errorCode: code,
    errorMessage: refusalText(code),
    responses: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        ...{ partitionIndex, errorCode: code },
        errorMessage: refusalText(code),
      })),
    })),
  }),
)

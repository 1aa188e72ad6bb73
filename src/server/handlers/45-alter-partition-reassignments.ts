import { reassign } from '../../metadata/controller/reassign.ts'
import { errorCode } from '../../protocol/errors.ts'
import { alterPartitionReassignments } from '../../protocol/messages/45-alter-partition-reassignments.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'

/** AlterPartitionReassignments: moves replicas, or cancels a move (KIP-455). */
export const handleAlterPartitionReassignments = handler(
  alterPartitionReassignments,
  async (request, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    const moved = await services.metadata.submit(
      reassign(request.topics, request.allowReplicationFactorChange),
    )
    return {
      throttleTimeMs: 0,
      allowReplicationFactorChange: request.allowReplicationFactorChange,
      errorCode: 0,
      // Kafka's default, where there was nothing to do.
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
  (_request, _context, code) => ({
    throttleTimeMs: 0,
    errorCode: code,
    errorMessage: null,
    responses: [],
  }),
)

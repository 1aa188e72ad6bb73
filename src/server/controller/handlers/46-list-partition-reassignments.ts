import { listPartitionReassignments } from '../../../protocol/messages/46-list-partition-reassignments.ts'
import { authorize, clusterResource, refusalText } from '../../access.ts'
import { controllerHandler } from '../handler.ts'

/** ListPartitionReassignments: lists partitions whose replicas are being moved (KIP-455). */
export const handleListPartitionReassignments = controllerHandler(
  listPartitionReassignments,
  (request, context, services) => {
    authorize(services, context, 'DESCRIBE', 'cluster', clusterResource)
    const { image } = services.metadata
    const asked =
      request.topics?.map(({ name, partitionIndexes }) => ({ name, indexes: partitionIndexes })) ??
      [...image.topics.values()].map(({ name, partitions }) => ({
        name,
        indexes: partitions.map((_, index) => index),
      }))
    const topics = asked.map(({ name, indexes }) => ({
      name,
      partitions: indexes.flatMap((partitionIndex) => {
        const state = image.topics.get(name)?.partitions[partitionIndex]
        if (state === undefined) return []
        const { replicas, addingReplicas, removingReplicas } = state
        if (addingReplicas.length + removingReplicas.length === 0) return []
        return [{ partitionIndex, replicas, addingReplicas, removingReplicas }]
      }),
    }))
    return {
      errorCode: 0,
      errorMessage: null,
      topics: topics.filter(({ partitions }) => partitions.length > 0),
    }
  },
  (request, _context, code) => ({
    errorCode: code,
    errorMessage: refusalText(code),
    topics: (request.topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        ...{ partitionIndex, replicas: [], addingReplicas: [], removingReplicas: [] },
      })),
    })),
  }),
)

import { listPartitionReassignments } from '../../protocol/messages/46-list-partition-reassignments.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'

/** ListPartitionReassignments: partitions whose replicas are on the move (KIP-455). */
export const handleListPartitionReassignments = handler(
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
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      topics: topics.filter(({ partitions }) => partitions.length > 0),
    }
  },
  (_request, _context, code) => ({
    throttleTimeMs: 0,
    errorCode: code,
    errorMessage: null,
    topics: [],
  }),
)

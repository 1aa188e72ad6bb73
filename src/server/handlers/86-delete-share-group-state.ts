import { deleteShareGroupState } from '../../protocol/messages/86-delete-share-group-state.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'
import { eachSharePartition, hasEmptyTopic, refusedSharePartitions } from '../share-state.ts'

/** DeleteShareGroupState: forgets share partitions, for a group coordinator. */
export const handleDeleteShareGroupState = handler(
  deleteShareGroupState,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    if (hasEmptyTopic(request)) return { results: [] }
    const results = await eachSharePartition(services, request, 'delete share group state', (key) =>
      services.shares.delete(key),
    )
    return { results }
  },
  (request, _context, code) => ({ results: refusedSharePartitions(request, code) }),
)

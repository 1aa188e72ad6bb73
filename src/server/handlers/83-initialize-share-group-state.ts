import { initializeShareGroupState } from '../../protocol/messages/83-initialize-share-group-state.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'
import { eachSharePartition, refusedSharePartitions } from '../share-state.ts'

/** InitializeShareGroupState: begins the state of share partitions, for a group coordinator. */
export const handleInitializeShareGroupState = handler(
  initializeShareGroupState,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    const results = await eachSharePartition(
      services,
      request,
      'initialize share group state',
      (key, asked) => services.shares.initialize(key, asked),
    )
    return { results }
  },
  (request, _context, code) => ({ results: refusedSharePartitions(request, code) }),
)

import { readShareGroupState } from '../../protocol/messages/84-read-share-group-state.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'
import { eachSharePartition, hasEmptyTopic, refusedSharePartitions } from '../share-state.ts'

/** ReadShareGroupState: the state of share partitions, for the leaders that take them over. */
export const handleReadShareGroupState = handler(
  readShareGroupState,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    if (hasEmptyTopic(request)) return { results: [] }
    const results = await eachSharePartition(
      services,
      request,
      'read share group state',
      (key, asked) => services.shares.read(key, asked.leaderEpoch),
    )
    return { results }
  },
  (request, _context, code) => ({ results: refusedSharePartitions(request, code) }),
)

import { readShareGroupStateSummary } from '../../protocol/messages/87-read-share-group-state-summary.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'
import { eachSharePartition, hasEmptyTopic, refusedSharePartitions } from '../share-state.ts'

/** ReadShareGroupStateSummary: epochs and start offsets of share partitions. */
export const handleReadShareGroupStateSummary = handler(
  readShareGroupStateSummary,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    if (hasEmptyTopic(request)) return { results: [] }
    const results = await eachSharePartition(
      services,
      request,
      'read share group state summary',
      (key) => services.shares.readSummary(key),
    )
    return { results }
  },
  (request, _context, code) => ({ results: refusedSharePartitions(request, code) }),
)

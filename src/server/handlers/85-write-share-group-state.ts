import { writeShareGroupState } from '../../protocol/messages/85-write-share-group-state.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'
import { eachSharePartition, hasEmptyTopic, refusedSharePartitions } from '../share-state.ts'

/** WriteShareGroupState: keeps what leaders of share partitions report. */
export const handleWriteShareGroupState = handler(
  writeShareGroupState,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    if (hasEmptyTopic(request)) return { results: [] }
    const results = await eachSharePartition(
      services,
      request,
      'write share group state',
      (key, asked) => services.shares.write(key, asked),
    )
    return { results }
  },
  (request, _context, code) => ({ results: refusedSharePartitions(request, code) }),
)

import { readShareGroupState } from '../../protocol/messages/84-read-share-group-state.ts'
import { handler } from '../handler.ts'
import { eachSharePartition, refusedSharePartitions } from '../share-state.ts'

/** ReadShareGroupState: the state of share partitions, for the leaders that take them over. */
export const handleReadShareGroupState = handler(
  readShareGroupState,
  (request, context, services) =>
    eachSharePartition(request, context, services, {
      what: 'read share group state',
      needsPartitions: true,
      ask: (key, asked) => services.shares.read(key, asked.leaderEpoch),
    }),
  refusedSharePartitions,
)

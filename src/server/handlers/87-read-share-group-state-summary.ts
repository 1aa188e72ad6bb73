import { readShareGroupStateSummary } from '../../protocol/messages/87-read-share-group-state-summary.ts'
import { handler } from '../handler.ts'
import { eachSharePartition, refusedSharePartitions } from '../share-state.ts'

/** ReadShareGroupStateSummary: epochs and start offsets of share partitions. */
export const handleReadShareGroupStateSummary = handler(
  readShareGroupStateSummary,
  (request, context, services) =>
    eachSharePartition(request, context, services, {
      what: 'read share group state summary',
      needsPartitions: true,
      ask: (key) => services.shares.readSummary(key),
    }),
  refusedSharePartitions,
)

import { writeShareGroupState } from '../../protocol/messages/85-write-share-group-state.ts'
import { handler } from '../handler.ts'
import { eachSharePartition, refusedSharePartitions } from '../share-state.ts'

/** WriteShareGroupState: keeps what leaders of share partitions report. */
export const handleWriteShareGroupState = handler(
  writeShareGroupState,
  (request, context, services) =>
    eachSharePartition(request, context, services, {
      what: 'write share group state',
      needsPartitions: true,
      ask: (key, asked) => services.shares.write(key, asked),
    }),
  refusedSharePartitions,
)

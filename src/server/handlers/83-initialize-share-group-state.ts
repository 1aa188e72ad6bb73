import { initializeShareGroupState } from '../../protocol/messages/83-initialize-share-group-state.ts'
import { handler } from '../handler.ts'
import { eachSharePartition, refusedSharePartitions } from '../share-state.ts'

/** InitializeShareGroupState: begins the state of share partitions, for a group coordinator. */
export const handleInitializeShareGroupState = handler(
  initializeShareGroupState,
  (request, context, services) =>
    eachSharePartition(request, context, services, {
      what: 'initialize share group state',
      needsPartitions: false,
      ask: (key, asked) => services.shares.initialize(key, asked),
    }),
  refusedSharePartitions,
)

import { deleteShareGroupState } from '../../protocol/messages/86-delete-share-group-state.ts'
import { handler } from '../handler.ts'
import { eachSharePartition, refusedSharePartitions } from '../share-state.ts'

/** DeleteShareGroupState: forgets share partitions, for a group coordinator. */
export const handleDeleteShareGroupState = handler(
  deleteShareGroupState,
  (request, context, services) =>
    eachSharePartition(request, context, services, {
      what: 'delete share group state',
      needsPartitions: true,
      ask: (key) => services.shares.delete(key),
    }),
  refusedSharePartitions,
)

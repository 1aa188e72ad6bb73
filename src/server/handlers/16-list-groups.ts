import { listGroups } from '../../protocol/messages/16-list-groups.ts'
import { clusterResource, mayAccess } from '../access.ts'
import { handler } from '../handler.ts'

/** ListGroups: lists the groups this broker coordinates and the principal may describe. */
export const handleListGroups = handler(
  listGroups,
  async ({ statesFilter, typesFilter }, context, services) => {
    const all = await services.groups.list(statesFilter, typesFilter)
    const seesAll = mayAccess(services, context, 'DESCRIBE', 'cluster', clusterResource, false)
    const seen = all.filter(
      ({ groupId }) => seesAll || mayAccess(services, context, 'DESCRIBE', 'group', groupId, false),
    )
    return { errorCode: 0, groups: seen }
  },
  (_request, _context, errorCode) => ({ errorCode, groups: [] }),
)

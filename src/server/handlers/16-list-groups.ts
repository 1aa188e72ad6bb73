import { listGroups } from '../../protocol/messages/16-list-groups.ts'
import { handler } from '../handler.ts'

/** ListGroups: all groups that this broker coordinates and the principal may see. */
export const handleListGroups = handler(
  listGroups,
  async ({ statesFilter, typesFilter }, { principal }, { authorizer, groups }) => {
    const all = await groups.list(statesFilter, typesFilter)
    const seesAll = authorizer.isAllowed(principal, 'DESCRIBE', 'cluster', 'kafka-cluster')
    const seen = all.filter(
      ({ groupId }) => seesAll || authorizer.isAllowed(principal, 'DESCRIBE', 'group', groupId),
    )
    return { errorCode: 0, groups: seen }
  },
  (_request, _context, errorCode) => ({ errorCode, groups: [] }),
)

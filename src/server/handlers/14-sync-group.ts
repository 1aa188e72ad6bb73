import { Refusal } from '../../protocol/errors.ts'
import { syncGroup } from '../../protocol/messages/14-sync-group.ts'
import { handler } from '../handler.ts'

/** SyncGroup: parked until the leader has sent the assignment. */
export const handleSyncGroup = handler(
  syncGroup,
  (request, { apiVersion, principal }, { authorizer, groups }) => {
    const { protocolType, protocolName } = request
    if (apiVersion >= 5 && (protocolType === null || protocolName === null)) {
      throw new Refusal('INCONSISTENT_GROUP_PROTOCOL')
    }
    if (!authorizer.isAllowed(principal, 'READ', 'group', request.groupId)) {
      throw new Refusal('GROUP_AUTHORIZATION_FAILED')
    }
    return groups.sync(request)
  },
  (_request, _context, errorCode) => ({ errorCode, assignment: Buffer.alloc(0) }),
)

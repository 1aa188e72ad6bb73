import { ApiError } from '../../protocol/errors.ts'
import { syncGroup } from '../../protocol/messages/14-sync-group.ts'
import { authorize } from '../access.ts'
import { handler } from '../handler.ts'

/** SyncGroup: answered when the leader has sent the assignment. */
export const handleSyncGroup = handler(
  syncGroup,
  (request, context, services) => {
    const { protocolType, protocolName } = request
    if (context.apiVersion >= 5 && (protocolType === null || protocolName === null)) {
      throw new ApiError('INCONSISTENT_GROUP_PROTOCOL')
    }
    authorize(services, context, 'READ', 'group', request.groupId)
    return services.groups.sync(request)
  },
  (_request, _context, errorCode) => ({ errorCode, assignment: Buffer.alloc(0) }),
)

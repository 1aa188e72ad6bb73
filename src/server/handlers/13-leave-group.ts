import { leaveGroup } from '../../protocol/messages/13-leave-group.ts'
import { authorize } from '../access.ts'
import { handler } from '../handler.ts'

/** LeaveGroup: before v3 the only member's error is the top-level error. */
export const handleLeaveGroup = handler(
  leaveGroup,
  async (request, context, services) => {
    authorize(services, context, 'READ', 'group', request.groupId)
    const { groups } = services
    const { groupId, memberId } = request
    if (context.apiVersion >= 3) return groups.leave({ groupId, members: request.members })
    const members = [{ memberId, groupInstanceId: null, reason: null }]
    const response = await groups.leave({ groupId, members })
    return { errorCode: response.errorCode || (response.members?.[0]?.errorCode ?? 0) }
  },
  (_request, _context, errorCode) => ({ errorCode }),
)

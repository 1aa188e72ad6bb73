import { Refusal } from '../../protocol/errors.ts'
import { heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { handler } from '../handler.ts'

/** Heartbeat: keeps a classic member's session alive. */
export const handleHeartbeat = handler(
  heartbeat,
  (request, { principal }, { authorizer, groups }) => {
    if (!authorizer.isAllowed(principal, 'READ', 'group', request.groupId)) {
      throw new Refusal('GROUP_AUTHORIZATION_FAILED')
    }
    return groups.heartbeat(request)
  },
  (_request, _context, errorCode) => ({ errorCode }),
)

import { heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { authorize } from '../access.ts'
import { handler } from '../handler.ts'

/** Heartbeat: keeps a classic member's session alive. */
export const handleHeartbeat = handler(
  heartbeat,
  (request, context, services) => {
    authorize(services, context, 'READ', 'group', request.groupId)
    return services.groups.heartbeat(request)
  },
  (_request, _context, errorCode) => ({ errorCode }),
)

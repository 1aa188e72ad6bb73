import { ApiError } from '../../protocol/errors.ts'
import { shareGroupHeartbeat } from '../../protocol/messages/76-share-group-heartbeat.ts'
import { authorize, groupClient, mayAccess } from '../access.ts'
import { handler } from '../handler.ts'
import { checkShareGroupsEnabled } from '../share-groups-enabled.ts'

/** The longest member id: a UUID as Java prints it. */
const memberIdLengthMax = 36

/** ShareGroupHeartbeat: keeps a member in its share group; errors carry a message. */
export const handleShareGroupHeartbeat = handler(
  shareGroupHeartbeat,
  async (request, context, services) => {
    checkShareGroupsEnabled(services)
    authorize(services, context, 'READ', 'group', request.groupId)
    const { memberId } = request
    if (memberId === '' || memberId.length > memberIdLengthMax) {
      throw new ApiError('INVALID_REQUEST')
    }
    const topics = new Set(request.subscribedTopicNames ?? [])
    const denied = [...topics].filter(
      (topic) => !mayAccess(services, context, 'DESCRIBE', 'topic', topic),
    )
    if (denied.length > 0) return failed(new ApiError('TOPIC_AUTHORIZATION_FAILED'))
    try {
      return await services.groups.share.heartbeat(groupClient(context, services), request)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return failed(error)
    }
  },
  (_request, _context, errorCode) => ({ ...nothing, errorCode, errorMessage: null }),
)

const nothing = { memberEpoch: 0, heartbeatIntervalMs: 0 }

function failed({ code: errorCode, detail: errorMessage }: ApiError) {
  return { ...nothing, errorCode, errorMessage }
}

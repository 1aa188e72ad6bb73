import { joinGroup } from '../../protocol/messages/11-join-group.ts'
import { authorize, groupClient } from '../access.ts'
import { handler } from '../handler.ts'

/** JoinGroup: parked until the generation is complete. */
export const handleJoinGroup = handler(
  joinGroup,
  async (request, context, services) => {
    const { apiVersion } = context
    authorize(services, context, 'READ', 'group', request.groupId)
    const client = groupClient(context, services)
    const response = await services.groups.join(client, apiVersion, request)
    return { ...response, protocolName: protocolName(response.protocolName, apiVersion) }
  },
  (request, { apiVersion }, errorCode) => ({
    errorCode,
    protocolName: protocolName(null, apiVersion),
    leader: '',
    // Kafka gives the id back for what it refuses before it looks for the group.
    memberId: request.memberId,
    members: [],
  }),
)

/** null is known from v7 on. */
function protocolName(name: string | null, apiVersion: number): string | null {
  return apiVersion >= 7 ? name || null : (name ?? '')
}

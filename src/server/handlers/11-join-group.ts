import { joinGroup } from '../../protocol/messages/11-join-group.ts'
import { authorize, groupClient } from '../access.ts'
import { handler } from '../handler.ts'

/** JoinGroup: answered when the generation is complete. */
export const handleJoinGroup = handler(
  joinGroup,
  async (request, context, services) => {
    const { apiVersion } = context
    authorize(services, context, 'READ', 'group', request.groupId)
    const client = groupClient(context, services)
    // v0 has only one timeout.
    const { sessionTimeoutMs } = request
    const asked = apiVersion === 0 ? { ...request, rebalanceTimeoutMs: sessionTimeoutMs } : request
    const options = { demandsMemberId: apiVersion >= 4, maySkipAssignment: apiVersion >= 9 }
    const response = await services.groups.join(client, options, asked)
    return { ...response, protocolName: protocolName(response.protocolName, apiVersion) }
  },
  (request, { apiVersion }, errorCode) => ({
    errorCode,
    protocolName: protocolName(null, apiVersion),
    leader: '',
    // Kafka returns the member id for errors found before it looks up the group.
    memberId: request.memberId,
    members: [],
  }),
)

/** Returns the protocol name; null is allowed from v7 on. */
function protocolName(name: string | null, apiVersion: number): string | null {
  return apiVersion >= 7 ? name || null : (name ?? '')
}

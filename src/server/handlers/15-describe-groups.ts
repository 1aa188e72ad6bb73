import { mapWaiting } from '../../base/turns.ts'
import { refusalCode } from '../../coordinator/group/coordinator.ts'
import { errorCode } from '../../protocol/errors.ts'
import { describeGroups } from '../../protocol/messages/15-describe-groups.ts'
import { mayAccess, operationsIfAsked } from '../access.ts'
import { handler } from '../handler.ts'

/** The first version whose response has GROUP_ID_NOT_FOUND for a missing group. */
const missingSince = 6

/** DescribeGroups: describes classic groups, each with its own error. */
export const handleDescribeGroups = handler(
  describeGroups,
  async ({ groups, includeAuthorizedOperations: isAsked }, context, services) => {
    const isAllowed = (id: string) => mayAccess(services, context, 'DESCRIBE', 'group', id)
    const describe = async (groupId: string) => {
      try {
        const group = await services.groups.describe(groupId, context.apiVersion >= missingSince)
        if (group.errorCode !== 0) return group
        const operations = operationsIfAsked(isAsked, services, context, 'group', groupId)
        return { ...group, authorizedOperations: operations }
      } catch (error) {
        return failed(groupId, refusalCode(error))
      }
    }
    const denied = groups.filter((groupId) => !isAllowed(groupId))
    const allowed = groups.filter(isAllowed)
    return {
      groups: [
        ...denied.map((groupId) => failed(groupId, errorCode('GROUP_AUTHORIZATION_FAILED'))),
        ...(await mapWaiting(services.turns, allowed, describe)),
      ],
    }
  },
  ({ groups }, _context, errorCode) => ({ groups: groups.map((id) => failed(id, errorCode)) }),
)

function failed(groupId: string, errorCode: number) {
  return {
    errorCode,
    groupId,
    groupState: '',
    protocolType: '',
    protocolData: '',
    members: [],
  }
}

import { mapWaiting } from '../../base/turns.ts'
import { ApiError, errorCode } from '../../protocol/errors.ts'
import { shareGroupDescribe } from '../../protocol/messages/77-share-group-describe.ts'
import { mayAccess, operationsIfAsked } from '../access.ts'
import { handler } from '../handler.ts'
import { checkShareGroupsEnabled } from '../share-groups-enabled.ts'

/** ShareGroupDescribe: describes share groups, each with its own error. */
export const handleShareGroupDescribe = handler(
  shareGroupDescribe,
  async ({ groupIds, includeAuthorizedOperations: isAsked }, context, services) => {
    checkShareGroupsEnabled(services)
    const isAllowed = (id: string) => mayAccess(services, context, 'DESCRIBE', 'group', id)
    const describe = async (groupId: string) => {
      if (groupId === '') return failed(groupId, errorCode('INVALID_GROUP_ID'))
      try {
        const group = await services.groups.share.describe(groupId)
        const operations = operationsIfAsked(isAsked, services, context, 'group', groupId)
        return { ...group, authorizedOperations: operations }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return failed(groupId, error.code, error.detail)
      }
    }
    const denied = groupIds.filter((groupId) => !isAllowed(groupId))
    return {
      groups: [
        ...denied.map((groupId) => failed(groupId, errorCode('GROUP_AUTHORIZATION_FAILED'))),
        ...(await mapWaiting(services.turns, groupIds.filter(isAllowed), describe)),
      ],
    }
  },
  ({ groupIds }, _context, errorCode) => ({
    groups: groupIds.map((groupId) => failed(groupId, errorCode)),
  }),
)

function failed(groupId: string, errorCode: number, errorMessage: string | null = null) {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
  }
}

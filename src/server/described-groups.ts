import { mapWaiting } from '../base/turns.ts'
import { ApiError, errorCode } from '../protocol/errors.ts'
import { mayAccess, operationsIfAsked } from './access.ts'
import type { RequestContext } from './handler.ts'
import type { Services } from './services.ts'

interface Asked {
  readonly groupIds: readonly string[]
  readonly includeAuthorizedOperations: boolean
}

/**
 * Describes groups of a kind that has its own request, each with its own error: those that the
 * client may not describe first, as in Kafka.
 *
 * @param describe rejects with ApiError if the group cannot be described.
 */
export async function describedGroups<G extends object>(
  { groupIds, includeAuthorizedOperations: isAsked }: Asked,
  context: RequestContext,
  services: Services,
  describe: (groupId: string) => Promise<G>,
) {
  const isAllowed = (id: string) => mayAccess(services, context, 'DESCRIBE', 'group', id)
  const described = async (groupId: string) => {
    if (groupId === '') return undescribed(groupId, errorCode('INVALID_GROUP_ID'))
    try {
      const group = await describe(groupId)
      const operations = operationsIfAsked(isAsked, services, context, 'group', groupId)
      return { ...group, authorizedOperations: operations }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return undescribed(groupId, error.code, error.detail)
    }
  }
  const denied = groupIds.filter((groupId) => !isAllowed(groupId))
  return [
    ...denied.map((groupId) => undescribed(groupId, errorCode('GROUP_AUTHORIZATION_FAILED'))),
    ...(await mapWaiting(services.turns, groupIds.filter(isAllowed), described)),
  ]
}

/** Returns the description of a group that has none. */
export function undescribed(
  groupId: string,
  errorCode: number,
  errorMessage: string | null = null,
) {
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

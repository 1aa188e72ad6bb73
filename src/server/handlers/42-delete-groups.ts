import { mapWaiting } from '../../base/turns.ts'
import { refusalCode } from '../../coordinator/group/coordinator.ts'
import { errorCode } from '../../protocol/errors.ts'
import { deleteGroups } from '../../protocol/messages/42-delete-groups.ts'
import { mayAccess } from '../access.ts'
import { handler } from '../handler.ts'

/** DeleteGroups: deletes only groups without members. */
export const handleDeleteGroups = handler(
  deleteGroups,
  async ({ groupsNames }, context, services) => {
    const isAllowed = (id: string) => mayAccess(services, context, 'DELETE', 'group', id)
    const names = [...new Set(groupsNames)]
    const results = await mapWaiting(services.turns, names.filter(isAllowed), async (groupId) => {
      try {
        return await services.groups.delete(groupId)
      } catch (error) {
        return { groupId, errorCode: refusalCode(error) }
      }
    })
    const denied = names
      .filter((groupId) => !isAllowed(groupId))
      .map((groupId) => ({ groupId, errorCode: errorCode('GROUP_AUTHORIZATION_FAILED') }))
    return { results: [...results, ...denied] }
  },
  ({ groupsNames }, _context, errorCode) => ({
    results: groupsNames.map((groupId) => ({ groupId, errorCode })),
  }),
)

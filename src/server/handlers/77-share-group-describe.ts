import { shareGroupDescribe } from '../../protocol/messages/77-share-group-describe.ts'
import { describedGroups, undescribed } from '../described-groups.ts'
import { handler } from '../handler.ts'
import { checkShareGroupsEnabled } from '../share-groups-enabled.ts'

/** ShareGroupDescribe: describes share groups, each with its own error. */
export const handleShareGroupDescribe = handler(
  shareGroupDescribe,
  async (request, context, services) => {
    checkShareGroupsEnabled(services)
    const describe = (groupId: string) => services.groups.share.describe(groupId)
    return { groups: await describedGroups(request, context, services, describe) }
  },
  ({ groupIds }, _context, errorCode) => ({
    groups: groupIds.map((groupId) => undescribed(groupId, errorCode)),
  }),
)

import { consumerGroupDescribe } from '../../protocol/messages/69-consumer-group-describe.ts'
import { describedGroups, undescribed } from '../described-groups.ts'
import { handler } from '../handler.ts'

/** ConsumerGroupDescribe: describes next-generation groups, each with its own error. */
export const handleConsumerGroupDescribe = handler(
  consumerGroupDescribe,
  async (request, context, services) => {
    const describe = (groupId: string) => services.groups.describeConsumer(groupId)
    return { groups: await describedGroups(request, context, services, describe) }
  },
  ({ groupIds }, _context, errorCode) => ({
    groups: groupIds.map((groupId) => undescribed(groupId, errorCode)),
  }),
)

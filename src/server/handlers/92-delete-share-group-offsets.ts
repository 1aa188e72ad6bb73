import { defaultMessage, errorCode } from '../../protocol/errors.ts'
import { deleteShareGroupOffsets } from '../../protocol/messages/92-delete-share-group-offsets.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { authorize, mayAccess } from '../access.ts'
import { changedShareOffsets, refusedChange } from '../changed-share-offsets.ts'
import { handler } from '../handler.ts'
import { checkShareGroupsEnabled } from '../share-groups-enabled.ts'

/** DeleteShareGroupOffsets: forgets the share partitions of a group without members. */
export const handleDeleteShareGroupOffsets = handler(
  deleteShareGroupOffsets,
  async (request, context, services) => {
    checkShareGroupsEnabled(services)
    authorize(services, context, 'DELETE', 'group', request.groupId)
    const isAllowed = ({ topicName }: { readonly topicName: string }) =>
      mayAccess(services, context, 'READ', 'topic', topicName)
    const topics = request.topics.filter(isAllowed)
    const reason = 'TOPIC_AUTHORIZATION_FAILED'
    const denied = request.topics
      .filter((topic) => !topics.includes(topic))
      .map(({ topicName }) => ({
        ...{ topicName, topicId: zeroUuid, errorCode: errorCode(reason) },
        errorMessage: defaultMessage(reason),
      }))
    const change = () => services.groups.share.deleteOffsets({ ...request, topics })
    return changedShareOffsets(denied, change)
  },
  refusedChange,
)

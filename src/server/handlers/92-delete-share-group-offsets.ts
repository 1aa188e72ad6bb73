import { ApiError, defaultMessage, errorCode, errorName } from '../../protocol/errors.ts'
import { deleteShareGroupOffsets } from '../../protocol/messages/92-delete-share-group-offsets.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { authorize, mayAccess } from '../access.ts'
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
    try {
      const answer = await services.groups.share.deleteOffsets({ ...request, topics })
      return { ...answer, responses: [...denied, ...answer.responses] }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return failed(error.code, error.detail)
    }
  },
  (_request, _context, code) => failed(code, defaultMessage(errorName(code))),
)

function failed(errorCode: number, errorMessage: string | null) {
  return { errorCode, errorMessage, responses: [] }
}

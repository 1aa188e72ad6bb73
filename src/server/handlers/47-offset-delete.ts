import { type ErrorName, errorCode, Refusal } from '../../protocol/errors.ts'
import { offsetDelete } from '../../protocol/messages/47-offset-delete.ts'
import { handler } from '../handler.ts'

/** OffsetDelete: forgets what a group has committed for topics that it does not subscribe to. */
export const handleOffsetDelete = handler(
  offsetDelete,
  async (request, { principal }, { authorizer, groups }) => {
    if (!authorizer.isAllowed(principal, 'DELETE', 'group', request.groupId)) {
      throw new Refusal('GROUP_AUTHORIZATION_FAILED')
    }
    const refused = request.topics.map(({ name, partitions }) => {
      const count = groups.topics.byName(name)?.partitionCount ?? 0
      const isAllowed = authorizer.isAllowed(principal, 'READ', 'topic', name)
      const error: ErrorName = isAllowed ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'TOPIC_AUTHORIZATION_FAILED'
      const isKnown = (index: number) => isAllowed && index >= 0 && index < count
      return {
        name,
        valid: partitions.filter(({ partitionIndex }) => isKnown(partitionIndex)),
        partitions: partitions
          .filter(({ partitionIndex }) => !isKnown(partitionIndex))
          .map(({ partitionIndex }) => ({ partitionIndex, errorCode: errorCode(error) })),
      }
    })
    const topics = refused
      .filter(({ valid }) => valid.length > 0)
      .map(({ name, valid }) => ({ name, partitions: valid }))
    const response = await groups.deleteOffsets({ groupId: request.groupId, topics })
    if (response.errorCode !== 0) return response
    const deleted = new Map(response.topics.map(({ name, partitions }) => [name, partitions]))
    return {
      errorCode: 0,
      throttleTimeMs: 0,
      topics: refused.map(({ name, partitions }) => ({
        name,
        partitions: [...partitions, ...(deleted.get(name) ?? [])],
      })),
    }
  },
  (_request, _context, errorCode) => ({ errorCode, throttleTimeMs: 0, topics: [] }),
)

import { type ErrorName, errorCode } from '../../protocol/errors.ts'
import { offsetDelete } from '../../protocol/messages/47-offset-delete.ts'
import { authorize, mayAccess } from '../access.ts'
import { handler } from '../handler.ts'

/** OffsetDelete: deletes a group's committed offsets of topics it is not subscribed to. */
export const handleOffsetDelete = handler(
  offsetDelete,
  async (request, context, services) => {
    const { groups } = services
    authorize(services, context, 'DELETE', 'group', request.groupId)
    const refused = request.topics.map(({ name, partitions }) => {
      const count = groups.topics.byName(name)?.partitionCount ?? 0
      const isAllowed = mayAccess(services, context, 'READ', 'topic', name)
      const error: ErrorName = isAllowed
        ? 'UNKNOWN_TOPIC_OR_PARTITION'
        : 'TOPIC_AUTHORIZATION_FAILED'
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
      topics: refused.map(({ name, partitions }) => ({
        name,
        partitions: [...partitions, ...(deleted.get(name) ?? [])],
      })),
    }
  },
  (_request, _context, errorCode) => ({ errorCode, topics: [] }),
)

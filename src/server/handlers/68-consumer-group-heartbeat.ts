import { ApiError } from '../../protocol/errors.ts'
import { consumerGroupHeartbeat } from '../../protocol/messages/68-consumer-group-heartbeat.ts'
import { authorize, groupClient } from '../access.ts'
import { handler } from '../handler.ts'

/** ConsumerGroupHeartbeat: keeps a member in its group; errors carry a message. */
export const handleConsumerGroupHeartbeat = handler(
  consumerGroupHeartbeat,
  async (request, context, services) => {
    authorize(services, context, 'READ', 'group', request.groupId)
    for (const topic of request.subscribedTopicNames ?? []) {
      authorize(services, context, 'DESCRIBE', 'topic', topic)
    }
    try {
      const client = groupClient(context, services)
      return await services.groups.consumerHeartbeat(client, context.apiVersion >= 1, request)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return failed(error.code, error.detail)
    }
  },
  (_request, _context, errorCode) => failed(errorCode, null),
)

function failed(errorCode: number, errorMessage: string | null) {
  return { errorCode, errorMessage, memberEpoch: 0, heartbeatIntervalMs: 0 }
}

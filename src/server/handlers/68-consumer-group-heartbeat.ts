import { Refusal } from '../../protocol/errors.ts'
import { consumerGroupHeartbeat } from '../../protocol/messages/68-consumer-group-heartbeat.ts'
import { authorize, groupClient } from '../access.ts'
import { handler } from '../handler.ts'

/** ConsumerGroupHeartbeat: an error comes with the words that say why. */
export const handleConsumerGroupHeartbeat = handler(
  consumerGroupHeartbeat,
  async (request, context, services) => {
    authorize(services, context, 'READ', 'group', request.groupId)
    try {
      const client = groupClient(context, services)
      return await services.groups.consumerHeartbeat(client, context.apiVersion, request)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return failed(error.code, error.detail)
    }
  },
  (_request, _context, errorCode) => failed(errorCode, null),
)

function failed(errorCode: number, errorMessage: string | null) {
  return { throttleTimeMs: 0, errorCode, errorMessage, memberEpoch: 0, heartbeatIntervalMs: 0 }
}

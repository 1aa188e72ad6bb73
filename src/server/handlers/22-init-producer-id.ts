import { errorCode, Refusal } from '../../protocol/errors.ts'
import { initProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { clusterResource, mayAccess } from '../access.ts'
import { handler } from '../handler.ts'

/** InitProducerId: an id for an idempotent producer. Ids of transactional ones are not given yet. */
export const handleInitProducerId = handler(
  initProducerId,
  async (request, context, services) => {
    if (request.transactionalId !== null) {
      if (request.transactionalId === '') throw new Refusal('INVALID_REQUEST')
      throw new Refusal('UNSUPPORTED_VERSION')
    }
    const mayWrite =
      mayAccess(services, context, 'IDEMPOTENT_WRITE', 'cluster', clusterResource) ||
      mayAccess(services, context, 'WRITE', 'topic', '')
    if (!mayWrite) throw new Refusal('CLUSTER_AUTHORIZATION_FAILED')
    // An id that the client had means nothing without a transactional id: it gets a new one.
    const producerId = await services.producerIds.take()
    return { throttleTimeMs: 0, errorCode: errorCode('NONE'), producerId, producerEpoch: 0 }
  },
  (_request, _context, code) => ({ throttleTimeMs: 0, errorCode: code, producerEpoch: -1 }),
)

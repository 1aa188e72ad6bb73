import { ApiError, errorCode } from '../../protocol/errors.ts'
import {
  type InitProducerIdRequest,
  initProducerId,
} from '../../protocol/messages/22-init-producer-id.ts'
import { authorize, clusterResource, mayAccess, mayAccessAny } from '../access.ts'
import { knownAs } from '../fenced.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'

/** The first version with PRODUCER_FENCED. */
const fencedSince = 4

/** InitProducerId: a new id for an idempotent producer, the next epoch for a transactional one. */
export const handleInitProducerId = handler(
  initProducerId,
  async (request, context, services) => {
    const { transactionalId } = request
    checkPermission(transactionalId, context, services)
    const expected = expectedOf(request)
    const { producerId, producerEpoch } =
      transactionalId === null
        ? // Without a transactional id the client's old id has no meaning: it gets a new one.
          { producerId: await services.producerIds.take(), producerEpoch: 0 }
        : await services.transactions.initProducerId({
            transactionalId,
            timeoutMs: request.transactionTimeoutMs,
            expected,
          })
    return { errorCode: errorCode('NONE'), producerId, producerEpoch }
  },
  (_request, { apiVersion }, code) => ({
    errorCode: knownAs(code, apiVersion >= fencedSince),
    producerEpoch: -1,
  }),
)

function checkPermission(
  transactionalId: string | null,
  context: RequestContext,
  services: Services,
): void {
  if (transactionalId !== null) {
    return authorize(services, context, 'WRITE', 'transactionalId', transactionalId)
  }
  const mayWrite =
    mayAccess(services, context, 'IDEMPOTENT_WRITE', 'cluster', clusterResource, false) ||
    mayAccessAny(services, context, 'WRITE', 'topic')
  if (!mayWrite) throw new ApiError('CLUSTER_AUTHORIZATION_FAILED')
}

/** Returns the client's producer id and epoch: both are set, or neither. */
function expectedOf({ producerId, producerEpoch }: InitProducerIdRequest) {
  if (producerId === -1 && producerEpoch === -1) return null
  if (producerId === -1 || producerEpoch === -1) throw new ApiError('INVALID_REQUEST')
  return { producerId, producerEpoch }
}

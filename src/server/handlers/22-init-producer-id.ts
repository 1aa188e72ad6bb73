import { errorCode, Refusal } from '../../protocol/errors.ts'
import {
  type InitProducerIdRequest,
  initProducerId,
} from '../../protocol/messages/22-init-producer-id.ts'
import { authorize, clusterResource, mayAccess } from '../access.ts'
import { knownAs } from '../fenced.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'

/** The first version in which a producer knows PRODUCER_FENCED. */
const fencedSince = 4

/** InitProducerId: an id for an idempotent producer, or the next epoch of a transactional one. */
export const handleInitProducerId = handler(
  initProducerId,
  async (request, context, services) => {
    const { transactionalId } = request
    checkPermission(transactionalId, context, services)
    const expected = expectedOf(request)
    const { producerId, producerEpoch } =
      transactionalId === null
        ? // An id that the client had means nothing without a transactional id: it gets a new one.
          { producerId: await services.producerIds.take(), producerEpoch: 0 }
        : await services.transactions.initProducerId({
            transactionalId,
            timeoutMs: request.transactionTimeoutMs,
            expected,
          })
    return { throttleTimeMs: 0, errorCode: errorCode('NONE'), producerId, producerEpoch }
  },
  (_request, { apiVersion }, code) => ({
    throttleTimeMs: 0,
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
    mayAccess(services, context, 'IDEMPOTENT_WRITE', 'cluster', clusterResource) ||
    mayAccess(services, context, 'WRITE', 'topic', '')
  if (!mayWrite) throw new Refusal('CLUSTER_AUTHORIZATION_FAILED')
}

/** Who the producer says it is: both id and epoch, or neither. */
function expectedOf({ producerId, producerEpoch }: InitProducerIdRequest) {
  if (producerId === -1 && producerEpoch === -1) return null
  if (producerId === -1 || producerEpoch === -1) throw new Refusal('INVALID_REQUEST')
  return { producerId, producerEpoch }
}

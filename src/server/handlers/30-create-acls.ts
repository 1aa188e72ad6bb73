import { createAcls } from '../../protocol/messages/30-create-acls.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'
import { alterSecurityDisabled } from '../security-disabled.ts'

/** CreateAcls: refused without an authorizer, as in Kafka. */
export const handleCreateAcls = handler(
  createAcls,
  (request, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    return { throttleTimeMs: 0, results: request.creations.map(() => alterSecurityDisabled) }
  },
  (request, _context, code) => ({
    throttleTimeMs: 0,
    results: request.creations.map(() => ({ errorCode: code, errorMessage: null })),
  }),
)

import { deleteAcls } from '../../protocol/messages/31-delete-acls.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'
import { alterSecurityDisabled } from '../security-disabled.ts'

/** DeleteAcls: refused without an authorizer, as in Kafka. */
export const handleDeleteAcls = handler(
  deleteAcls,
  (request, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    return {
      throttleTimeMs: 0,
      filterResults: request.filters.map(() => ({ ...alterSecurityDisabled, matchingAcls: [] })),
    }
  },
  (request, _context, code) => ({
    throttleTimeMs: 0,
    filterResults: request.filters.map(() => ({
      errorCode: code,
      errorMessage: null,
      matchingAcls: [],
    })),
  }),
)

import { deleteAcls as deleteCommand } from '../../../metadata/controller/alter-acls.ts'
import { errorCode } from '../../../protocol/errors.ts'
import { deleteAcls } from '../../../protocol/messages/31-delete-acls.ts'
import { authorize, clusterResource, refusalText } from '../../access.ts'
import { aclFilterOf } from '../../acl-requests.ts'
import { alterSecurityDisabled } from '../../security-disabled.ts'
import { controllerHandler } from '../handler.ts'

const succeeded = { errorCode: errorCode('NONE'), errorMessage: null }

/** DeleteAcls: removes the entries that match any of the filters. */
export const handleDeleteAcls = controllerHandler(
  deleteAcls,
  async (request, context, services) => {
    const filters = request.filters.map(aclFilterOf)
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    if (!services.authorizer.usesAcls) {
      return { filterResults: filters.map(() => ({ ...alterSecurityDisabled, matchingAcls: [] })) }
    }
    const deleted = await services.metadata.submit(deleteCommand(filters))
    return {
      filterResults: deleted.map(({ error, errorMessage, deleted: acls }) => ({
        errorCode: errorCode(error),
        errorMessage,
        matchingAcls: acls.map((acl) => ({ ...succeeded, ...acl })),
      })),
    }
  },
  (request, _context, code) => ({
    filterResults: request.filters.map(() => ({
      errorCode: code,
      errorMessage: refusalText(code),
      matchingAcls: [],
    })),
  }),
)

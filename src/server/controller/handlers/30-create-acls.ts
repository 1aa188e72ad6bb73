import { mapInTurns } from '../../../base/turns.ts'
import {
  type Acl,
  aclOperations,
  aclResourceTypes,
  patternTypes,
  permissionTypes,
} from '../../../metadata/acls.ts'
import {
  type AclResult,
  createAcls as createCommand,
} from '../../../metadata/controller/alter-acls.ts'
import { ApiError, errorCode } from '../../../protocol/errors.ts'
import { type CreateAclsRequest, createAcls } from '../../../protocol/messages/30-create-acls.ts'
import { authorize, clusterResource, refusalText } from '../../access.ts'
import { alterSecurityDisabled } from '../../security-disabled.ts'
import { checkKnown } from '../../unknown-codes.ts'
import { controllerHandler } from '../handler.ts'

/** CreateAcls: adds entries; each is answered by itself. */
export const handleCreateAcls = controllerHandler(
  createAcls,
  async (request, context, services) => {
    const { turns } = services
    const acls = await mapInTurns(turns, request.creations, aclOf)
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    if (!services.authorizer.usesAcls) return { results: acls.map(() => alterSecurityDisabled) }
    // Kafka cannot even hold such an entry, and fails.
    if (acls.some(hasAny)) throw new ApiError('UNKNOWN_SERVER_ERROR')
    const faults = await mapInTurns(turns, acls, faultOf)
    const valid = acls.filter((_, i) => faults[i] === null)
    const created = (await services.metadata.submit(createCommand(valid))).values()
    const results = faults.map((fault): AclResult => {
      if (fault === null) return created.next().value!
      return { error: 'INVALID_REQUEST', errorMessage: fault }
    })
    return {
      results: results.map(({ error, errorMessage }) => ({
        errorCode: errorCode(error),
        errorMessage,
      })),
    }
  },
  (request, _context, code) => ({
    results: request.creations.map(() => ({ errorCode: code, errorMessage: refusalText(code) })),
  }),
)

function aclOf(creation: CreateAclsRequest['creations'][number]): Acl {
  const { resourcePatternType: patternType, ...acl } = creation
  checkKnown([acl.resourceType, patternType, acl.operation, acl.permissionType])
  return { ...acl, patternType }
}

/** Whether an entry has a code of filters. */
function hasAny({ resourceType, patternType, operation, permissionType }: Acl): boolean {
  return (
    resourceType === aclResourceTypes.ANY ||
    patternType === patternTypes.ANY ||
    operation === aclOperations.ANY ||
    permissionType === permissionTypes.ANY
  )
}

/** Kafka's checks before the authorizer is asked (`AclApis`). */
function faultOf({ resourceType, resourceName }: Acl): string | null {
  if (resourceType === aclResourceTypes.CLUSTER && resourceName !== clusterResource) {
    return `The only valid name for the CLUSTER resource is ${clusterResource}`
  }
  return resourceName === '' ? 'Invalid empty resource name' : null
}

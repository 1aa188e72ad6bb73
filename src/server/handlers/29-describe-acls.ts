import { type Acl, matchesAcl } from '../../metadata/acls.ts'
import type { Image } from '../../metadata/image.ts'
import { errorCode } from '../../protocol/errors.ts'
import { describeAcls } from '../../protocol/messages/29-describe-acls.ts'
import type { Authorizer } from '../../security/authorizer.ts'
import { authorize, clusterResource, refusalText } from '../access.ts'
import { aclFilterOf } from '../acl-requests.ts'
import { handler } from '../handler.ts'
import { securityDisabled } from '../security-disabled.ts'

interface DescribedAcls {
  readonly authorizer: Authorizer
  readonly metadata: { readonly image: Image }
}

/** DescribeAcls: the entries that match a filter, by resource. */
export const handleDescribeAcls = handler(
  describeAcls,
  (request, context, services: DescribedAcls) => {
    const filter = aclFilterOf(request)
    authorize(services, context, 'DESCRIBE', 'cluster', clusterResource)
    if (!services.authorizer.usesAcls) return { ...securityDisabled, resources: [] }
    const matching = [...services.metadata.image.acls.values()].filter((acl) =>
      matchesAcl(filter, acl),
    )
    return { errorCode: errorCode('NONE'), errorMessage: '', resources: byResource(matching) }
  },
  (_request, _context, code) => ({
    errorCode: code,
    errorMessage: refusalText(code),
    resources: [],
  }),
)

function byResource(acls: readonly Acl[]) {
  const resources = new Map<string, Acl[]>()
  for (const acl of acls) {
    const key = `${acl.resourceType}:${acl.patternType}:${acl.resourceName}`
    resources.set(key, [...(resources.get(key) ?? []), acl])
  }
  return [...resources.values()].map((same) => {
    const { resourceType, resourceName, patternType } = same[0]!
    return { resourceType, resourceName, patternType, acls: same }
  })
}

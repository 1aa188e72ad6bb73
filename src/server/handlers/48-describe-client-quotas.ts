import { matchesQuota, type QuotaFilter, quotaMatches } from '../../metadata/quotas.ts'
import { Refusal } from '../../protocol/errors.ts'
import { describeClientQuotas } from '../../protocol/messages/48-describe-client-quotas.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'

const entityTypes = ['user', 'client-id', 'ip']

/** DescribeClientQuotas: quotas by whom they are for (KIP-546). */
export const handleDescribeClientQuotas = handler(
  describeClientQuotas,
  (request, context, services) => {
    authorize(services, context, 'DESCRIBE_CONFIGS', 'cluster', clusterResource)
    const { components, strict } = request
    checkFilters(components)
    const entries = [...services.metadata.image.quotas.values()]
      .filter((quota) => matchesQuota(quota, components, strict))
      .map(({ entity, values }) => ({
        entity,
        values: [...values].map(([key, value]) => ({ key, value })),
      }))
    return { throttleTimeMs: 0, errorCode: 0, errorMessage: null, entries }
  },
  (_request, _context, code) => ({
    throttleTimeMs: 0,
    errorCode: code,
    errorMessage: null,
    entries: null,
  }),
)

function checkFilters(components: readonly QuotaFilter[]): void {
  const seen = new Set<string>()
  for (const { entityType, matchType, match } of components) {
    if (seen.has(entityType)) {
      throw new Refusal('INVALID_REQUEST', `Entity type ${entityType} cannot appear more than once`)
    }
    seen.add(entityType)
    if (entityType === '') throw new Refusal('INVALID_REQUEST', 'Unexpected empty entity type')
    if (!entityTypes.includes(entityType)) {
      throw new Refusal('UNSUPPORTED_VERSION', `Custom entity type '${entityType}' not supported`)
    }
    const isExact = matchType === quotaMatches.exact
    if (isExact !== (match !== null) || matchType < 0 || matchType > quotaMatches.specified) {
      throw new Refusal('INVALID_REQUEST', `Unexpected match of type ${matchType}`)
    }
  }
  if (seen.has('ip') && seen.size > 1) {
    throw new Refusal('INVALID_REQUEST', 'Invalid entity filter component combination')
  }
}

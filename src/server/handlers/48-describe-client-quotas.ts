import { matchesQuota, type QuotaFilter, quotaMatches } from '../../metadata/quotas.ts'
import { type ErrorName, errorCode } from '../../protocol/errors.ts'
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
    const fault = faultOf(components)
    if (fault !== null) {
      const [error, errorMessage] = fault
      return { throttleTimeMs: 0, errorCode: errorCode(error), errorMessage, entries: null }
    }
    const entries = [...services.metadata.image.quotas.values()]
      .filter((quota) => matchesQuota(quota, components, strict))
      .map(({ entity, values }) => ({
        entity,
        values: [...values].map(([key, value]) => ({ key, value })),
      }))
    return { throttleTimeMs: 0, errorCode: 0, errorMessage: '', entries }
  },
  (_request, _context, code) => ({
    throttleTimeMs: 0,
    errorCode: code,
    errorMessage: null,
    entries: null,
  }),
)

/** What is wrong with a filter, in Kafka's words. */
function faultOf(components: readonly QuotaFilter[]): [ErrorName, string] | null {
  const seen = new Set<string>()
  for (const { entityType, matchType, match } of components) {
    const isExact = matchType === quotaMatches.exact
    if (isExact && match === null) {
      return invalid('Request specified MATCH_TYPE_EXACT, but set match string to null.')
    }
    const name = matchNames.get(matchType)
    if (name === undefined) return invalid(`Unknown match type ${matchType}`)
    if (!isExact && match !== null) {
      return invalid(`Request specified ${name}, but also specified a match string.`)
    }
    if (seen.has(entityType)) {
      return invalid(`Entity type ${entityType} cannot appear more than once in the filter.`)
    }
    seen.add(entityType)
    if (entityType === '') return invalid('Invalid empty entity type.')
    if (!entityTypes.includes(entityType)) {
      return ['UNSUPPORTED_VERSION', `Unsupported entity type ${entityType}`]
    }
  }
  if (!seen.has('ip') || seen.size === 1) return null
  return invalid(
    'Invalid entity filter component combination. IP filter component should not be used with ' +
      'user or clientId filter component.',
  )
}

const matchNames: ReadonlyMap<number, string> = new Map([
  [quotaMatches.exact, 'MATCH_TYPE_EXACT'],
  [quotaMatches.default, 'MATCH_TYPE_DEFAULT'],
  [quotaMatches.specified, 'MATCH_TYPE_SPECIFIED'],
])

const invalid = (detail: string): [ErrorName, string] => ['INVALID_REQUEST', detail]

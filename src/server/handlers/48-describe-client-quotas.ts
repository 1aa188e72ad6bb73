import { javaHashCode, javaHashMapOrderBy } from '../../base/java-hash.ts'
import {
  entityHash,
  entityParts,
  matchesQuota,
  type QuotaFilter,
  quotaMatches,
} from '../../metadata/quotas.ts'
import { type ErrorName, errorCode } from '../../protocol/errors.ts'
import { describeClientQuotas } from '../../protocol/messages/48-describe-client-quotas.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'

const entityTypes = ['user', 'client-id', 'ip']

/** DescribeClientQuotas: returns quotas by entity (KIP-546). */
export const handleDescribeClientQuotas = handler(
  describeClientQuotas,
  (request, context, services) => {
    authorize(services, context, 'DESCRIBE_CONFIGS', 'cluster', clusterResource)
    const { components, strict } = request
    const fault = faultOf(components)
    if (fault !== null) {
      const [error, errorMessage] = fault
      return { errorCode: errorCode(error), errorMessage, entries: null }
    }
    const all = [...services.metadata.image.quotas.values()]
    const entries = javaHashMapOrderBy(all, ({ entity }) => entityHash(entity), 1)
      .filter((quota) => matchesQuota(quota, components, strict))
      .map(({ entity, values }) => ({
        entity: entityParts(entity),
        values: javaHashMapOrderBy([...values], ([key]) => javaHashCode(key), 1).map(
          ([key, value]) => ({ key, value }),
        ),
      }))
    return { errorCode: 0, errorMessage: '', entries }
  },
  (_request, _context, code) => ({
    errorCode: code,
    errorMessage: null,
    entries: null,
  }),
)

/** Returns the error of an invalid filter, with Kafka's message, or null. */
function faultOf(components: readonly QuotaFilter[]): [ErrorName, string] | null {
  const seen = new Set<string>()
  for (const { entityType, matchType, match } of components) {
    const isExact = matchType === quotaMatches.exact
    if (entityType === '') return invalid('Invalid empty entity type.')
    if (seen.has(entityType)) {
      return invalid(`Entity type ${entityType} cannot appear more than once in the filter.`)
    }
    if (!entityTypes.includes(entityType)) {
      return ['UNSUPPORTED_VERSION', `Unsupported entity type ${entityType}`]
    }
    if (isExact && match === null) {
      return invalid('Request specified MATCH_TYPE_EXACT, but set match string to null.')
    }
    const name = matchNames.get(matchType)
    if (name === undefined) return invalid(`Unknown match type ${matchType}`)
    if (!isExact && match !== null) {
      return invalid(`Request specified ${name}, but also specified a match string.`)
    }
    seen.add(entityType)
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

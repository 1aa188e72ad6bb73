import { mapWaiting } from '../../base/turns.ts'
import { resourceTypes } from '../../metadata/config/keys.ts'
import { ApiError, defaultMessage, errorName } from '../../protocol/errors.ts'
import {
  type DescribeConfigsRequest,
  describeConfigs,
} from '../../protocol/messages/32-describe-configs.ts'
import { clusterResource, mayAccess } from '../access.ts'
import { type ConfigHolder, type DescribedConfig, describeResource } from '../describe-configs.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'

const types: ReadonlySet<number> = new Set(Object.values(resourceTypes))

type Resource = DescribeConfigsRequest['resources'][number]

/** DescribeConfigs: returns the values in effect, their sources, and the overridden values. */
export const handleDescribeConfigs = handler(
  describeConfigs,
  async (request, context, services: ConfigHolder & Pick<Services, 'turns' | 'authorizer'>) => {
    const unknown = request.resources.some(({ resourceType }) => !types.has(resourceType))
    if (unknown) throw new ApiError('INVALID_REQUEST')
    const results = await mapWaiting(services.turns, request.resources, async (resource) => {
      // One resource has hundreds of settings.
      if (services.turns.isOver()) await services.turns.next()
      const { resourceType, resourceName } = resource
      try {
        authorizeResource(resource, context, services)
        const configs = describeResource(resource, services).map((config) => ({
          ...config,
          synonyms: request.includeSynonyms ? config.synonyms : [],
          documentation:
            // For loggers Kafka always sends an empty text, requested or not.
            request.includeDocumentation || resourceType === resourceTypes.brokerLogger
              ? config.documentation
              : null,
        }))
        return { errorCode: 0, errorMessage: '', resourceType, resourceName, configs }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return failed(resource, error.code, error.detail)
      }
    })
    return { results }
  },
  (request, _context, code) => ({
    results: request.resources.map((resource) =>
      failed(resource, code, defaultMessage(errorName(code))),
    ),
  }),
)

function failed({ resourceType, resourceName }: Resource, code: number, message: string | null) {
  const configs: DescribedConfig[] = []
  return { errorCode: code, errorMessage: message, resourceType, resourceName, configs }
}

function authorizeResource(
  { resourceType, resourceName }: Resource,
  context: RequestContext,
  services: Pick<Services, 'authorizer'>,
): void {
  const isTopic = resourceType === resourceTypes.topic
  const isGroup = resourceType === resourceTypes.group
  const kind = isTopic ? 'topic' : isGroup ? 'group' : 'cluster'
  const name = isTopic || isGroup ? resourceName : clusterResource
  if (mayAccess(services, context, 'DESCRIBE_CONFIGS', kind, name)) return
  const reason = isTopic
    ? 'TOPIC_AUTHORIZATION_FAILED'
    : isGroup
      ? 'GROUP_AUTHORIZATION_FAILED'
      : 'CLUSTER_AUTHORIZATION_FAILED'
  throw new ApiError(reason, defaultMessage(reason))
}

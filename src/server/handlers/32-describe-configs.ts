import { resourceTypes } from '../../metadata/config/keys.ts'
import { Refusal } from '../../protocol/errors.ts'
import {
  type DescribeConfigsRequest,
  describeConfigs,
} from '../../protocol/messages/32-describe-configs.ts'
import { clusterResource, mayAccess } from '../access.ts'
import { type DescribedConfig, describeResource } from '../describe-configs.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'

type Resource = DescribeConfigsRequest['resources'][number]

/** DescribeConfigs: what is in force, where it comes from, and what it hides. */
export const handleDescribeConfigs = handler(
  describeConfigs,
  (request, context, services) => ({
    throttleTimeMs: 0,
    results: request.resources.map((resource) => {
      const { resourceType, resourceName } = resource
      try {
        authorizeResource(resource, context, services)
        const configs = describeResource(resource, services).map((config) => ({
          ...config,
          synonyms: request.includeSynonyms ? config.synonyms : [],
          documentation: request.includeDocumentation ? config.documentation : null,
        }))
        return { errorCode: 0, errorMessage: '', resourceType, resourceName, configs }
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        return failed(resource, error.code, error.detail)
      }
    }),
  }),
  (request, _context, code) => ({
    throttleTimeMs: 0,
    results: request.resources.map((resource) => failed(resource, code, null)),
  }),
)

function failed({ resourceType, resourceName }: Resource, code: number, message: string | null) {
  const configs: DescribedConfig[] = []
  return { errorCode: code, errorMessage: message, resourceType, resourceName, configs }
}

function authorizeResource(
  { resourceType, resourceName }: Resource,
  context: RequestContext,
  services: Services,
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
  throw new Refusal(reason)
}

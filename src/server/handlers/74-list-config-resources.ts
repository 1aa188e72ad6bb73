import { resourceTypes } from '../../metadata/config/keys.ts'
import { errorCode } from '../../protocol/errors.ts'
import { listConfigResources } from '../../protocol/messages/74-list-config-resources.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'
import type { Services } from '../services.ts'

const supported: readonly number[] = Object.values(resourceTypes)

/** ListConfigResources: lists resources with configs; v0 lists client metrics only (KIP-1142). */
export const handleListConfigResources = handler(
  listConfigResources,
  (request, context, services) => {
    authorize(services, context, 'DESCRIBE_CONFIGS', 'cluster', clusterResource)
    const asked =
      context.apiVersion === 0
        ? [resourceTypes.clientMetrics]
        : request.resourceTypes.length === 0
          ? supported
          : request.resourceTypes
    if (asked.some((type) => !supported.includes(type))) {
      return { errorCode: errorCode('UNSUPPORTED_VERSION'), configResources: [] }
    }
    const resources = [...new Set(asked)].flatMap((resourceType) =>
      namesOf(resourceType, services).map((resourceName) => ({ resourceName, resourceType })),
    )
    return { errorCode: 0, configResources: resources }
  },
  (_request, _context, code) => ({ errorCode: code, configResources: [] }),
)

function namesOf(type: number, { metadata }: Services): string[] {
  const { image } = metadata
  if (type === resourceTypes.topic) return [...image.topics.keys()]
  if (type === resourceTypes.broker || type === resourceTypes.brokerLogger) {
    return [...image.brokers.keys()].map(String)
  }
  const prefix = `${type}:`
  return [...image.configs.keys()]
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length))
}

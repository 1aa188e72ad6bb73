import { incrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { alterResources, refuseAll } from '../alter-configs.ts'
import { handler } from '../handler.ts'

/** IncrementalAlterConfigs: what is not named stays as it is (KIP-339). */
export const handleIncrementalAlterConfigs = handler(
  incrementalAlterConfigs,
  async (request, context, services) => {
    const resources = request.resources.map(({ resourceType, resourceName, configs }) => ({
      type: resourceType,
      name: resourceName,
      changes: configs.map(({ name, configOperation, value }) => ({
        name,
        operation: configOperation,
        value,
      })),
      replacesAll: false,
    }))
    const { validateOnly } = request
    const responses = await alterResources(resources, validateOnly, context, services)
    return { throttleTimeMs: 0, responses }
  },
  (request, _context, code) => ({
    throttleTimeMs: 0,
    responses: refuseAll(request.resources, code),
  }),
)

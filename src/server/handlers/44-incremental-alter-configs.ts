import { incrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { alterResources, refuseAll } from '../alter-configs.ts'
import { handler } from '../handler.ts'

/** IncrementalAlterConfigs: leaves configs not named unchanged (KIP-339). */
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
    return { responses }
  },
  (request, _context, code) => ({
    responses: refuseAll(request.resources, code),
  }),
)

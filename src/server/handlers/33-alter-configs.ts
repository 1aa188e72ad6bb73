import { configOperations } from '../../metadata/controller/alter-configs.ts'
import { alterConfigs } from '../../protocol/messages/33-alter-configs.ts'
import { alterResources, refuseAll } from '../alter-configs.ts'
import { handler } from '../handler.ts'

/** AlterConfigs: resets configs not named to their default. Deprecated by key 44, still served. */
export const handleAlterConfigs = handler(
  alterConfigs,
  async (request, context, services) => {
    const resources = request.resources.map(({ resourceType, resourceName, configs }) => ({
      type: resourceType,
      name: resourceName,
      changes: configs.map(({ name, value }) => ({ name, operation: configOperations.set, value })),
      replacesAll: true,
    }))
    const { validateOnly } = request
    const responses = await alterResources(resources, validateOnly, context, services)
    return { responses }
  },
  (request, _context, code) => ({
    responses: refuseAll(request.resources, code),
  }),
)

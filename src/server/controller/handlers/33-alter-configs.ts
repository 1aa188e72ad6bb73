import { alterConfigs } from '../../../protocol/messages/33-alter-configs.ts'
import { refuseAll, replacements } from '../../alter-configs.ts'
import { alterResources } from '../alter-configs.ts'
import { controllerHandler } from '../handler.ts'

/** AlterConfigs: resets configs not named to their default. Deprecated by key 44, still served. */
export const handleAlterConfigs = controllerHandler(
  alterConfigs,
  async (request, context, services) => {
    const changes = replacements(request)
    return { responses: await alterResources(changes, request.validateOnly, context, services) }
  },
  (request, _context, code) => ({
    responses: refuseAll(request.resources, code),
  }),
)

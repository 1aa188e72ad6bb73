import { incrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.ts'
import { increments, refuseAll } from '../../alter-configs.ts'
import { alterResources } from '../alter-configs.ts'
import { controllerHandler } from '../handler.ts'

/** IncrementalAlterConfigs: leaves configs not named unchanged (KIP-339). */
export const handleIncrementalAlterConfigs = controllerHandler(
  incrementalAlterConfigs,
  async (request, context, services) => {
    const changes = increments(request)
    return { responses: await alterResources(changes, request.validateOnly, context, services) }
  },
  (request, _context, code) => ({
    responses: refuseAll(request.resources, code),
  }),
)

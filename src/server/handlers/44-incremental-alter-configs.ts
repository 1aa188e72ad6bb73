import { incrementalAlterConfigs as api } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { alterHere, increments, refuseAll } from '../alter-configs.ts'
import { handler } from '../handler.ts'

/** IncrementalAlterConfigs: leaves configs not named unchanged (KIP-339). */
export const handleIncrementalAlterConfigs = handler(
  api,
  async (request, context, services) => {
    const { resources, validateOnly } = request
    const forward = async (places: readonly number[]) => {
      const left = { validateOnly, resources: places.map((place) => resources[place]!) }
      const { forwarder } = services
      return (await forwarder.forwardMade(api, context.apiVersion, left, context)).responses
    }
    const responses = await alterHere(increments(request), validateOnly, forward, context, services)
    return { responses }
  },
  (request, _context, code) => ({
    responses: refuseAll(request.resources, code),
  }),
)

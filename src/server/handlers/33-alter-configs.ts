import { alterConfigs as api } from '../../protocol/messages/33-alter-configs.ts'
import { alterHere, refuseAll, replacements } from '../alter-configs.ts'
import { handler } from '../handler.ts'

/** AlterConfigs: resets configs not named to their default. Deprecated by key 44, still served. */
export const handleAlterConfigs = handler(
  api,
  async (request, context, services) => {
    const { resources, validateOnly } = request
    const forward = async (places: readonly number[]) => {
      const left = { validateOnly, resources: places.map((place) => resources[place]!) }
      const { forwarder } = services
      return (await forwarder.forwardMade(api, context.apiVersion, left, context)).responses
    }
    const responses = await alterHere(
      replacements(request),
      validateOnly,
      forward,
      context,
      services,
    )
    return { responses }
  },
  (request, _context, code) => ({
    responses: refuseAll(request.resources, code),
  }),
)

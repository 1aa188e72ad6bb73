import { alterQuotas } from '../../../metadata/controller/alter-quotas.ts'
import { defaultMessage, errorCode, errorName } from '../../../protocol/errors.ts'
import { alterClientQuotas } from '../../../protocol/messages/49-alter-client-quotas.ts'
import { authorize, clusterResource } from '../../access.ts'
import { controllerHandler } from '../handler.ts'

/** AlterClientQuotas: stores quotas, which act at once (KIP-546). */
export const handleAlterClientQuotas = controllerHandler(
  alterClientQuotas,
  async (request, context, services) => {
    authorize(services, context, 'ALTER_CONFIGS', 'cluster', clusterResource)
    const { entries, validateOnly } = request
    const altered = await services.metadata.submit(alterQuotas(entries, { validateOnly }))
    return {
      entries: altered.map(({ entity, error, errorMessage }) => ({
        errorCode: errorCode(error),
        errorMessage,
        entity,
      })),
    }
  },
  (request, _context, code) => ({
    entries: request.entries.map(({ entity }) => ({
      errorCode: code,
      errorMessage: defaultMessage(errorName(code)),
      entity,
    })),
  }),
)

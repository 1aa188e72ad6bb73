import { unregisterBroker } from '../../../metadata/controller/unregister.ts'
import { unregisterBroker as api } from '../../../protocol/messages/64-unregister-broker.ts'
import { authorize, clusterResource, refusalText } from '../../access.ts'
import { told } from '../../controller-refusal.ts'
import { controllerHandler } from '../handler.ts'

/** UnregisterBroker: removes a broker that will not return. */
export const handleUnregisterBroker = controllerHandler(
  api,
  async ({ brokerId }, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    const answer = await told(() => services.metadata.submit(unregisterBroker(brokerId)))
    return answer.errorCode === 0 ? { ...answer, errorMessage: '' } : answer
  },
  (_request, _context, code) => ({ errorCode: code, errorMessage: refusalText(code) }),
)

import { unregisterController } from '../../../metadata/controller/unregister.ts'
import { unregisterController as api } from '../../../protocol/messages/94-unregister-controller.ts'
import { authorize, clusterResource, refusalText } from '../../access.ts'
import { told } from '../../controller-refusal.ts'
import { controllerHandler } from '../handler.ts'

/** UnregisterController: removes a controller that has left the quorum. */
export const handleUnregisterController = controllerHandler(
  api,
  ({ controllerId }, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    const { metadata, identity } = services
    return told(() => metadata.submit(unregisterController(controllerId, identity.nodeId)))
  },
  (_request, _context, code) => ({ errorCode: code, errorMessage: refusalText(code) }),
)

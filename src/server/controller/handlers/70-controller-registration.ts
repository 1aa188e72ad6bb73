import { registerController } from '../../../metadata/controller/brokers.ts'
import {
  controllersRegisterSince,
  metadataVersionFeature,
} from '../../../metadata/controller/features.ts'
import { ApiError, defaultMessage, errorName } from '../../../protocol/errors.ts'
import { controllerRegistration } from '../../../protocol/messages/70-controller-registration.ts'
import { authorize, clusterResource } from '../../access.ts'
import { controllerHandler } from '../handler.ts'

/** ControllerRegistration: a controller says where it is and what it supports (KIP-919). */
export const handleControllerRegistration = controllerHandler(
  controllerRegistration,
  async ({ controllerId: id, incarnationId, listeners, features }, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    const level = services.metadata.image.features.get(metadataVersionFeature) ?? 0
    if (level < controllersRegisterSince) throw new ApiError('UNSUPPORTED_VERSION')
    const registration = { id, incarnationId, endpoints: listeners, features }
    await services.metadata.submit(registerController(registration))
    return { errorCode: 0, errorMessage: '' }
  },
  (_request, _context, code) => ({
    errorCode: code,
    errorMessage: defaultMessage(errorName(code)),
  }),
)

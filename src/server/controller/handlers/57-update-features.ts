import { updateFeatures, upgradeTypes } from '../../../metadata/controller/update-features.ts'
import { errorCode } from '../../../protocol/errors.ts'
import { updateFeatures as api } from '../../../protocol/messages/57-update-features.ts'
import { authorize, clusterResource, refusalText } from '../../access.ts'
import { controllerHandler } from '../handler.ts'

/** The last version with an answer for each feature. */
const eachUntil = 1

/** UpdateFeatures: raises or lowers the cluster's feature levels (KIP-584). */
export const handleUpdateFeatures = controllerHandler(
  api,
  async ({ featureUpdates, validateOnly }, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    const { apiVersion } = context
    const updates = featureUpdates.map(({ feature, maxVersionLevel: level, upgradeType }) => ({
      feature,
      level,
      // As in Kafka's controller, which ignores the older field of version 0.
      upgradeType: apiVersion === 0 ? upgradeTypes.upgrade : upgradeType,
    }))
    const nodeId = services.identity.nodeId
    const answer = await services.metadata.submit(updateFeatures(updates, { validateOnly, nodeId }))
    const isEach = answer.error === 'NONE' && apiVersion <= eachUntil
    return {
      errorCode: errorCode(answer.error),
      errorMessage: answer.errorMessage,
      results: isEach
        ? updates.map(({ feature }) => ({ feature, errorCode: 0, errorMessage: 'NONE' }))
        : [],
    }
  },
  (_request, _context, code) => ({
    errorCode: code,
    errorMessage: refusalText(code),
    results: [],
  }),
)

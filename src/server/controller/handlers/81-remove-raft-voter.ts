import { ApiError, defaultMessage, errorName } from '../../../protocol/errors.ts'
import { removeRaftVoter } from '../../../protocol/messages/81-remove-raft-voter.ts'
import { zeroUuid } from '../../../protocol/schema.ts'
import {
  checkCluster,
  checkReconfigurable,
  replicaKeyText,
  votersText,
} from '../../../quorum/quorum-changes.ts'
import { authorize, clusterResource } from '../../access.ts'
import { told } from '../../controller-refusal.ts'
import { controllerHandler } from '../handler.ts'

/** RemoveRaftVoter: always refused, since the only voter cannot be removed (KIP-853). */
export const handleRemoveRaftVoter = controllerHandler(
  removeRaftVoter,
  ({ clusterId, voterId, voterDirectoryId }, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    return told(() => {
      checkCluster(clusterId, services.identity.clusterId)
      if (voterId < 0 || voterDirectoryId === zeroUuid) {
        throw new ApiError('INVALID_REQUEST', "Remove voter request didn't include a valid voter")
      }
      const { image } = services.metadata
      checkReconfigurable(image, 'removing')
      throw new ApiError(
        'VOTER_NOT_FOUND',
        `Cannot remove voter ${replicaKeyText(voterId, voterDirectoryId)} from the set of voters ` +
          votersText(image),
      )
    })
  },
  (_request, _context, code) => ({
    errorCode: code,
    errorMessage: defaultMessage(errorName(code)),
  }),
)

import { Refusal } from '../../protocol/errors.ts'
import { removeRaftVoter } from '../../protocol/messages/81-remove-raft-voter.ts'
import { authorize, clusterResource } from '../access.ts'
import { told } from '../controller-refusal.ts'
import { handler } from '../handler.ts'
import { checkCluster, checkReconfigurable, replicaKeyText, votersText } from '../quorum-changes.ts'

/** RemoveRaftVoter: the last voter cannot go, and there is no other (KIP-853). */
export const handleRemoveRaftVoter = handler(
  removeRaftVoter,
  ({ clusterId, voterId, voterDirectoryId }, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    return told(() => {
      checkCluster(clusterId, services.identity)
      if (voterId < 0) {
        throw new Refusal('INVALID_REQUEST', "Remove voter request didn't include a valid voter")
      }
      const { image } = services.metadata
      checkReconfigurable(image, 'removing')
      throw new Refusal(
        'VOTER_NOT_FOUND',
        `Cannot remove voter ${replicaKeyText(voterId, voterDirectoryId)} from the set of voters ` +
          votersText(image),
      )
    })
  },
  (_request, _context, code) => ({ throttleTimeMs: 0, errorCode: code, errorMessage: null }),
)

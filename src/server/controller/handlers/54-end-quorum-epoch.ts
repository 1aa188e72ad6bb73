import { ApiError } from '../../../protocol/errors.ts'
import { endQuorumEpoch } from '../../../protocol/messages/54-end-quorum-epoch.ts'
import { checkCluster } from '../../../quorum/quorum-changes.ts'
import { authorize, clusterResource } from '../../access.ts'
import { controllerHandler } from '../handler.ts'
import { answerToClaim } from '../quorum-claims.ts'
import { soleMetadataPartition } from '../quorum-requests.ts'

/** EndQuorumEpoch: another node says that it does not lead any more (KIP-595). */
export const handleEndQuorumEpoch = controllerHandler(
  endQuorumEpoch,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    checkCluster(request.clusterId, services.identity.clusterId)
    const asked = soleMetadataPartition(request.topics)
    if (asked === null) throw new ApiError('INVALID_REQUEST')
    const claim = { ...asked, leaderEndpoints: request.leaderEndpoints }
    return answerToClaim(claim, 'NONE', context, services)
  },
  (_request, _context, code) => ({ errorCode: code, topics: [] }),
)

import { ApiError } from '../../../protocol/errors.ts'
import { beginQuorumEpoch } from '../../../protocol/messages/53-begin-quorum-epoch.ts'
import { checkCluster } from '../../../quorum/quorum-changes.ts'
import { authorize, clusterResource } from '../../access.ts'
import { controllerHandler } from '../handler.ts'
import { answerToClaim } from '../quorum-claims.ts'
import { namesThisVoter, soleMetadataPartition } from '../quorum-requests.ts'

/** BeginQuorumEpoch: another node says that it leads (KIP-595). */
export const handleBeginQuorumEpoch = controllerHandler(
  beginQuorumEpoch,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    checkCluster(request.clusterId, services.identity.clusterId)
    const asked = soleMetadataPartition(request.topics)
    if (asked === null) throw new ApiError('INVALID_REQUEST')
    const isMe = namesThisVoter(services.partition, request.voterId, asked.voterDirectoryId)
    const claim = { ...asked, leaderEndpoints: request.leaderEndpoints }
    return answerToClaim(claim, isMe ? 'NONE' : 'INVALID_VOTER_KEY', context, services)
  },
  (_request, _context, code) => ({ errorCode: code, topics: [] }),
)

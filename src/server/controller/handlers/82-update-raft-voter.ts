import type { ErrorName } from '../../../protocol/errors.ts'
import { errorCode } from '../../../protocol/errors.ts'
import {
  type UpdateRaftVoterRequest,
  updateRaftVoter,
} from '../../../protocol/messages/82-update-raft-voter.ts'
import { zeroUuid } from '../../../protocol/schema.ts'
import { authorize, clusterResource } from '../../access.ts'
import { controllerHandler } from '../handler.ts'
import { currentLeader, leaderEndpoints } from '../quorum-requests.ts'
import type { ControllerServices } from '../services.ts'

/**
 * UpdateRaftVoter: a voter that follows tells the leader its addresses (KIP-853). The only voter
 * leads and never sends it.
 */
export const handleUpdateRaftVoter = controllerHandler(
  updateRaftVoter,
  (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    const [at] = leaderEndpoints(services, context, 0)
    return {
      errorCode: errorCode(refusalOf(request, services)),
      currentLeader: {
        ...currentLeader(services),
        ...(at === undefined ? { host: '', port: 0 } : { host: at.host, port: at.port }),
      },
    }
  },
  (_request, _context, code) => ({ errorCode: code }),
)

function refusalOf(request: UpdateRaftVoterRequest, services: ControllerServices): ErrorName {
  const { clusterId, voterId, voterDirectoryId, listeners, kRaftVersionFeature: range } = request
  const { partition, identity, metadata, settings } = services
  if (clusterId !== null && clusterId !== identity.clusterId) return 'INCONSISTENT_CLUSTER_ID'
  const refusal = partition.leader.refusalOf(request.currentLeaderEpoch)
  if (refusal !== null) return refusal
  if (voterId < 0 || voterDirectoryId === zeroUuid) return 'INVALID_REQUEST'
  const [expected = 'CONTROLLER'] = settings.list('controller.listener.names')
  const isReachable = listeners.some(({ name }) => name.toUpperCase() === expected.toUpperCase())
  const { kraftVersion, voters } = metadata.image.quorum
  const { minSupportedVersion: min, maxSupportedVersion: max } = range
  const isRange = min >= 0 && max >= min
  if (!isReachable || !isRange || kraftVersion < min || kraftVersion > max) {
    return 'INVALID_REQUEST'
  }
  const isVoter =
    kraftVersion === 0
      ? voterId === identity.nodeId
      : voters.some((one) => one.voterId === voterId && one.voterDirectoryId === voterDirectoryId)
  // Kafka's answer while it changes the voters: the request can be made again.
  return isVoter ? 'REQUEST_TIMED_OUT' : 'VOTER_NOT_FOUND'
}

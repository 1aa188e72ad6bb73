import { ApiError, type ErrorName, errorCode } from '../../../protocol/errors.ts'
import { vote } from '../../../protocol/messages/52-vote.ts'
import { metadataTopic } from '../../../quorum/metadata-partition.ts'
import { checkCluster } from '../../../quorum/quorum-changes.ts'
import { authorize, clusterResource } from '../../access.ts'
import { controllerHandler } from '../handler.ts'
import {
  currentLeader,
  leadAgain,
  leaderEndpoints,
  namesThisVoter,
  soleMetadataPartition,
  voterRefusal,
} from '../quorum-requests.ts'

/** The first version whose answer has the leader's address. */
const endpointsSince = 1

/**
 * Vote: a leader votes for nobody in its epoch. A later epoch deposes it, and as the only voter it
 * is elected again in the next one (KIP-595, KIP-996).
 */
export const handleVote = controllerHandler(
  vote,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    checkCluster(request.clusterId, services.identity.clusterId)
    const asked = soleMetadataPartition(request.topics)
    if (asked === null) throw new ApiError('INVALID_REQUEST')
    const { partition } = services
    const answer = (error: ErrorName, leader = currentLeader(services), voteGranted = false) => ({
      errorCode: 0,
      topics: [
        {
          topicName: metadataTopic,
          partitions: [{ partitionIndex: 0, errorCode: errorCode(error), ...leader, voteGranted }],
        },
      ],
      nodeEndpoints: leader.leaderId < 0 ? [] : leaderEndpoints(services, context, endpointsSince),
    })
    const { replicaId, replicaEpoch, lastOffset, lastOffsetEpoch, preVote } = asked
    const epochMax = preVote ? replicaEpoch : replicaEpoch - 1
    if (lastOffset < 0 || lastOffsetEpoch < 0 || lastOffsetEpoch > epochMax) {
      return answer('INVALID_REQUEST')
    }
    const refusal = voterRefusal(partition, replicaId, replicaEpoch)
    if (refusal !== null) return answer(refusal)
    const isMe = namesThisVoter(partition, request.voterId, asked.voterDirectoryId)
    const error = isMe ? 'NONE' : 'INVALID_VOTER_KEY'
    if (replicaEpoch === partition.epoch) return answer(error)
    const { end } = partition
    const isUpToDate =
      lastOffsetEpoch > end.epoch || (lastOffsetEpoch === end.epoch && lastOffset >= end.endOffset)
    await leadAgain(services, replicaEpoch, replicaId)
    return answer(error, { leaderId: -1, leaderEpoch: replicaEpoch }, isMe && isUpToDate)
  },
  (_request, _context, code) => ({ errorCode: code, topics: [] }),
)

import { ApiError, type ErrorName, errorCode } from '../../protocol/errors.ts'
import { metadataTopic } from '../../quorum/metadata-partition.ts'
import type { RequestContext } from '../handler.ts'
import { currentLeader, leadAgain, leaderEndpoints, voterRefusal } from './quorum-requests.ts'
import type { ControllerServices } from './services.ts'

/** The first version whose answer has the leader's address. */
const endpointsSince = 1

/** A node says that it leads, or led, the quorum. */
interface Claim {
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly leaderEndpoints: readonly {
    readonly name: string
    readonly host: string
    readonly port: number
  }[]
}

/**
 * Answers a node that says that it leads, or led, the quorum. In a later epoch it is believed, and
 * this node, the only voter, is elected in the next one.
 * @param error of an answer that would otherwise have none.
 * @throws ApiError UNKNOWN_SERVER_ERROR for what cannot be, after which Kafka's controller ends.
 */
export async function answerToClaim(
  claim: Claim,
  error: ErrorName,
  context: RequestContext,
  services: ControllerServices,
) {
  const { partition } = services
  const { leaderId, leaderEpoch } = claim
  const refusal = voterRefusal(partition, leaderId, leaderEpoch)
  const isCurrent = leaderId === partition.self.id && leaderEpoch === partition.epoch
  if (refusal !== null || isCurrent) {
    const endpoints = leaderEndpoints(services, context, endpointsSince)
    return answerOf(refusal ?? error, currentLeader(services), endpoints)
  }
  const isPossible =
    leaderId !== partition.self.id &&
    leaderEpoch > partition.epoch &&
    claim.leaderEndpoints.length > 0
  if (!isPossible) {
    services.logger.error(
      'another node says that this quorum, with one voter, has another leader',
      {
        ...{ claimed: leaderId, claimedEpoch: leaderEpoch, epoch: partition.epoch },
      },
    )
    throw new ApiError('UNKNOWN_SERVER_ERROR')
  }
  await leadAgain(services, leaderEpoch, leaderId)
  const { listenerName } = context.session
  const reached = claim.leaderEndpoints.find(({ name }) => name === listenerName)
  const endpoints =
    reached === undefined || context.apiVersion < endpointsSince
      ? []
      : [{ nodeId: leaderId, host: reached.host, port: reached.port }]
  return answerOf(error, { leaderId, leaderEpoch }, endpoints)
}

function answerOf(
  error: ErrorName,
  leader: { readonly leaderId: number; readonly leaderEpoch: number },
  nodeEndpoints: { nodeId: number; host: string; port: number }[],
) {
  return {
    errorCode: 0,
    topics: [
      {
        topicName: metadataTopic,
        partitions: [{ partitionIndex: 0, errorCode: errorCode(error), ...leader }],
      },
    ],
    nodeEndpoints,
  }
}

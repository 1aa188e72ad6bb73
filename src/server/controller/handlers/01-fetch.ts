import { errorCode } from '../../../protocol/errors.ts'
import { type FetchRequest, fetch } from '../../../protocol/messages/01-fetch.ts'
import { metadataTopicId } from '../../../quorum/metadata-partition.ts'
import type { FetchAnswer } from '../../../quorum/quorum-leader.ts'
import { authorize, clusterResource } from '../../access.ts'
import type { RequestContext } from '../../handler.ts'
import { controllerHandler } from '../handler.ts'
import { currentLeader, leaderEndpoints } from '../quorum-requests.ts'
import type { ControllerServices } from '../services.ts'

/** The first version in which a follower says how much it knows to be committed (KIP-1166). */
const highWatermarkSince = 18

/** The first version whose answer has the leader's address. */
const endpointsSince = 17

/** The first version that names topics by id (KIP-516). */
const byIdSince = 13

/** Fetch: the metadata log, for brokers and other followers (KIP-595, KIP-630). */
export const handleControllerFetch = controllerHandler(
  fetch,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    const { clusterId } = services.identity
    if (request.clusterId !== null && request.clusterId !== clusterId) {
      return { errorCode: errorCode('INCONSISTENT_CLUSTER_ID'), responses: [] }
    }
    const asked = solePartition(request)
    if (asked === null) return { errorCode: errorCode('INVALID_REQUEST'), responses: [] }
    const isPossible =
      request.maxWaitMs >= 0 &&
      asked.fetchOffset >= 0 &&
      asked.lastFetchedEpoch >= 0 &&
      asked.lastFetchedEpoch <= asked.currentLeaderEpoch
    if (!isPossible) return respond('INVALID_REQUEST', context, services)
    const { session, apiVersion } = context
    const answer = await services.partition.leader.fetch({
      replica: {
        id: request.replicaId === -1 ? request.replicaState.replicaId : request.replicaId,
        directoryId: asked.replicaDirectoryId,
      },
      isSameProcess: session.isSameProcess,
      currentLeaderEpoch: asked.currentLeaderEpoch,
      offset: asked.fetchOffset,
      lastFetchedEpoch: asked.lastFetchedEpoch,
      highWatermark:
        apiVersion >= highWatermarkSince ? asked.highWatermark : Number.POSITIVE_INFINITY,
      maxBytes: request.maxBytes,
      maxWaitMs: request.maxWaitMs,
      closed: session.closed,
    })
    return respond(answer, context, services)
  },
  (request, { apiVersion }, code) => ({
    errorCode: code,
    sessionId: request.sessionId,
    responses: apiVersion >= byIdSince ? [] : request.topics.map((topic) => refused(topic, code)),
  }),
)

function solePartition({ topics }: FetchRequest) {
  const [topic] = topics
  if (topics.length !== 1 || topic!.topicId !== metadataTopicId) return null
  const [partition] = topic!.partitions
  return topic!.partitions.length === 1 && partition!.partition === 0 ? partition! : null
}

function refused({ topic, partitions }: FetchRequest['topics'][number], code: number) {
  return {
    topic,
    partitions: partitions.map(({ partition }) => ({
      ...{ partitionIndex: partition, errorCode: code, highWatermark: -1 },
      ...{ abortedTransactions: [], records: [] },
    })),
  }
}

const invalid: FetchAnswer = {
  error: 'INVALID_REQUEST',
  highWatermark: -1,
  position: { kind: 'valid' },
  records: [],
}

function respond(
  answer: FetchAnswer | 'INVALID_REQUEST',
  context: RequestContext,
  services: ControllerServices,
) {
  const { error, highWatermark, position, records } =
    answer === 'INVALID_REQUEST' ? invalid : answer
  const { kind } = position
  return {
    errorCode: 0,
    responses: [
      {
        topicId: metadataTopicId,
        partitions: [
          {
            partitionIndex: 0,
            errorCode: errorCode(error),
            highWatermark,
            logStartOffset: services.partition.logStartOffset,
            ...(kind === 'diverging'
              ? { divergingEpoch: { epoch: position.epoch, endOffset: position.endOffset } }
              : {}),
            currentLeader: currentLeader(services),
            ...(kind === 'snapshot' ? { snapshotId: position.snapshotId } : {}),
            abortedTransactions: [],
            records,
          },
        ],
      },
    ],
    nodeEndpoints: leaderEndpoints(services, context, endpointsSince),
  }
}

import { defaultMessage, errorCode, errorName } from '../../../protocol/errors.ts'
import {
  type DescribeQuorumRequest,
  describeQuorum,
} from '../../../protocol/messages/55-describe-quorum.ts'
import { zeroUuid } from '../../../protocol/schema.ts'
import { metadataTopic } from '../../../quorum/metadata-partition.ts'
import { authorize, clusterResource } from '../../access.ts'
import { controllerHandler } from '../handler.ts'
import { currentLeader, soleMetadataPartition } from '../quorum-requests.ts'

/** DescribeQuorum: the only voter of the metadata quorum, and who follows it (KIP-836). */
export const handleDescribeQuorum = controllerHandler(
  describeQuorum,
  (request, context, services) => {
    authorize(services, context, 'DESCRIBE', 'cluster', clusterResource)
    if (soleMetadataPartition(request.topics) === null) return unknown(request)
    const { metadata, partition, identity, clock } = services
    const { quorum, controllers } = metadata.image
    const nowMs = clock.nowMs()
    const voter = {
      replicaId: identity.nodeId,
      // Static voters have no directories (KIP-853).
      replicaDirectoryId:
        quorum.voters.find(({ voterId }) => voterId === identity.nodeId)?.voterDirectoryId ??
        zeroUuid,
      logEndOffset: partition.end.endOffset,
      lastFetchTimestamp: nowMs,
      lastCaughtUpTimestamp: nowMs,
    }
    const observers = partition.leader.observerStates().map((observer) => ({
      replicaId: observer.id,
      replicaDirectoryId: observer.directoryId,
      logEndOffset: observer.logEndOffset,
      lastFetchTimestamp: observer.lastFetchMs,
      lastCaughtUpTimestamp: observer.lastCaughtUpMs,
    }))
    return {
      errorCode: 0,
      errorMessage: '',
      topics: [
        {
          topicName: metadataTopic,
          partitions: [
            {
              partitionIndex: 0,
              errorCode: 0,
              errorMessage: '',
              ...currentLeader(services),
              highWatermark: partition.leader.highWatermark,
              currentVoters: [voter],
              observers,
            },
          ],
        },
      ],
      nodes: [...controllers.values()].map(({ id, endpoints }) => ({
        nodeId: id,
        listeners: endpoints.map(({ name, host, port }) => ({ name, host, port })),
      })),
    }
  },
  (_request, _context, code) => ({
    errorCode: code,
    errorMessage: defaultMessage(errorName(code)),
    topics: [],
    nodes: [],
  }),
)

/** Returns an error for every partition, unless only the metadata partition is requested. */
function unknown({ topics }: DescribeQuorumRequest) {
  const error = 'UNKNOWN_TOPIC_OR_PARTITION'
  return {
    errorCode: 0,
    errorMessage: '',
    topics: topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: errorCode(error),
        errorMessage: defaultMessage(error),
        leaderId: 0,
        leaderEpoch: 0,
        highWatermark: 0,
        currentVoters: [],
        observers: [],
      })),
    })),
    nodes: [],
  }
}

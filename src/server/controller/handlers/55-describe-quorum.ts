import { defaultMessage, errorCode } from '../../../protocol/errors.ts'
import {
  type DescribeQuorumRequest,
  describeQuorum,
} from '../../../protocol/messages/55-describe-quorum.ts'
import { zeroUuid } from '../../../protocol/schema.ts'
import { metadataTopic } from '../../../quorum/metadata-partition.ts'
import { authorize, clusterResource, refusalText } from '../../access.ts'
import { controllerHandler } from '../handler.ts'

/** DescribeQuorum: describes the metadata quorum; this process is its only voter (KIP-836). */
export const handleDescribeQuorum = controllerHandler(
  describeQuorum,
  (request, context, services) => {
    authorize(services, context, 'DESCRIBE', 'cluster', clusterResource)
    const { metadata, identity, clock } = services
    const [asked] = request.topics
    const isAsked =
      request.topics.length === 1 &&
      asked?.topicName === metadataTopic &&
      asked.partitions.length === 1 &&
      asked.partitions[0]!.partitionIndex === 0
    if (!isAsked) return unknown(request)
    const { image } = metadata
    const nowMs = clock.nowMs()
    const directoryOf = (id: number) =>
      image.quorum.voters.find(({ voterId }) => voterId === id)?.voterDirectoryId ?? zeroUuid
    const replica = (replicaId: number) => ({
      replicaId,
      replicaDirectoryId: directoryOf(replicaId),
      logEndOffset: image.offset + 1,
      lastFetchTimestamp: nowMs,
      lastCaughtUpTimestamp: nowMs,
    })
    const { nodeId: controllerId } = identity
    const observers = [...image.brokers.values()].flatMap(({ id, fenced }) =>
      id === controllerId || fenced ? [] : [replica(id)],
    )
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
              leaderId: controllerId,
              leaderEpoch: image.epoch,
              highWatermark: image.offset + 1,
              currentVoters: [replica(controllerId)],
              observers,
            },
          ],
        },
      ],
      nodes: [...image.controllers.values()].map(({ id, endpoints }) => ({
        nodeId: id,
        listeners: endpoints.map(({ name, host, port }) => ({ name, host, port })),
      })),
    }
  },
  (_request, _context, code) => ({
    errorCode: code,
    errorMessage: refusalText(code),
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

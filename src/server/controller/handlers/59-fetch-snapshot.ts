import { ApiError } from '../../../protocol/errors.ts'
import {
  type FetchSnapshotRequest,
  fetchSnapshot,
} from '../../../protocol/messages/59-fetch-snapshot.ts'
import { metadataTopic } from '../../../quorum/metadata-partition.ts'
import { checkCluster } from '../../../quorum/quorum-changes.ts'
import { fetchBytesMax } from '../../../quorum/quorum-leader.ts'
import { authorize, clusterResource } from '../../access.ts'
import { controllerHandler } from '../handler.ts'
import { currentLeader, leaderEndpoints } from '../quorum-requests.ts'

/** The first version whose answer has the leader's address. */
const endpointsSince = 1

/** Kafka reads no further into a snapshot (int32). */
const positionMax = 2 ** 31 - 1

/**
 * FetchSnapshot: a part of a metadata snapshot (KIP-630). Kafka 4.4.0 cannot write an answer with
 * an error of the partition, as it has no records, and answers UNKNOWN_SERVER_ERROR in its place.
 */
export const handleFetchSnapshot = controllerHandler(
  fetchSnapshot,
  async (request, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    checkCluster(request.clusterId, services.identity.clusterId)
    const asked = solePartition(request)
    const { leader, snapshots } = services.partition
    const { endOffset, epoch } = asked.snapshotId
    const found = snapshots.all.find((one) => one.endOffset === endOffset && one.epoch === epoch)
    const { position } = asked
    const isServed =
      leader.refusalOf(asked.currentLeaderEpoch) === null &&
      // The snapshot of offset 0, from formatting, is not served: the log contains its records.
      found !== undefined &&
      endOffset > 0 &&
      position >= 0 &&
      position < Math.min(found.sizeBytes, positionMax + 1) &&
      request.maxBytes >= 0
    if (!isServed) throw new ApiError('UNKNOWN_SERVER_ERROR')
    const maxBytes = Math.min(request.maxBytes, fetchBytesMax)
    const unalignedRecords = await snapshots.read(found, position, maxBytes)
    return {
      errorCode: 0,
      topics: [
        {
          name: metadataTopic,
          partitions: [
            {
              ...{ index: 0, errorCode: 0 },
              snapshotId: { endOffset, epoch },
              currentLeader: currentLeader(services),
              ...{ size: found.sizeBytes, position, unalignedRecords },
            },
          ],
        },
      ],
      nodeEndpoints: leaderEndpoints(services, context, endpointsSince),
    }
  },
  (_request, _context, code) => ({ errorCode: code, topics: [] }),
)

function solePartition({ topics }: FetchSnapshotRequest) {
  const [topic] = topics
  const [partition] = topic?.partitions ?? []
  if (topics.length !== 1 || topic!.partitions.length !== 1) throw new ApiError('INVALID_REQUEST')
  const isMetadata = topic!.name === metadataTopic && partition!.partition === 0
  if (!isMetadata) throw new ApiError('UNKNOWN_SERVER_ERROR')
  return partition!
}

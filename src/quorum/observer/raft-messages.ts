import type { NodeAddress } from '../../channel/channel.ts'
import type { fetch } from '../../protocol/messages/01-fetch.ts'
import type { fetchSnapshot } from '../../protocol/messages/59-fetch-snapshot.ts'
import type { Draft, Infer } from '../../protocol/schema.ts'
import { metadataTopic, metadataTopicId } from '../metadata-partition.ts'
import type { OffsetAndEpoch } from './followed-log.ts'
import type { LeaderNews } from './known-leader.ts'

type FetchAnswer = Infer<typeof fetch.response>
type FetchSnapshotAnswer = Infer<typeof fetchSnapshot.response>
export type FetchedPartition = FetchAnswer['responses'][number]['partitions'][number]
export type FetchedPiece = FetchSnapshotAnswer['topics'][number]['partitions'][number]

/** The name under which an observer fetches. */
export interface ObserverIdentity {
  /** The node id; -1 for a reader that the leader need not remember. */
  readonly nodeId: number
  readonly directoryId: string
  /** Null where it is not known; another cluster's controllers then serve this observer, too. */
  readonly clusterId: string | null
}

/** Builds the Fetch of an observer: one partition, without a fetch session. */
export function fetchRequest(
  { nodeId, directoryId, clusterId }: ObserverIdentity,
  asked: {
    readonly leaderEpoch: number
    readonly fetchOffset: number
    readonly lastFetchedEpoch: number
    /** -1 if unknown. The leader answers at once if its own is higher. */
    readonly highWatermark: number
    readonly maxWaitMs: number
    readonly maxBytes: number
  },
): Draft<typeof fetch.request> {
  const { maxWaitMs, maxBytes, leaderEpoch: currentLeaderEpoch, ...position } = asked
  const partition = { ...position, currentLeaderEpoch, replicaDirectoryId: directoryId }
  return {
    clusterId,
    // The replica epoch of the metadata log is not the broker epoch
    replicaState: { replicaId: nodeId, replicaEpoch: -1 },
    maxWaitMs,
    minBytes: 0,
    maxBytes,
    topics: [
      {
        topicId: metadataTopicId,
        partitions: [{ ...partition, partition: 0, partitionMaxBytes: 0 }],
      },
    ],
  }
}

/** Builds the request for the next piece of a snapshot. */
export function fetchSnapshotRequest(
  { nodeId, directoryId, clusterId }: ObserverIdentity,
  asked: {
    readonly leaderEpoch: number
    readonly snapshotId: OffsetAndEpoch
    readonly position: number
    readonly maxBytes: number
  },
): Draft<typeof fetchSnapshot.request> {
  const { leaderEpoch: currentLeaderEpoch, maxBytes, ...piece } = asked
  const partition = { ...piece, currentLeaderEpoch, partition: 0, replicaDirectoryId: directoryId }
  return {
    clusterId,
    replicaId: nodeId,
    maxBytes,
    topics: [{ name: metadataTopic, partitions: [partition] }],
  }
}

/** Returns the metadata partition of an answer; null if that is not what it is about. */
export function partitionIn({ responses }: FetchAnswer): FetchedPartition | null {
  const partitions = responses.flatMap((topic) => topic.partitions)
  const [one] = partitions
  const isIt = partitions.length === 1 && responses[0]!.topicId === metadataTopicId
  return isIt && one?.partitionIndex === 0 ? one : null
}

/** Like `partitionIn`, for a piece of a snapshot. */
export function pieceIn({ topics }: FetchSnapshotAnswer): FetchedPiece | null {
  const partitions = topics.flatMap((topic) => topic.partitions)
  const [one] = partitions
  const isIt = partitions.length === 1 && topics[0]!.name === metadataTopic
  return isIt && one?.index === 0 ? one : null
}

/** Reads what an answer says about the leader. */
export function leaderNewsOf(
  { currentLeader: { leaderId, leaderEpoch } }: FetchedPartition | FetchedPiece,
  endpoints: readonly NodeAddress[],
): LeaderNews {
  const found = endpoints.find(({ nodeId }) => nodeId === leaderId)
  const address =
    found === undefined ? null : { nodeId: leaderId, host: found.host, port: found.port }
  return { epoch: leaderEpoch, leaderId, address }
}

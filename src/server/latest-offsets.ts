import type { BrokerMetadata } from '../metadata/metadata.ts'
import { ApiError, errorName } from '../protocol/errors.ts'
import { listOffsets } from '../protocol/messages/02-list-offsets.ts'
import { isolationLevels } from '../replication/partition.ts'
import type { Partitions } from '../replication/partitions.ts'
import { type BrokerChannels, orNetworkException } from './broker-channels.ts'

/** The timestamp that stands for the end of the partition. */
const latest = -1
const noReplica = -1

/** Asks the leaders of partitions where these end. Kafka: `NetworkPartitionMetadataClient`. */
export class LatestOffsets {
  private readonly options: {
    readonly brokerId: number
    readonly metadata: BrokerMetadata
    readonly partitions: Partitions
    readonly channels: BrokerChannels
    readonly timeoutMs: number
  }

  /** @param options `timeoutMs`: `request.timeout.ms` */
  constructor(options: LatestOffsets['options']) {
    this.options = options
  }

  /**
   * Returns the high watermark of a partition.
   *
   * @throws (rejects) ApiError of the partition's leader, or LEADER_NOT_AVAILABLE.
   */
  async of(topic: string, index: number): Promise<number> {
    const { brokerId, metadata, partitions } = this.options
    const leader = metadata.image.topics.get(topic)?.partitions[index]?.leader ?? -1
    if (leader !== brokerId) return this.elsewhere(leader, topic, index)
    const partition = partitions.need(topic, index, metadata.image)
    partition.checkLeader(-1)
    return partition.highWatermark
  }

  private async elsewhere(leader: number, topic: string, index: number): Promise<number> {
    const { channels, timeoutMs } = this.options
    const channel = leader < 0 ? null : channels.to(leader)
    if (channel === null) throw new ApiError('LEADER_NOT_AVAILABLE')
    const asked = { partitionIndex: index, currentLeaderEpoch: -1, timestamp: latest }
    const body = {
      replicaId: noReplica,
      isolationLevel: isolationLevels.readUncommitted,
      topics: [{ name: topic, partitions: [asked] }],
      timeoutMs,
    }
    const answer = await orNetworkException(
      channel.send(listOffsets, listOffsets.stableMax, body, { timeoutMs }),
    )
    const row = answer.topics[0]?.partitions[0]
    if (row === undefined) throw new ApiError('UNKNOWN_SERVER_ERROR')
    if (row.errorCode !== 0) throw new ApiError(errorName(row.errorCode))
    return row.offset ?? -1
  }
}

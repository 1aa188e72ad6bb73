import { ChannelFault } from '../channel/channel.ts'
import type { BrokerMetadata } from '../metadata/metadata.ts'
import { ApiError, errorName } from '../protocol/errors.ts'
import { listOffsets } from '../protocol/messages/02-list-offsets.ts'
import { isolationLevels } from '../replication/partition.ts'
import type { Partitions } from '../replication/partitions.ts'
import type { BrokerChannels } from './broker-channels.ts'

/** The timestamp that stands for the end of the partition. */
const latest = -1
const noReplica = -1

/** Asks the leaders of partitions where these end. Kafka: `NetworkPartitionMetadataClient`. */
export class LatestOffsets {
  private readonly channels: BrokerChannels
  private readonly timeoutMs: number

  /** @param timeoutMs `request.timeout.ms` */
  constructor(channels: BrokerChannels, timeoutMs: number) {
    this.channels = channels
    this.timeoutMs = timeoutMs
  }

  /**
   * Returns the high watermark of a partition.
   *
   * @throws (rejects) ApiError of the partition's leader, or LEADER_NOT_AVAILABLE.
   */
  async of(
    topic: string,
    index: number,
    {
      identity,
      metadata,
      partitions,
    }: {
      readonly identity: { readonly brokerId: number }
      readonly metadata: BrokerMetadata
      readonly partitions: Partitions
    },
  ): Promise<number> {
    const leader = metadata.image.topics.get(topic)?.partitions[index]?.leader ?? -1
    if (leader !== identity.brokerId) return this.elsewhere(leader, topic, index)
    const partition = partitions.need(topic, index, metadata.image)
    partition.checkLeader(-1)
    return partition.highWatermark
  }

  private async elsewhere(leader: number, topic: string, index: number): Promise<number> {
    const channel = leader < 0 ? null : this.channels.to(leader)
    if (channel === null) throw new ApiError('LEADER_NOT_AVAILABLE')
    const asked = { partitionIndex: index, currentLeaderEpoch: -1, timestamp: latest }
    const body = {
      replicaId: noReplica,
      isolationLevel: isolationLevels.readUncommitted,
      topics: [{ name: topic, partitions: [asked] }],
      timeoutMs: this.timeoutMs,
    }
    const { stableMax } = listOffsets
    const answer = await channel
      .send(listOffsets, stableMax, body, { timeoutMs: this.timeoutMs })
      .catch((error: unknown) => {
        throw error instanceof ChannelFault ? new ApiError('NETWORK_EXCEPTION') : error
      })
    const row = answer.topics[0]?.partitions[0]
    if (row === undefined) throw new ApiError('UNKNOWN_SERVER_ERROR')
    if (row.errorCode !== 0) throw new ApiError(errorName(row.errorCode))
    return row.offset ?? -1
  }
}

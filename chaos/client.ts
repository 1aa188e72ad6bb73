import type { Channel } from '../src/channel/channel.ts'
import { TcpCarrier } from '../src/channel/tcp-carrier.ts'
import { listOffsets } from '../src/protocol/messages/02-list-offsets.ts'
import { metadata } from '../src/protocol/messages/03-metadata.ts'
import { describeConfigs } from '../src/protocol/messages/32-describe-configs.ts'
import type { Api, Draft, Fields, Infer } from '../src/protocol/schema.ts'
import type { World } from './world.ts'

export const retention = 'retention.ms'
export const topicResource = 2

const latestOffset = -1
const timeoutMs = 2_000

/** A partition as a broker shows it to clients. */
export interface SeenPartition {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  readonly leader: number
  readonly epoch: number
}

export interface Seen {
  readonly brokers: readonly number[]
  readonly partitions: readonly SeenPartition[]
}

/** A client of the brokers, which nothing but their deaths cuts off. */
export class ChaosClient {
  private readonly carrier: TcpCarrier
  private readonly channels = new Map<number, Channel>()

  constructor(world: World) {
    const { clock, random } = world
    this.carrier = new TcpCarrier({
      ...{ clock, random, login: null },
      dialer: world.sockets.process(),
    })
  }

  send<Q extends Fields, R extends Fields>(
    broker: number,
    api: Api<Q, R>,
    version: number,
    body: Draft<Q>,
    forMs = timeoutMs,
  ): Promise<Infer<R>> {
    let channel = this.channels.get(broker)
    if (channel === undefined) {
      const address = { nodeId: broker, host: `broker${broker}`, port: 9092 }
      channel = this.carrier.open(address, { clientId: 'chaos', asksVersions: false })
      this.channels.set(broker, channel)
    }
    return channel.send(api, version, body, { timeoutMs: forMs })
  }

  /** Returns what a broker tells about the cluster; null if it does not answer. */
  async see(broker: number): Promise<Seen | null> {
    const answer = await this.send(broker, metadata, 12, { topics: null }).catch(() => null)
    if (answer === null) return null
    return {
      brokers: answer.brokers.map(({ nodeId }) => nodeId).sort(),
      partitions: answer.topics.flatMap(({ name, topicId, partitions }) =>
        partitions.map(({ partitionIndex, leaderId, leaderEpoch }) => ({
          ...{ topic: name ?? '', topicId, index: partitionIndex },
          ...{ leader: leaderId, epoch: leaderEpoch },
        })),
      ),
    }
  }

  /**
   * Returns the partitions that a broker serves as their leader; null if it does not answer.
   * @param epochOf the leader epoch that it must have for that; -1 for any.
   */
  async served(
    broker: number,
    asked: readonly SeenPartition[],
    epochOf: (partition: SeenPartition) => number = ({ epoch }) => epoch,
  ): Promise<SeenPartition[] | null> {
    const topics = asked.map((partition) => ({
      name: partition.topic,
      partitions: [
        {
          partitionIndex: partition.index,
          currentLeaderEpoch: epochOf(partition),
          timestamp: latestOffset,
        },
      ],
    }))
    const body = { replicaId: -1, isolationLevel: 0, topics }
    const answer = await this.send(broker, listOffsets, 7, body).catch(() => null)
    if (answer === null) return null
    const good = new Set(
      answer.topics.flatMap(({ name, partitions }) =>
        partitions
          .filter(({ errorCode }) => errorCode === 0)
          .map(({ partitionIndex }) => `${name}-${partitionIndex}`),
      ),
    )
    return asked.filter(({ topic, index }) => good.has(`${topic}-${index}`))
  }

  /** Returns the retention of topics as a broker shows it; null if it does not answer. */
  async retentions(
    broker: number,
    topics: readonly string[],
  ): Promise<ReadonlyMap<string, string | null> | null> {
    const resources = topics.map((resourceName) => ({
      ...{ resourceType: topicResource, resourceName, configurationKeys: [retention] },
    }))
    const answer = await this.send(broker, describeConfigs, 4, { resources }).catch(() => null)
    if (answer === null) return null
    return new Map(
      answer.results.map(({ resourceName, configs }) => [resourceName, configs[0]?.value ?? null]),
    )
  }
}

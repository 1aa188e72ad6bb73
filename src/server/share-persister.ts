import type { Clock } from '../base/clock.ts'
import { ChannelFault } from '../channel/channel.ts'
import type { ShareStateKeeper } from '../coordinator/group/share-state-keeper.ts'
import { keyPartition } from '../coordinator/key-partition.ts'
import type { ChangedState } from '../coordinator/share/commands.ts'
import type { ShareCoordinator } from '../coordinator/share/coordinator.ts'
import { coordinatorKey, type ShareKey } from '../coordinator/share/share-key.ts'
import type { BrokerMetadata } from '../metadata/metadata.ts'
import { ApiError, type ErrorName, errorName } from '../protocol/errors.ts'
import { initializeShareGroupState } from '../protocol/messages/83-initialize-share-group-state.ts'
import { deleteShareGroupState } from '../protocol/messages/86-delete-share-group-state.ts'
import type { AutoCreation } from './auto-creation.ts'
import type { BrokerChannels } from './broker-channels.ts'
import { shareStateTopic } from './internal-topics.ts'

/** Attempts before a request is given up, as in Kafka's `PersisterStateManager`. */
const attemptsMax = 5
const backoffMsMin = 1000
const backoffMsMax = 30_000

/** Errors of a coordinator that moves, or is about to be there. */
const retried: ReadonlySet<ErrorName> = new Set([
  'COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR',
  'NETWORK_EXCEPTION',
])

type Topics = Parameters<ShareStateKeeper['delete']>[1]

/** Asks the share coordinators, wherever they are. Kafka: `DefaultStatePersister`. */
export class SharePersister implements ShareStateKeeper {
  private readonly options: {
    readonly brokerId: number
    readonly clock: Clock
    readonly metadata: BrokerMetadata
    readonly shares: ShareCoordinator
    readonly channels: BrokerChannels
    readonly autoCreation: AutoCreation
    readonly timeoutMs: number
  }

  /** @param options `timeoutMs`: `request.timeout.ms` */
  constructor(options: SharePersister['options']) {
    this.options = options
  }

  async begin(
    groupId: string,
    stateEpoch: number,
    topics: Parameters<ShareStateKeeper['begin']>[2],
  ): Promise<void> {
    const { shares, timeoutMs } = this.options
    const startOffsets = new Map(topics.map(({ topicId, startOffset }) => [topicId, startOffset]))
    const stateOf = ({ topicId }: ShareKey) => ({
      stateEpoch,
      startOffset: startOffsets.get(topicId)!,
    })
    await this.askAll(groupId, topics, {
      here: (key) => shares.initialize(key, stateOf(key)),
      there: async (channel, key) => {
        const partitions = [{ partition: key.partition, ...stateOf(key) }]
        const body = { groupId, topics: [{ topicId: key.topicId, partitions }] }
        const { results } = await channel.send(initializeShareGroupState, 0, body, { timeoutMs })
        return results[0]?.partitions[0]
      },
    })
  }

  async delete(groupId: string, topics: Topics): Promise<void> {
    const { shares, timeoutMs } = this.options
    await this.askAll(groupId, topics, {
      here: (key) => shares.delete(key),
      there: async (channel, { topicId, partition }) => {
        const body = { groupId, topics: [{ topicId, partitions: [{ partition }] }] }
        const { results } = await channel.send(deleteShareGroupState, 0, body, { timeoutMs })
        return results[0]?.partitions[0]
      },
    })
  }

  private async askAll(groupId: string, topics: Topics, ask: Ask): Promise<void> {
    const keys = topics.flatMap(({ topicId, partitions }) =>
      partitions.map((partition) => ({ groupId, topicId, partition })),
    )
    await Promise.all(keys.map((key) => this.askPatiently(key, ask)))
  }

  /** @throws (rejects) ApiError of the share partition. */
  private async askPatiently(key: ShareKey, ask: Ask): Promise<void> {
    for (let attempt = 1, backoffMs = backoffMsMin; ; attempt++) {
      try {
        return await this.ask(key, ask)
      } catch (error) {
        if (!(error instanceof ApiError) || !retried.has(error.reason)) throw error
        if (attempt >= attemptsMax) throw error
      }
      await new Promise<void>((resolve) => this.options.clock.after(backoffMs, resolve))
      backoffMs = Math.min(backoffMs * 2, backoffMsMax)
    }
  }

  private async ask(key: ShareKey, { here, there }: Ask): Promise<void> {
    const { brokerId } = this.options
    const leader = await this.leaderOf(key)
    const row = leader === brokerId ? await here(key) : await this.elsewhere(leader, key, there)
    if (row === undefined) throw new ApiError('UNKNOWN_SERVER_ERROR')
    if (row.errorCode !== 0) throw new ApiError(errorName(row.errorCode), row.errorMessage ?? null)
  }

  private async elsewhere(leader: number, key: ShareKey, there: Ask['there']) {
    const channel = this.options.channels.to(leader)
    if (channel === null) throw new ApiError('COORDINATOR_NOT_AVAILABLE')
    return there(channel, key).catch((error: unknown) => {
      throw error instanceof ChannelFault ? new ApiError('NETWORK_EXCEPTION') : error
    })
  }

  /** @throws (rejects) ApiError COORDINATOR_NOT_AVAILABLE */
  private async leaderOf(key: ShareKey): Promise<number> {
    const { metadata, autoCreation } = this.options
    const find = () => metadata.image.topics.get(shareStateTopic)
    if (find() === undefined) await autoCreation.request([shareStateTopic], null)
    const partitions = find()?.partitions
    if (partitions === undefined) throw new ApiError('COORDINATOR_NOT_AVAILABLE')
    const { leader } = partitions[keyPartition(coordinatorKey(key), partitions.length)]!
    if (leader < 0) throw new ApiError('COORDINATOR_NOT_AVAILABLE')
    return leader
  }
}

interface Ask {
  here(key: ShareKey): Promise<ChangedState>
  there(
    channel: NonNullable<ReturnType<BrokerChannels['to']>>,
    key: ShareKey,
  ): Promise<ChangedState | undefined>
}

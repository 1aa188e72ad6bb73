import { type Clock, pause } from '../base/clock.ts'
import type { Channel } from '../channel/channel.ts'
import type { ShareStateKeeper, ShareStateResult } from '../coordinator/group/share-state-keeper.ts'
import { keyPartition } from '../coordinator/key-partition.ts'
import type { ShareCoordinator } from '../coordinator/share/coordinator.ts'
import { coordinatorKey, type ShareKey } from '../coordinator/share/share-key.ts'
import type { BrokerMetadata } from '../metadata/metadata.ts'
import { ApiError, type ErrorName, errorName } from '../protocol/errors.ts'
import { initializeShareGroupState } from '../protocol/messages/83-initialize-share-group-state.ts'
import { deleteShareGroupState } from '../protocol/messages/86-delete-share-group-state.ts'
import { readShareGroupStateSummary } from '../protocol/messages/87-read-share-group-state-summary.ts'
import type { AutoCreation } from './auto-creation.ts'
import { type BrokerChannels, orNetworkException } from './broker-channels.ts'
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
  // The coordinator may not know the topic yet.
  'UNKNOWN_TOPIC_OR_PARTITION',
])

/** The fields that all rows about a share partition have. */
interface Row {
  readonly errorCode: number
  readonly errorMessage?: string | null | undefined
}

/** How to ask about one share partition: a coordinator in this broker, or in another. */
interface Question<R extends Row> {
  here(): Promise<R>
  there(channel: Channel): Promise<R | undefined>
}

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

  async begin(...[groupId, stateEpoch, topics]: Parameters<ShareStateKeeper['begin']>) {
    const { shares, timeoutMs } = this.options
    const asked = topics.flatMap(({ topicId, partitions }) =>
      partitions.map(({ partition, startOffset }) => {
        const key = { groupId, topicId, partition }
        const state = { stateEpoch, startOffset }
        return this.ask(key, {
          here: () => shares.initialize(key, state),
          async there(channel) {
            const body = { groupId, topics: [{ topicId, partitions: [{ partition, ...state }] }] }
            const { results } = await channel.send(initializeShareGroupState, 0, body, {
              timeoutMs,
            })
            return results[0]?.partitions[0]
          },
        })
      }),
    )
    return (await Promise.all(asked)).map(withoutAnswer)
  }

  async delete(...[groupId, topics]: Parameters<ShareStateKeeper['delete']>) {
    const { shares, timeoutMs } = this.options
    const asked = keysOf(groupId, topics).map((key) =>
      this.ask(key, {
        here: () => shares.delete(key),
        async there(channel) {
          const { results } = await channel.send(deleteShareGroupState, 0, only(key), { timeoutMs })
          return results[0]?.partitions[0]
        },
      }),
    )
    return (await Promise.all(asked)).map(withoutAnswer)
  }

  summarise(...[groupId, topics]: Parameters<ShareStateKeeper['summarise']>) {
    const { shares, timeoutMs } = this.options
    const asked = keysOf(groupId, topics).map((key) =>
      this.ask(key, {
        here: () => shares.readSummary(key),
        async there(channel) {
          const api = readShareGroupStateSummary
          const { results } = await channel.send(api, api.stableMax, only(key), { timeoutMs })
          return results[0]?.partitions[0]
        },
      }),
    )
    return Promise.all(asked)
  }

  /** Asks until there is an answer, or as often as is useful. */
  private async ask<R extends Row>(
    key: ShareKey,
    question: Question<R>,
  ): Promise<ShareStateResult<R>> {
    const { topicId, partition } = key
    for (let attempt = 1, backoffMs = backoffMsMin; ; attempt++) {
      const answer = await this.askOnce(key, question).catch((error: unknown) => {
        if (error instanceof ApiError) return error
        throw error
      })
      const isLast = attempt >= attemptsMax
      if (isLast || !(answer instanceof ApiError) || !retried.has(answer.reason)) {
        return { topicId, partition, answer }
      }
      await pause(this.options.clock, backoffMs)
      backoffMs = Math.min(backoffMs * 2, backoffMsMax)
    }
  }

  /** @throws (rejects) ApiError of the share partition. */
  private async askOnce<R extends Row>(key: ShareKey, { here, there }: Question<R>): Promise<R> {
    const leader = await this.leaderOf(key)
    const row =
      leader === this.options.brokerId ? await here() : await this.elsewhere(leader, there)
    if (row === undefined) throw new ApiError('UNKNOWN_SERVER_ERROR')
    if (row.errorCode === 0) return row
    throw new ApiError(errorName(row.errorCode), row.errorMessage ?? null)
  }

  private elsewhere<R extends Row>(leader: number, there: Question<R>['there']) {
    const channel = this.options.channels.to(leader)
    if (channel === null) throw new ApiError('COORDINATOR_NOT_AVAILABLE')
    return orNetworkException(there(channel))
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

function keysOf(groupId: string, topics: Parameters<ShareStateKeeper['delete']>[1]): ShareKey[] {
  return topics.flatMap(({ topicId, partitions }) =>
    partitions.map((partition) => ({ groupId, topicId, partition })),
  )
}

/** Returns the body of a request about one share partition; some requests lack the epoch. */
function only({ groupId, topicId, partition }: ShareKey) {
  return { groupId, topics: [{ topicId, partitions: [{ partition, leaderEpoch: 0 }] }] }
}

function withoutAnswer({ answer, ...of }: ShareStateResult<Row>): ShareStateResult {
  return { ...of, answer: answer instanceof ApiError ? answer : null }
}

import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/error-text.ts'
import { type Expressions, isQuick } from '../../base/expressions.ts'
import type { Logger } from '../../base/logger.ts'
import type { Random } from '../../base/random.ts'
import { ApiError, errorCode } from '../../protocol/errors.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/messages/11-join-group.ts'
import type { HeartbeatRequest } from '../../protocol/messages/12-heartbeat.ts'
import type { LeaveGroupResponse } from '../../protocol/messages/13-leave-group.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/messages/14-sync-group.ts'
import type {
  OffsetDeleteRequest,
  OffsetDeleteResponse,
} from '../../protocol/messages/47-offset-delete.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../protocol/messages/68-consumer-group-heartbeat.ts'
import type { CoordinatorLog, Marker, TransactionalProducer } from '../coordinator-log.ts'
import type { HostedShard } from '../hosted-shard.ts'
import { HostedShards } from '../hosted-shards.ts'
import type { TopicView } from '../topic-view.ts'
import type {
  Client,
  ClientCommand,
  CommitRequest,
  CommitResult,
  DeletedGroup,
  DescribedConsumerGroup,
  DescribedGroup,
  FetchedTopic,
  FetchRequest,
  GroupCommand,
  GroupEffect,
  HeartbeatAnswer,
  LeaveRequest,
  ListedGroup,
  MatchElsewhere,
  To,
} from './commands.ts'
import type { GroupConfig } from './config.ts'
import { checkHeartbeat } from './consumer/check-heartbeat.ts'
import type { GroupRecord } from './records.ts'
import type { GroupShard } from './shard.ts'
import { groupShards } from './shard-kind.ts'
import { performShareEffect } from './share/share-effects.ts'
import { ShareRequests } from './share/share-requests.ts'
import type { ShareStateKeeper } from './share-state-keeper.ts'

export interface GroupCoordinatorOptions {
  /** The number of partitions that `__consumer_offsets` has, or will have once it is created. */
  readonly partitionCount: () => number
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly topics: TopicView
  readonly config: GroupConfig
  readonly expressions: Expressions
  readonly shareState: ShareStateKeeper
}

type Shard = HostedShard<GroupCommand, GroupRecord, GroupEffect, GroupShard>

/**
 * Coordinates the groups of this broker. A request fails with NOT_COORDINATOR if another broker
 * leads the group's partition, with COORDINATOR_LOAD_IN_PROGRESS while its log is read. A parked
 * request gets NOT_COORDINATOR when leadership is lost or an append fails.
 */
export class GroupCoordinator {
  readonly topics: TopicView
  readonly config: GroupConfig
  /** The requests of share groups. */
  readonly share: ShareRequests
  private readonly options: GroupCoordinatorOptions
  private readonly shards: HostedShards<GroupCommand, GroupRecord, GroupEffect, GroupShard>

  constructor(options: GroupCoordinatorOptions) {
    this.options = options
    this.topics = options.topics
    this.config = options.config
    const { partitionCount, clock, logger } = options
    const kind = groupShards(options, (effect, shard) => void this.perform(effect, shard))
    this.shards = new HostedShards({ partitionCount, kind, clock, logger })
    this.share = new ShareRequests((groupId, command) => this.shards.call(groupId, command))
  }

  /** Returns the partition of `__consumer_offsets` for the group. */
  partitionFor(groupId: string): number {
    return this.shards.partitionFor(groupId)
  }

  /**
   * Makes this broker the leader of the partition and loads its groups from `log`. Ignores an older
   * leader epoch.
   */
  elected(partition: number, leaderEpoch: number, log: CoordinatorLog): void {
    this.shards.elected(partition, leaderEpoch, log)
  }

  /** Closes the shard of a partition that another broker leads. */
  resigned(partition: number): void {
    this.shards.resigned(partition)
  }

  /** Removes the committed offsets of these topics. */
  topicsDeleted(topics: readonly { readonly id: string; readonly name: string }[]): void {
    this.shards.tellAll({ kind: 'topicsDeleted', topics })
  }

  /**
   * Reports changed topics; consumer groups compute their hash again at the next heartbeat.
   *
   * @param hasNew true if some topics are new, so that regular expressions may match more.
   */
  topicsChanged(names: ReadonlySet<string>, hasNew: boolean): void {
    this.shards.tellAll({ kind: 'topicsChanged', names, hasNew })
  }

  /** Closes all shards; parked requests get NOT_COORDINATOR. */
  close(): void {
    this.shards.close()
  }

  /**
   * @throws (rejects) ApiError INVALID_GROUP_ID | INVALID_SESSION_TIMEOUT | the errors of the
   *   group
   */
  join(
    client: Client,
    options: { readonly demandsMemberId: boolean; readonly maySkipAssignment: boolean },
    request: JoinGroupRequest,
  ): Promise<JoinGroupResponse> {
    const { groupMinSessionTimeoutMs: min, groupMaxSessionTimeoutMs: max } = this.config
    if (request.groupId === '') return refused('INVALID_GROUP_ID')
    if (request.sessionTimeoutMs < min || request.sessionTimeoutMs > max) {
      return refused('INVALID_SESSION_TIMEOUT')
    }
    // Copies the metadata: the request's buffer belongs to its frame, but the group keeps the
    // bytes.
    const protocols = request.protocols.map(({ name, metadata }) => ({
      name,
      metadata: Buffer.from(metadata),
    }))
    return this.call(request.groupId, (to) => ({
      kind: 'join',
      to,
      client,
      request: { ...request, protocols },
      uuid: this.uuid(),
      newMemberId: this.kafkaUuid(),
      ...options,
    }))
  }

  sync(request: SyncGroupRequest): Promise<SyncGroupResponse> {
    if (request.groupId === '') return refused('INVALID_GROUP_ID')
    const assignments = request.assignments.map(({ memberId, assignment }) => ({
      memberId,
      assignment: Buffer.from(assignment),
    }))
    return this.call(request.groupId, (to) => ({
      kind: 'sync',
      to,
      request: { ...request, assignments },
    }))
  }

  heartbeat(request: HeartbeatRequest): Promise<HeartbeatAnswer> {
    if (request.groupId === '') return refused('INVALID_GROUP_ID')
    // A heartbeat succeeds while the group is loaded, so that the member does not rejoin.
    if (this.shards.of(request.groupId)?.isLoading) return Promise.resolve({ errorCode: 0 })
    return this.call(request.groupId, (to) => ({ kind: 'heartbeat', to, request }))
  }

  async leave(request: LeaveRequest): Promise<LeaveGroupResponse> {
    if (request.groupId === '') return refused('INVALID_GROUP_ID')
    try {
      return await this.call(request.groupId, (to) => ({ kind: 'leave', to, request }))
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== 'UNKNOWN_MEMBER_ID') throw error
      // If the group does not exist, each member gets the error of an unknown member.
      const members = request.members.map(({ memberId, groupInstanceId }) => ({
        memberId,
        groupInstanceId,
        errorCode: error.code,
      }))
      return { errorCode: 0, members }
    }
  }

  /** @throws (rejects) ApiError with the message for the response. */
  async consumerHeartbeat(
    client: Client,
    demandsMemberId: boolean,
    request: ConsumerGroupHeartbeatRequest,
  ): Promise<ConsumerGroupHeartbeatResponse> {
    checkHeartbeat(request, demandsMemberId, this.config.groupConsumerAssignors)
    const newMemberId = this.kafkaUuid()
    const regex = request.subscribedTopicRegex
    const isSlow = regex !== null && !isQuick(regex, 0)
    const asked = isSlow ? { regexFault: await this.options.expressions.faultOf(regex) } : {}
    return this.call(request.groupId, (to) => ({
      kind: 'consumerHeartbeat',
      to,
      client,
      request,
      newMemberId,
      ...asked,
    }))
  }

  private async perform(effect: GroupEffect, shard: Shard): Promise<void> {
    if (effect.kind === 'matchElsewhere') await this.match(effect, shard)
    else await performShareEffect(effect, shard, this.options)
  }

  /** Matches expressions against topic names on another thread, then submits the result. */
  private async match(
    { command, names: all, version }: MatchElsewhere,
    shard: Shard,
  ): Promise<void> {
    const names = new Map<string, readonly string[]>()
    for (const regex of command.regexes) {
      try {
        names.set(regex, await this.options.expressions.fitting(regex, all))
      } catch (error) {
        const { groupId } = command
        const why = messageOf(error)
        this.options.logger.warn('an expression of a group stands for no topic', {
          groupId,
          regex,
          why,
        })
      }
    }
    shard.tell({ ...command, found: { names, version } })
  }

  /** @throws (rejects) ApiError GROUP_ID_NOT_FOUND */
  describeConsumer(groupId: string): Promise<DescribedConsumerGroup> {
    return this.call(groupId, (to) => ({ kind: 'describeConsumer', to, groupId }))
  }

  commitOffsets(knowsConsumerGroups: boolean, request: CommitRequest): Promise<CommitResult> {
    return this.call(request.groupId, (to) => ({
      kind: 'commitOffsets',
      to,
      knowsConsumerGroups,
      request,
    }))
  }

  /**
   * Commits offsets within a transaction; they become visible when the transaction is committed.
   */
  async commitTransactionalOffsets(
    knowsConsumerGroups: boolean,
    producer: TransactionalProducer,
    request: Omit<CommitRequest, 'retentionTimeMs'>,
  ): Promise<CommitResult> {
    if (request.groupId === '') return refused('INVALID_GROUP_ID')
    const shard = this.shards.of(request.groupId)
    if (shard?.isLoading === false) shard.log.checkProducer(producer)
    return this.call(request.groupId, (to) => ({
      kind: 'commitOffsets',
      to,
      knowsConsumerGroups,
      producer: { id: producer.producerId, epoch: producer.producerEpoch },
      request: { ...request, retentionTimeMs: -1 },
    }))
  }

  /** Writes a transaction marker to a partition of `__consumer_offsets` and applies it. */
  async endTransaction(partition: number, marker: Marker): Promise<void> {
    const shard = this.shards.at(partition)
    if (!shard.isLoading) shard.log.checkMarker(marker)
    await shard.call<true>((to) => ({ kind: 'endTransaction', to, marker }))
  }

  fetchOffsets(request: FetchRequest): Promise<FetchedTopic[]> {
    return this.call(request.groupId, (to) => ({ kind: 'fetchOffsets', to, request }))
  }

  deleteOffsets(request: OffsetDeleteRequest): Promise<OffsetDeleteResponse> {
    if (request.groupId === '') return refused('INVALID_GROUP_ID')
    return this.call(request.groupId, (to) => ({ kind: 'deleteOffsets', to, request }))
  }

  /** @param mayFail whether a missing group is an error; otherwise it is described as dead. */
  describe(groupId: string, mayFail: boolean): Promise<DescribedGroup> {
    return this.call(groupId, (to) => ({ kind: 'describe', to, groupId, mayFail }))
  }

  delete(groupId: string): Promise<DeletedGroup> {
    return this.call(groupId, (to) => ({ kind: 'delete', to, groupId }))
  }

  /** @param types `classic`, `consumer`; empty lists select all. Both ignore case. */
  async list(states: readonly string[], types: readonly string[]): Promise<ListedGroup[]> {
    const filter = {
      states: states.map((state) => state.trim().toLowerCase()),
      types: types.map((type) => type.trim().toLowerCase()),
    }
    return this.shards.gather<ListedGroup>((to) => ({ kind: 'list', to, ...filter }))
  }

  private call<T>(groupId: string, command: (to: To<T>) => ClientCommand): Promise<T> {
    return this.shards.call(groupId, command)
  }

  /**
   * Returns a random id in Kafka's text form, without a leading dash, which shells take for an
   * option.
   */
  private kafkaUuid(): string {
    for (;;) {
      const id = this.options.random.bytes(16).toString('base64url')
      if (!id.startsWith('-')) return id
    }
  }

  /** Returns a random UUID (version 4) as Java prints it. */
  private uuid(): string {
    const bytes = this.options.random.bytes(16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    const hex = bytes.toString('hex')
    return [8, 12, 16, 20, 32].map((end, i, all) => hex.slice(all[i - 1] ?? 0, end)).join('-')
  }
}

function refused(reason: ApiError['reason']): Promise<never> {
  return Promise.reject(new ApiError(reason))
}

/** Returns the error code of an ApiError; throws any other error again. */
export function refusalCode(error: unknown): number {
  if (error instanceof ApiError) return errorCode(error.reason)
  throw error
}

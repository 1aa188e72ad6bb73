import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Random } from '../../base/random.ts'
import { errorCode, Refusal } from '../../protocol/errors.ts'
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
import type {
  CoordinatorLog,
  Marker,
  TopicView,
  TransactionalProducer,
} from '../coordinator-log.ts'
import { HostedShards } from '../hosted-shards.ts'
import { checkHeartbeat } from './check-heartbeat.ts'
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
  HeartbeatAnswer,
  LeaveRequest,
  To,
} from './commands.ts'
import type { GroupConfig } from './config.ts'
import type { ListedGroup } from './group.ts'
import type { GroupRecord } from './records.ts'
import type { GroupShard } from './shard.ts'
import { groupShards } from './shard-kind.ts'

export interface GroupCoordinatorOptions {
  /** Partitions of `__consumer_offsets`, as it is or as it will be created. */
  readonly partitionCount: () => number
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly topics: TopicView
  readonly config: GroupConfig
}

/**
 * All groups that this broker coordinates. A request fails with NOT_COORDINATOR where another broker
 * leads the group's partition, with COORDINATOR_LOAD_IN_PROGRESS while its log is being read; a
 * parked request is answered NOT_COORDINATOR when leadership goes or an append fails.
 */
export class GroupCoordinator {
  readonly topics: TopicView
  readonly config: GroupConfig
  private readonly o: GroupCoordinatorOptions
  private readonly shards: HostedShards<GroupCommand, GroupRecord, GroupShard>

  constructor(o: GroupCoordinatorOptions) {
    this.o = o
    this.topics = o.topics
    this.config = o.config
    const { partitionCount, clock, logger } = o
    const kind = groupShards(o)
    this.shards = new HostedShards({ partitionCount, kind: () => kind, clock, logger })
  }

  /** The partition of `__consumer_offsets` that keeps the group. */
  partitionFor(groupId: string): number {
    return this.shards.partitionFor(groupId)
  }

  /** This broker leads the partition now; its groups are read from `log`. An older epoch is ignored. */
  elected(partition: number, leaderEpoch: number, log: CoordinatorLog): void {
    this.shards.elected(partition, leaderEpoch, log)
  }

  /** Another broker leads the partition now. */
  resigned(partition: number): void {
    this.shards.resigned(partition)
  }

  /** What was committed of these topics is removed. */
  topicsDeleted(topics: readonly { readonly id: string; readonly name: string }[]): void {
    this.shards.tellAll({ kind: 'topicsDeleted', topics })
  }

  /**
   * Topics or their partitions came or went; consumer groups look at them with the next heartbeat.
   *
   * @param hasNew some of them are new, so that a regular expression may stand for more.
   */
  topicsChanged(names: ReadonlySet<string>, hasNew: boolean): void {
    this.shards.tellAll({ kind: 'topicsChanged', names, hasNew })
  }

  /** Parked requests are answered NOT_COORDINATOR. */
  close(): void {
    this.shards.close()
  }

  /** @throws (rejects) Refusal INVALID_GROUP_ID | INVALID_SESSION_TIMEOUT and what the group says. */
  join(client: Client, apiVersion: number, request: JoinGroupRequest): Promise<JoinGroupResponse> {
    const { groupMinSessionTimeoutMs: min, groupMaxSessionTimeoutMs: max } = this.config
    if (request.groupId === '') return refused('INVALID_GROUP_ID')
    if (request.sessionTimeoutMs < min || request.sessionTimeoutMs > max) {
      return refused('INVALID_SESSION_TIMEOUT')
    }
    // The request's bytes belong to its frame; what a member says is kept.
    const protocols = request.protocols.map(({ name, metadata }) => ({
      name,
      metadata: Buffer.from(metadata),
    }))
    return this.call(request.groupId, (to) => ({
      kind: 'join',
      to,
      client,
      request: {
        ...request,
        protocols,
        // v0 knows only one timeout.
        rebalanceTimeoutMs:
          apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
      },
      uuid: this.uuid(),
      newMemberId: this.kafkaUuid(),
      demandsMemberId: apiVersion >= 4,
      maySkipAssignment: apiVersion >= 9,
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
    // A member need not be frightened while its group is being read.
    if (this.shards.of(request.groupId)?.isLoading) return Promise.resolve({ errorCode: 0 })
    return this.call(request.groupId, (to) => ({ kind: 'heartbeat', to, request }))
  }

  async leave(request: LeaveRequest): Promise<LeaveGroupResponse> {
    if (request.groupId === '') return refused('INVALID_GROUP_ID')
    try {
      return await this.call(request.groupId, (to) => ({ kind: 'leave', to, request }))
    } catch (error) {
      if (!(error instanceof Refusal) || error.reason !== 'UNKNOWN_MEMBER_ID') throw error
      // Without a group every member is unknown, one by one.
      const members = request.members.map(({ memberId, groupInstanceId }) => ({
        memberId,
        groupInstanceId,
        errorCode: error.code,
      }))
      return { errorCode: 0, members }
    }
  }

  /** @throws (rejects) Refusal whose detail the response carries. */
  async consumerHeartbeat(
    client: Client,
    apiVersion: number,
    request: ConsumerGroupHeartbeatRequest,
  ): Promise<ConsumerGroupHeartbeatResponse> {
    checkHeartbeat(request, apiVersion, this.config.groupConsumerAssignors)
    const newMemberId = this.kafkaUuid()
    return this.call(request.groupId, (to) => ({
      kind: 'consumerHeartbeat',
      to,
      client,
      request,
      newMemberId,
    }))
  }

  /** @throws (rejects) Refusal GROUP_ID_NOT_FOUND */
  describeConsumer(groupId: string): Promise<DescribedConsumerGroup> {
    return this.call(groupId, (to) => ({ kind: 'describeConsumer', to, groupId }))
  }

  commitOffsets(apiVersion: number, request: CommitRequest): Promise<CommitResult> {
    return this.call(request.groupId, (to) => ({ kind: 'commitOffsets', to, apiVersion, request }))
  }

  /** A commit within a transaction: it counts once the transaction is committed. */
  async commitTransactionalOffsets(
    apiVersion: number,
    producer: TransactionalProducer,
    request: Omit<CommitRequest, 'retentionTimeMs'>,
  ): Promise<CommitResult> {
    if (request.groupId === '') return refused('INVALID_GROUP_ID')
    const shard = this.shards.of(request.groupId)
    if (shard?.isLoading === false) shard.log.checkProducer(producer)
    return this.call(request.groupId, (to) => ({
      kind: 'commitOffsets',
      to,
      apiVersion,
      producer: { id: producer.producerId, epoch: producer.producerEpoch },
      request: { ...request, retentionTimeMs: -1 },
    }))
  }

  /** Writes a transaction's end into a partition of `__consumer_offsets`, and takes note of it. */
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

  describe(apiVersion: number, groupId: string): Promise<DescribedGroup> {
    return this.call(groupId, (to) => ({ kind: 'describe', to, groupId, apiVersion }))
  }

  delete(groupId: string): Promise<DeletedGroup> {
    return this.call(groupId, (to) => ({ kind: 'delete', to, groupId }))
  }

  /** @param types `classic`, `consumer`; empty lists ask for all. Neither cares for case. */
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

  /** A random id in Kafka's text form; none of these begins with a dash, for the sake of shells. */
  private kafkaUuid(): string {
    for (;;) {
      const id = this.o.random.bytes(16).toString('base64url')
      if (!id.startsWith('-')) return id
    }
  }

  /** A random UUID (version 4) as Java prints it. */
  private uuid(): string {
    const bytes = this.o.random.bytes(16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    const hex = bytes.toString('hex')
    return [8, 12, 16, 20, 32].map((end, i, all) => hex.slice(all[i - 1] ?? 0, end)).join('-')
  }
}

function refused(reason: Refusal['reason']): Promise<never> {
  return Promise.reject(new Refusal(reason))
}

/** The error of a promise that failed with a Refusal; any other failure is passed on. */
export function refusalCode(error: unknown): number {
  if (error instanceof Refusal) return errorCode(error.reason)
  throw error
}

import { ApiError, errorCode } from '../../../protocol/errors.ts'
import { joinError } from '../classic/classic-member.ts'
import type { Client, Command } from '../commands.ts'
import type { Draft, ShardContext } from '../group.ts'
import type { ClassicRequests } from '../group-kind.ts'
import { memberJoinTimer, memberSyncTimer } from '../timer-keys.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, memberStates, sortedNames } from './consumer-member.ts'
import { type ConsumerMembership, checkStatic } from './consumer-membership.ts'
import { readSubscription } from './consumer-protocol.ts'
import type { Change, ConsumerReconcile } from './consumer-reconcile.ts'
import type { Owned } from './current-assignment.ts'
import type { Migration } from './migration.ts'
import type { Regexes } from './regexes.ts'

/**
 * Members that use the classic protocol in a consumer group (KIP-848): to them the broker is the
 * group leader, the member epoch is the generation, and each member rebalances on its own.
 */
export class ClassicInConsumer implements ClassicRequests<ConsumerGroup> {
  private readonly shard: ShardContext
  private readonly membership: ConsumerMembership
  private readonly reconcile: ConsumerReconcile
  private readonly regexes: Regexes
  private readonly migration: Migration

  constructor(
    shard: ShardContext,
    options: {
      readonly membership: ConsumerMembership
      readonly reconcile: ConsumerReconcile
      readonly regexes: Regexes
      readonly migration: Migration
    },
  ) {
    this.shard = shard
    this.membership = options.membership
    this.reconcile = options.reconcile
    this.regexes = options.regexes
    this.migration = options.migration
  }

  join(group: ConsumerGroup, command: Command<'join'>, out: Draft, nowMs: number): void {
    const { request, to } = command
    const { groupInstanceId: instanceId, protocols } = request
    if (this.shard.config.groupConsumerMigrationPolicy === 'disabled') {
      throw new ApiError('INCONSISTENT_GROUP_PROTOCOL')
    }
    const isUnknown = request.memberId === ''
    const memberId = isUnknown ? command.newMemberId : request.memberId
    this.membership.checkRoom(group, memberId, instanceId)
    const names = protocols.map(({ name }) => name)
    if (!group.subscriptions.supportsClassic(request.protocolType, names)) {
      throw new ApiError('INCONSISTENT_GROUP_PROTOCOL')
    }
    if (isUnknown && instanceId === null && command.demandsMemberId) {
      out.reply(to, joinError('MEMBER_ID_REQUIRED', memberId))
      return
    }
    const replaced = group.staticMember(instanceId)
    const { member, replacedId } =
      instanceId === null
        ? this.membership.dynamicMember(group, memberId, true)
        : this.membership.staticMember(
            group,
            memberId,
            instanceId,
            { isJoining: isUnknown, isClassic: true },
            out,
          )
    const subscription = subscriptionOf(protocols[0]!.metadata)
    const updated = updatedBy(member, command, subscription)
    const change = { group, before: member, after: updated, replacedId }
    const owned = this.ownedOf(subscription)
    const joined = this.admit(change, command.client, { replaced, owned }, out, nowMs)
    const { groupId } = group
    out.clearTimer(memberJoinTimer(groupId, memberId))
    if (joined.isDowngraded) out.clearTimer(memberSyncTimer(groupId, memberId))
    else {
      const { sessionTimeoutMs, rebalanceTimeoutMs } = request
      this.membership.restartSession(groupId, memberId, out, nowMs, sessionTimeoutMs)
      const expired = { kind: 'consumerSessionExpired', groupId, memberId } as const
      out.setTimer(memberSyncTimer(groupId, memberId), nowMs + rebalanceTimeoutMs, expired)
    }
    out.reply(to, {
      ...joinError('NONE', memberId),
      generationId: joined.member.memberEpoch,
      protocolType: 'consumer',
      protocolName: protocols[0]!.name,
    })
  }

  /** Adds the member and reconciles it towards its target; or downgrades the group for it. */
  private admit(
    change: Change,
    client: Client,
    options: { readonly replaced: ConsumerMember | null; readonly owned: Owned },
    out: Draft,
    nowMs: number,
  ): { readonly member: ConsumerMember; readonly isDowngraded: boolean } {
    const { group, before, after } = change
    const { groupId } = group
    const isDowngraded = this.migration.mayDowngradeFor(group, options.replaced)
    const hasNewTopics = this.membership.writeMember(groupId, before, after, out)
    const isChanged =
      this.regexes.update(change, client, out, nowMs) !== 'unchanged' || hasNewTopics
    const epoch =
      isChanged || group.needsRefresh(nowMs)
        ? this.reconcile.refreshEpoch(change, isChanged, out)
        : { groupEpoch: group.groupEpoch, isHomogeneous: group.subscriptions.isHomogeneous() }
    const step = { hasSubscriptionChanged: isChanged, owned: options.owned }
    if (!isDowngraded) {
      const target = this.reconcile.updateTarget(change, epoch, out, nowMs)
      const member = this.reconcile.reconcile(group, after, target, step, out, nowMs)
      return { member, isDowngraded }
    }
    const isStale = group.assignmentEpoch < epoch.groupEpoch
    let member = after
    if (!isStale) {
      const partitions = group.targetOf(after.memberId, after.instanceId)
      const target = { epoch: group.assignmentEpoch, partitions }
      member = this.reconcile.reconcile(group, after, target, step, out, nowMs)
    }
    const reason = isStale ? 'downgraded from consumer to classic with a stale assignment' : null
    this.migration.downgradeFor(
      group,
      { replaced: options.replaced!, joining: member, reason },
      out,
      nowMs,
    )
    return { member, isDowngraded }
  }

  sync(group: ConsumerGroup, { request, to }: Command<'sync'>, out: Draft, nowMs: number): void {
    const member = classicMember(group, request.memberId, request.groupInstanceId)
    const { groupId } = group
    const { memberId, classic } = member
    checkGeneration(member, request.generationId)
    const protocol = classic.supportedProtocols[0]!
    const { protocolType, protocolName } = request
    const isOther = protocolType !== null && protocolType !== 'consumer'
    if (isOther || (protocolName !== null && protocolName !== protocol.name)) {
      throw new ApiError('INCONSISTENT_GROUP_PROTOCOL')
    }
    const isBehind = group.assignmentEpoch > member.memberEpoch
    if (isBehind && member.state !== memberStates.unrevokedPartitions) {
      this.expectJoin(group, member, out, nowMs)
      // The error is replied, not thrown: a throw would discard the timer that was just set.
      out.reply(to, new ApiError('REBALANCE_IN_PROGRESS'))
      return
    }
    out.clearTimer(memberSyncTimer(groupId, memberId))
    this.membership.restartSession(groupId, memberId, out, nowMs, classic.sessionTimeoutMs)
    out.reply(to, {
      errorCode: 0,
      protocolType,
      protocolName,
      assignment: this.migration.embedded(member.assigned, protocol.metadata),
    })
  }

  heartbeat(
    group: ConsumerGroup,
    { request, to }: Command<'heartbeat'>,
    out: Draft,
    nowMs: number,
  ): void {
    const member = classicMember(group, request.memberId, request.groupInstanceId)
    checkGeneration(member, request.generationId)
    const { memberId, classic } = member
    this.membership.restartSession(group.groupId, memberId, out, nowMs, classic.sessionTimeoutMs)
    const mustRejoin =
      member.memberEpoch < group.assignmentEpoch ||
      member.state === memberStates.unrevokedPartitions ||
      (member.state === memberStates.unreleasedPartitions && !group.waitsForOthers(member))
    if (mustRejoin) this.expectJoin(group, member, out, nowMs)
    out.reply(to, { errorCode: errorCode(mustRejoin ? 'REBALANCE_IN_PROGRESS' : 'NONE') })
  }

  /** Sets the timer by which the member, told to rebalance, must rejoin (its rebalance timeout). */
  private expectJoin(group: ConsumerGroup, member: ConsumerMember, out: Draft, nowMs: number) {
    const { groupId } = group
    const { memberId, rebalanceTimeoutMs } = member
    const expired = { kind: 'consumerSessionExpired', groupId, memberId } as const
    out.setTimerIfAbsent(memberJoinTimer(groupId, memberId), nowMs + rebalanceTimeoutMs, expired)
  }

  leave(group: ConsumerGroup, { request, to }: Command<'leave'>, out: Draft, nowMs: number): void {
    const leaving = new Set<ConsumerMember>()
    const members = request.members.map(({ memberId, groupInstanceId }) => {
      const member = leavingMember(group, memberId, groupInstanceId)
      if (typeof member === 'string') {
        return { memberId, groupInstanceId, errorCode: errorCode(member) }
      }
      leaving.add(member)
      return { memberId, groupInstanceId, errorCode: 0 }
    })
    this.membership.fence(group, [...leaving], out, nowMs)
    out.reply(to, { errorCode: 0, members })
  }

  private ownedOf({ ownedPartitions }: ReturnType<typeof subscriptionOf>): Owned {
    const { topics } = this.shard
    return ownedPartitions.flatMap(({ topic, partitions }) => {
      const topicId = topics.byName(topic)?.id
      return topicId === undefined ? [] : [{ topicId, partitions }]
    })
  }
}

function subscriptionOf(metadata: Buffer) {
  try {
    return readSubscription(metadata)
  } catch {
    throw new ApiError('INCONSISTENT_GROUP_PROTOCOL')
  }
}

function updatedBy(
  member: ConsumerMember,
  { request, client }: Command<'join'>,
  { rackId, topics }: ReturnType<typeof subscriptionOf>,
): ConsumerMember {
  const { rebalanceTimeoutMs, sessionTimeoutMs, protocols } = request
  return {
    ...member,
    instanceId: request.groupInstanceId ?? member.instanceId,
    rackId: rackId ?? member.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    subscribedTopicNames: sortedNames(topics),
    subscribedTopicRegex: '',
    clientId: client.clientId,
    clientHost: client.clientHost,
    classic: { sessionTimeoutMs, supportedProtocols: protocols },
  }
}

type ClassicMember = ConsumerMember & { readonly classic: NonNullable<ConsumerMember['classic']> }

/** @throws ApiError UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID */
function classicMember(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
): ClassicMember {
  const member = instanceId === null ? group.member(memberId) : group.staticMember(instanceId)
  if (instanceId !== null) checkStatic(member, memberId, instanceId)
  if (member!.classic === null) throw new ApiError('UNKNOWN_MEMBER_ID')
  return member as ClassicMember
}

/**
 * Returns the member to remove, or why there is none. Does not throw: a request may name 100,000
 * members.
 */
function leavingMember(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
): ConsumerMember | 'UNKNOWN_MEMBER_ID' | 'FENCED_INSTANCE_ID' {
  if (instanceId === null) return group.members.get(memberId) ?? 'UNKNOWN_MEMBER_ID'
  const member = group.staticMember(instanceId)
  if (member === null) return 'UNKNOWN_MEMBER_ID'
  // An admin removes a static member by its instance id alone.
  return memberId === '' || memberId === member.memberId ? member : 'FENCED_INSTANCE_ID'
}

function checkGeneration({ memberEpoch }: ConsumerMember, generationId: number): void {
  if (memberEpoch !== generationId) throw new ApiError('ILLEGAL_GENERATION')
}

import { ApiError } from '../../../protocol/errors.ts'
import type { Command, ConsumerTimerCommand } from '../commands.ts'
import { consumerHeartbeatIntervalMs, consumerSessionTimeoutMs } from '../config.ts'
import { type Draft, groupNotFound, type ShardContext } from '../group.ts'
import { consumerTimers, sessionTimer } from '../timer-keys.ts'
import { ConsumerGroup } from './consumer-group.ts'
import {
  type Assigned,
  type ConsumerMember,
  currentRecord,
  leftForAWhile,
  memberRecord,
  memberStates,
  newMember,
  nothingAssigned,
  sameAssigned,
  sameMetadata,
  sameNames,
  sortedNames,
} from './consumer-member.ts'
import { type ConsumerReconcile, regexTombstone, targetRecord } from './consumer-reconcile.ts'
import type { Owned } from './current-assignment.ts'
import type { Migration } from './migration.ts'
import type { Regexes } from './regexes.ts'
import { Subscriptions } from './subscriptions.ts'

type Heartbeat = Command<'consumerHeartbeat'>

export interface Joined {
  readonly member: ConsumerMember
  /** The static member that this member replaces. */
  readonly replacedId: string | null
}

/** Membership of consumer groups, and the responses to their heartbeats (KIP-848). */
export class ConsumerMembership {
  private readonly shard: ShardContext
  private readonly reconcile: ConsumerReconcile
  private readonly regexes: Regexes
  private readonly migration: Migration

  constructor(
    shard: ShardContext,
    options: {
      readonly reconcile: ConsumerReconcile
      readonly regexes: Regexes
      readonly migration: Migration
    },
  ) {
    this.shard = shard
    this.reconcile = options.reconcile
    this.regexes = options.regexes
    this.migration = options.migration
  }

  /** @throws ApiError with the message for the response. */
  heartbeat(command: Heartbeat, out: Draft, nowMs: number): void {
    const { request, client, to } = command
    const { groupId, instanceId, memberEpoch, topicPartitions: owned } = request
    const isJoining = memberEpoch === 0
    const group = this.groupFor(groupId, isJoining, out, nowMs)
    this.checkRoom(group, request.memberId, instanceId)
    const memberId = request.memberId === '' ? command.newMemberId : request.memberId
    const { member, replacedId } =
      instanceId === null
        ? this.dynamicMember(group, memberId, isJoining)
        : this.staticMember(group, memberId, instanceId, { isJoining, isClassic: false }, out)
    checkEpoch(member, memberEpoch, owned)
    const updated = updatedBy(member, command)
    const change = { group, before: member, after: updated, replacedId }
    const hasNewTopics = this.writeMember(groupId, member, updated, out)
    const regex = this.regexes.update(change, client, out, nowMs, command.regexFault)
    const isChanged = hasNewTopics || regex === 'resolved' || this.hasOtherAssignor(change)
    const epoch =
      isChanged || group.needsRefresh(nowMs)
        ? this.reconcile.refreshEpoch(change, isChanged, out)
        : { groupEpoch: group.groupEpoch, isHomogeneous: group.subscriptions.isHomogeneous() }
    const target = this.reconcile.updateTarget(change, epoch, out, nowMs)
    const hasSubscriptionChanged = hasNewTopics || regex !== 'unchanged'
    const options = { hasSubscriptionChanged, owned }
    const current = this.reconcile.reconcile(group, updated, target, options, out, nowMs)
    this.restartSession(groupId, memberId, out, nowMs)
    this.migration.release(this.shard.groups.get(groupId), out)
    const isFull =
      request.rebalanceTimeoutMs !== -1 &&
      (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) &&
      owned !== null
    const isTold = isJoining || isFull || !sameAssigned(member.assigned, current.assigned)
    out.reply(to, {
      errorCode: 0,
      memberId,
      memberEpoch: current.memberEpoch,
      heartbeatIntervalMs: consumerHeartbeatIntervalMs(this.shard.config, groupId),
      assignment: isTold ? assignmentOf(current.assigned) : null,
    })
  }

  private groupFor(groupId: string, mayMake: boolean, out: Draft, nowMs: number): ConsumerGroup {
    const group = this.shard.groups.get(groupId)
    if (group instanceof ConsumerGroup) return group
    if (!mayMake) {
      throw group === undefined
        ? new ApiError('GROUP_ID_NOT_FOUND', `Consumer group ${groupId} not found.`)
        : groupNotFound(groupId, group, 'consumer')
    }
    if (group === undefined) return new ConsumerGroup(groupId)
    return this.migration.upgrade(group, out, nowMs)
  }

  checkRoom(group: ConsumerGroup, memberId: string, instanceId: string | null): void {
    if (instanceId !== null && group.staticMembers.has(instanceId)) return
    const max = this.shard.config.groupConsumerMaxSize
    if (group.members.size < max || (memberId !== '' && group.members.has(memberId))) return
    const detail = `The consumer group has reached its maximum capacity of ${max} members.`
    throw new ApiError('GROUP_MAX_SIZE_REACHED', detail)
  }

  dynamicMember(group: ConsumerGroup, memberId: string, isJoining: boolean): Joined {
    const known = group.members.get(memberId)
    if (known === undefined && !isJoining) group.member(memberId)
    return { member: known ?? newMember(memberId), replacedId: null }
  }

  /** Returns the static member; one that joins inherits the target of the member that left. */
  staticMember(
    group: ConsumerGroup,
    memberId: string,
    instanceId: string,
    options: { readonly isJoining: boolean; readonly isClassic: boolean },
    out: Draft,
  ): Joined {
    const old = group.staticMember(instanceId)
    if (!options.isJoining) {
      checkStatic(old, memberId, instanceId)
      return { member: old, replacedId: null }
    }
    if (old === null) {
      return { member: group.members.get(memberId) ?? newMember(memberId), replacedId: null }
    }
    if (!options.isClassic && old.classic === null && old.memberEpoch !== leftForAWhile) {
      throw new ApiError(
        'UNRELEASED_INSTANCE_ID',
        `Static member ${memberId} with instance id ${instanceId} cannot join the group because ` +
          `the instance id is owned by ${old.memberId} member.`,
      )
    }
    const member = { ...old, memberId, memberEpoch: 0, previousMemberEpoch: 0 }
    const { groupId } = group
    removeMember(groupId, old.memberId, out)
    for (const timer of consumerTimers(groupId, old.memberId)) out.clearTimer(timer)
    const target = group.targetOf(old.memberId, instanceId)
    out.records.push(memberRecord(groupId, member), targetRecord(groupId, memberId, target))
    out.records.push(currentRecord(groupId, member))
    return { member, replacedId: old.memberId === memberId ? null : old.memberId }
  }

  /** @returns whether the subscribed topic names changed. */
  writeMember(groupId: string, before: ConsumerMember, after: ConsumerMember, out: Draft): boolean {
    if (sameMetadata(before, after)) return false
    out.records.push(memberRecord(groupId, after))
    return !sameNames(before.subscribedTopicNames, after.subscribedTopicNames)
  }

  private hasOtherAssignor(change: Parameters<ConsumerReconcile['refreshEpoch']>[0]): boolean {
    if (change.before.serverAssignor === change.after.serverAssignor) return false
    const usual = this.shard.config.groupConsumerAssignors[0]!
    const before = change.group.subscriptions.preferredAssignor() ?? usual
    return before !== (this.reconcile.subscriptionsAfter(change).preferredAssignor() ?? usual)
  }

  restartSession(
    groupId: string,
    memberId: string,
    out: Draft,
    nowMs: number,
    timeoutMs = consumerSessionTimeoutMs(this.shard.config, groupId),
  ): void {
    const command = { kind: 'consumerSessionExpired', groupId, memberId } as const
    out.setTimer(sessionTimer(groupId, memberId), nowMs + timeoutMs, command)
  }

  /** Handles a leave: epoch -1 removes the member, -2 keeps a static member's assignment. */
  leave({ request, to }: Heartbeat, out: Draft, nowMs: number): void {
    const { groupId, memberId, instanceId, memberEpoch } = request
    const group = this.existing(groupId)
    const answer = {
      errorCode: 0,
      memberId,
      memberEpoch,
      heartbeatIntervalMs: 0,
    }
    const member = instanceId === null ? group.member(memberId) : group.staticMember(instanceId)
    if (instanceId !== null) checkStatic(member, memberId, instanceId)
    if (instanceId !== null && memberEpoch === leftForAWhile) {
      const away = {
        ...member!,
        memberEpoch: leftForAWhile,
        pendingRevocation: nothingAssigned,
        assigned: withEpochsZero(member!.assigned),
      }
      out.records.push(currentRecord(groupId, away))
    } else this.fence(group, [member!], out, nowMs)
    out.reply(to, answer)
  }

  /** @throws ApiError GROUP_ID_NOT_FOUND */
  private existing(groupId: string): ConsumerGroup {
    const group = this.shard.groups.get(groupId)
    if (group instanceof ConsumerGroup) return group
    throw groupNotFound(groupId, group, 'consumer')
  }

  /**
   * Removes members; the rest gets a new group epoch, or the group downgrades to the classic
   * protocol.
   */
  fence(group: ConsumerGroup, members: readonly ConsumerMember[], out: Draft, nowMs: number): void {
    if (members.length === 0) return
    if (this.migration.downgradeWithout(group, members, out, nowMs)) return
    const { groupId } = group
    const left = new Map(group.members)
    for (const { memberId } of members) {
      removeMember(groupId, memberId, out)
      for (const timer of consumerTimers(groupId, memberId)) out.clearTimer(timer)
      left.delete(memberId)
    }
    const resolved = new Map(group.regexes)
    const used = Subscriptions.of(left.values(), resolved).regexes
    for (const { subscribedTopicRegex: regex } of members) {
      if (!regex || used.has(regex) || !resolved.delete(regex)) continue
      out.records.push(regexTombstone(groupId, regex))
    }
    const { topics } = Subscriptions.of(left.values(), resolved)
    const groupEpoch = group.groupEpoch + 1
    this.reconcile.bumpEpoch(group, groupEpoch, this.reconcile.hashes.ofGroup(topics.keys()), out)
    if (left.size > 0) return
    out.records.push({
      type: 'ConsumerGroupTargetAssignmentMetadata',
      key: { groupId },
      value: { assignmentEpoch: groupEpoch, assignmentTimestamp: 0 },
    })
  }

  timer(command: ConsumerTimerCommand, out: Draft, nowMs: number): void {
    const { groupId, memberId } = command
    const group = this.shard.groups.get(groupId)
    if (!(group instanceof ConsumerGroup)) return
    const member = group.members.get(memberId)
    if (member === undefined) return
    const isRebalance = command.kind === 'consumerRebalanceExpired'
    if (isRebalance && member.memberEpoch !== command.memberEpoch) return
    this.shard.logger.info('a member is put out of its consumer group', {
      group: groupId,
      member: memberId,
      reason: isRebalance ? 'it did not give up its partitions in time' : 'its session expired',
    })
    this.fence(group, [member], out, nowMs)
  }

  /** Restarts the session and rebalance timeouts of each member after a restart. */
  loaded(group: ConsumerGroup, out: Draft, nowMs: number): void {
    for (const member of group.members.values()) {
      this.restartSession(group.groupId, member.memberId, out, nowMs)
      if (member.state === memberStates.unrevokedPartitions) {
        this.reconcile.watchRevocation(group, member, out, nowMs)
      }
    }
  }
}

/** Returns the member with the request's fields; fields that the client omits are unchanged. */
function updatedBy(member: ConsumerMember, { request, client }: Heartbeat): ConsumerMember {
  const { rebalanceTimeoutMs, subscribedTopicNames: names } = request
  return {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    subscribedTopicNames: names === null ? member.subscribedTopicNames : sortedNames(names),
    subscribedTopicRegex: request.subscribedTopicRegex ?? member.subscribedTopicRegex,
    clientId: client.clientId,
    clientHost: client.clientHost,
    classic: null,
  }
}

/** @throws ApiError FENCED_MEMBER_EPOCH for an epoch that the member cannot have. */
function checkEpoch(member: ConsumerMember, epoch: number, owned: Owned): void {
  if (epoch === 0 || epoch === member.memberEpoch) return
  // The response with the newer epoch may have been lost.
  const isLate = epoch === member.previousMemberEpoch && isWithin(owned, member.assigned)
  if (epoch < member.memberEpoch && isLate) return
  const how = epoch > member.memberEpoch ? 'greater' : 'smaller'
  throw new ApiError(
    'FENCED_MEMBER_EPOCH',
    `The consumer group member has a ${how} member epoch (${epoch}) than the one known by the ` +
      `group coordinator (${member.memberEpoch}). The member must abandon all its partitions and rejoin.`,
  )
}

function isWithin(owned: Owned, assigned: Assigned): boolean {
  if (owned === null) return false
  return owned.every(({ topicId, partitions }) => {
    const ours = assigned.get(topicId)
    return ours !== undefined && partitions.every((partition) => ours.has(partition))
  })
}

/** @throws ApiError UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID */
export function checkStatic(
  member: ConsumerMember | null,
  memberId: string,
  instanceId: string,
): asserts member is ConsumerMember {
  if (member === null) {
    throw new ApiError('UNKNOWN_MEMBER_ID', `Instance id ${instanceId} is unknown.`)
  }
  if (member.memberId === memberId) return
  throw new ApiError(
    'FENCED_INSTANCE_ID',
    `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.memberId}.`,
  )
}

function removeMember(groupId: string, memberId: string, out: Draft): void {
  const key = { groupId, memberId }
  out.records.push(
    { type: 'ConsumerGroupCurrentMemberAssignment', key, value: null },
    { type: 'ConsumerGroupTargetAssignmentMember', key, value: null },
    { type: 'ConsumerGroupMemberMetadata', key, value: null },
  )
}

function withEpochsZero(assigned: Assigned): Assigned {
  return new Map(
    [...assigned].map(([topicId, partitions]) => [
      topicId,
      new Map([...partitions.keys()].map((partition) => [partition, 0])),
    ]),
  )
}

function assignmentOf(assigned: Assigned) {
  return {
    topicPartitions: [...assigned].map(([topicId, partitions]) => ({
      topicId,
      partitions: [...partitions.keys()].sort((a, b) => a - b),
    })),
  }
}

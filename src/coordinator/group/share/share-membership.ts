import { javaHashMapOrder } from '../../../base/java-hash.ts'
import { ApiError } from '../../../protocol/errors.ts'
import { assignSimple } from '../assign/simple.ts'
import type { Command } from '../commands.ts'
import {
  shareAssignmentIntervalMs,
  shareHeartbeatIntervalMs,
  shareSessionTimeoutMs,
} from '../config.ts'
import {
  noPartitions,
  type Partitions,
  sameNames,
  samePartitions,
  sortedNames,
} from '../consumer/consumer-member.ts'
import { TopicHashes } from '../consumer/topic-hash.ts'
import { type Draft, groupNotFound, type ShardContext } from '../group.ts'
import { sessionTimer } from '../timer-keys.ts'
import { ShareGroup } from './share-group.ts'
import {
  newShareMember,
  type ShareMember,
  sameShareMetadata,
  shareCurrentRecord,
  shareMemberRecord,
  stable,
  topicPartitionsOf,
} from './share-member.ts'
import type { ShareStates } from './share-states.ts'

type Heartbeat = Command<'shareHeartbeat'>

/** The members of a group after a request, and the group's new epoch. */
interface Epoch {
  readonly groupEpoch: number
  readonly isBumped: boolean
  readonly members: ReadonlyMap<string, ShareMember>
}

interface Target {
  readonly epoch: number
  readonly partitions: Partitions
}

/** Membership of share groups, and the answers to their heartbeats (KIP-932). */
export class ShareMembership {
  private readonly shard: ShardContext
  private readonly states: ShareStates
  private readonly hashes: TopicHashes

  constructor(shard: ShardContext, states: ShareStates) {
    this.shard = shard
    this.states = states
    this.hashes = new TopicHashes(shard.topics)
  }

  /** @throws ApiError with the message for the response. */
  heartbeat(command: Heartbeat, out: Draft, nowMs: number): void {
    const { request, to } = command
    const { groupId, memberId, memberEpoch } = request
    const group = this.groupFor(groupId, memberEpoch === 0)
    this.checkRoom(group, memberId)
    const before = memberEpoch === 0 ? joining(group, memberId) : group.member(memberId)
    checkEpoch(before, memberEpoch)
    const member = updatedBy(before, command)
    const epoch = this.nextEpoch(group, before, member, out)
    const target = this.nextTarget(group, member, epoch, out, nowMs)
    const after = this.reconciled(member, target, epoch.isBumped)
    if (after !== member) out.records.push(shareCurrentRecord(groupId, after))
    this.restartSession(groupId, memberId, out, nowMs)
    const isTold =
      memberEpoch === 0 ||
      request.subscribedTopicNames !== null ||
      !samePartitions(before.assigned, after.assigned)
    this.states.begin(group, namesOf(epoch.members.values()), epoch.groupEpoch, out, nowMs)
    out.reply(to, {
      ...{ throttleTimeMs: 0, errorCode: 0, errorMessage: null, memberId },
      memberEpoch: after.memberEpoch,
      heartbeatIntervalMs: shareHeartbeatIntervalMs(this.shard.config, groupId),
      assignment: isTold ? { topicPartitions: topicPartitionsOf(after.assigned) } : null,
    })
  }

  /** @throws ApiError GROUP_ID_NOT_FOUND */
  private groupFor(groupId: string, mayMake: boolean): ShareGroup {
    const group = this.shard.groups.get(groupId)
    if (group instanceof ShareGroup) return group
    if (group !== undefined) throw groupNotFound(groupId, group, 'share')
    if (mayMake) return new ShareGroup(groupId)
    throw new ApiError('GROUP_ID_NOT_FOUND', `Share group ${groupId} not found.`)
  }

  private checkRoom(group: ShareGroup, memberId: string): void {
    const max = this.shard.config.groupShareMaxSize
    if (group.members.size < max || group.members.has(memberId)) return
    const detail = `The share group has reached its maximum capacity of ${max} members.`
    throw new ApiError('GROUP_MAX_SIZE_REACHED', detail)
  }

  /** Bumps the group epoch if subscriptions, topics or the partitions to assign changed. */
  private nextEpoch(group: ShareGroup, before: ShareMember, after: ShareMember, out: Draft): Epoch {
    const { groupId } = group
    const members = new Map(group.members).set(after.memberId, after)
    if (!sameShareMetadata(before, after)) out.records.push(shareMemberRecord(groupId, after))
    let isBumped = !sameNames(before.subscribedTopicNames, after.subscribedTopicNames)
    if (group.assignmentEpoch >= group.groupEpoch) isBumped ||= this.isAssignmentPending(group)
    if (!isBumped && !group.needsRefresh()) {
      return { groupEpoch: group.groupEpoch, isBumped, members }
    }
    const metadataHash = this.hashes.ofGroup(namesOf(members.values()))
    isBumped ||= metadataHash !== group.metadataHash
    const groupEpoch = group.groupEpoch + (isBumped ? 1 : 0)
    if (isBumped) out.records.push(epochRecord(groupId, groupEpoch, metadataHash))
    group.markFresh(groupEpoch)
    return { groupEpoch, isBumped, members }
  }

  /** Returns whether the target assignment lacks partitions whose share state is begun. */
  private isAssignmentPending(group: ShareGroup): boolean {
    const assigned = new Map<string, Set<number>>()
    for (const target of group.targets.values()) {
      for (const [topicId, partitions] of target) {
        assigned.set(topicId, new Set([...(assigned.get(topicId) ?? []), ...partitions]))
      }
    }
    for (const [topicId, { name, partitions }] of group.kept.initialized) {
      if (!group.isSubscribedTo(name)) continue
      const known = assigned.get(topicId)
      if (known === undefined || known.size !== partitions.size) return true
      for (const partition of partitions) if (!known.has(partition)) return true
    }
    return false
  }

  /** Returns the member's target, after a new target assignment if the group epoch is new. */
  private nextTarget(
    group: ShareGroup,
    member: ShareMember,
    { groupEpoch, members }: Epoch,
    out: Draft,
    nowMs: number,
  ): Target {
    const intervalMs = shareAssignmentIntervalMs(this.shard.config, group.groupId)
    const { assignmentTimestampMs, assignmentEpoch, targets } = group
    const isTooSoon =
      assignmentTimestampMs !== 0 && intervalMs !== 0 && nowMs < assignmentTimestampMs + intervalMs
    if (assignmentEpoch >= groupEpoch || isTooSoon) {
      return { epoch: assignmentEpoch, partitions: targets.get(member.memberId) ?? noPartitions }
    }
    const partitions = this.assign(group, members, out).get(member.memberId) ?? noPartitions
    out.records.push(targetEpochRecord(group.groupId, groupEpoch, nowMs))
    return { epoch: groupEpoch, partitions }
  }

  private assign(group: ShareGroup, all: ReadonlyMap<string, ShareMember>, out: Draft) {
    const { groupId } = group
    const members = new Map(
      javaHashMapOrder(all.keys()).map((memberId) => [
        memberId,
        {
          topicIds: this.topicIdsOf(all.get(memberId)!),
          target: group.targets.get(memberId) ?? noPartitions,
        },
      ]),
    )
    const names = namesOf(all.values())
    const isHomogeneous = [...all.values()].every(
      (one) => one.subscribedTopicNames.length === names.size,
    )
    const targets = assignSimple({
      members,
      isHomogeneous,
      partitionsOf: (topicId) => {
        const count = this.shard.topics.byId(topicId)?.partitionCount ?? 0
        const begun = group.kept.initialized.get(topicId)?.partitions ?? []
        return [...begun].filter((partition) => partition < count).sort((a, b) => a - b)
      },
    })
    for (const memberId of members.keys()) {
      const target = targets.get(memberId) ?? noPartitions
      const old = group.targets.get(memberId)
      if (old !== undefined && samePartitions(old, target)) continue
      out.records.push({
        type: 'ShareGroupTargetAssignmentMember',
        key: { groupId, memberId },
        value: { topicPartitions: topicPartitionsOf(target) },
      })
    }
    return targets
  }

  /** Returns the member with its target, which needs no steps between: partitions are shared. */
  private reconciled(member: ShareMember, target: Target, isChanged: boolean): ShareMember {
    const isNew = target.epoch !== member.memberEpoch
    if (!isNew && !isChanged) return member
    const wanted = this.topicIdsOf(member)
    const assigned = new Map([...target.partitions].filter(([topicId]) => wanted.has(topicId)))
    if (!isNew && samePartitions(assigned, member.assigned)) return member
    if (!isNew) return { ...member, assigned }
    const previousMemberEpoch = member.memberEpoch
    return { ...member, state: stable, memberEpoch: target.epoch, previousMemberEpoch, assigned }
  }

  private topicIdsOf({ subscribedTopicNames }: ShareMember): ReadonlySet<string> {
    return new Set(subscribedTopicNames.flatMap((name) => this.shard.topics.byName(name)?.id ?? []))
  }

  /** @throws ApiError GROUP_ID_NOT_FOUND | UNKNOWN_MEMBER_ID */
  leave({ request, to }: Heartbeat, out: Draft): void {
    const { groupId, memberId, memberEpoch } = request
    const group = this.shard.groups.get(groupId)
    if (!(group instanceof ShareGroup)) throw groupNotFound(groupId, group, 'share')
    this.fence(group, group.member(memberId), out)
    const fine = { throttleTimeMs: 0, errorCode: 0, errorMessage: null, assignment: null }
    out.reply(to, { ...fine, memberId, memberEpoch, heartbeatIntervalMs: 0 })
  }

  sessionExpired({ groupId, memberId }: Command<'shareSessionExpired'>, out: Draft): void {
    const group = this.shard.groups.get(groupId)
    if (!(group instanceof ShareGroup)) return
    const member = group.members.get(memberId)
    if (member === undefined) return
    this.shard.logger.info('a member is put out of its share group', {
      group: groupId,
      member: memberId,
      reason: 'its session expired',
    })
    this.fence(group, member, out)
  }

  private fence({ groupId, members, groupEpoch }: ShareGroup, gone: ShareMember, out: Draft): void {
    const key = { groupId, memberId: gone.memberId }
    out.records.push(
      { type: 'ShareGroupCurrentMemberAssignment', key, value: null },
      { type: 'ShareGroupTargetAssignmentMember', key, value: null },
      { type: 'ShareGroupMemberMetadata', key, value: null },
    )
    const left = [...members.values()].filter(({ memberId }) => memberId !== gone.memberId)
    const epoch = groupEpoch + 1
    out.records.push(epochRecord(groupId, epoch, this.hashes.ofGroup(namesOf(left))))
    if (left.length === 0) out.records.push(targetEpochRecord(groupId, epoch, 0))
    out.clearTimer(sessionTimer(groupId, gone.memberId))
  }

  restartSession(groupId: string, memberId: string, out: Draft, nowMs: number): void {
    const timeoutMs = shareSessionTimeoutMs(this.shard.config, groupId)
    const command = { kind: 'shareSessionExpired', groupId, memberId } as const
    out.setTimer(sessionTimer(groupId, memberId), nowMs + timeoutMs, command)
  }
}

function joining(group: ShareGroup, memberId: string): ShareMember {
  return group.members.get(memberId) ?? newShareMember(memberId)
}

/** Returns the member with the request's fields; fields that the client omits are unchanged. */
function updatedBy(member: ShareMember, { request, client }: Heartbeat): ShareMember {
  const { rackId, subscribedTopicNames: names } = request
  return {
    ...member,
    rackId: rackId ?? member.rackId,
    subscribedTopicNames: names === null ? member.subscribedTopicNames : sortedNames(names),
    clientId: client.clientId,
    clientHost: client.clientHost,
  }
}

/** @throws ApiError FENCED_MEMBER_EPOCH for an epoch that the member cannot have. */
function checkEpoch({ memberEpoch, previousMemberEpoch }: ShareMember, epoch: number): void {
  if (epoch === 0 || epoch === memberEpoch) return
  const rejoin = 'The member must abandon all its partitions and rejoin.'
  const known = (how: string) =>
    `The share group member has a ${how} member epoch (${epoch}) than the one known by the ` +
    `group coordinator (${memberEpoch})`
  if (epoch > memberEpoch)
    throw new ApiError('FENCED_MEMBER_EPOCH', `${known('greater')}. ${rejoin}`)
  // The response with the newer epoch may have been lost.
  if (epoch === previousMemberEpoch) return
  const other = `and it does not match the previous member epoch (${previousMemberEpoch})`
  throw new ApiError('FENCED_MEMBER_EPOCH', `${known('smaller')}, ${other}. ${rejoin}`)
}

function namesOf(members: Iterable<ShareMember>): Set<string> {
  return new Set([...members].flatMap(({ subscribedTopicNames }) => subscribedTopicNames))
}

function epochRecord(groupId: string, epoch: number, metadataHash: bigint) {
  const value = { epoch, metadataHash }
  return { type: 'ShareGroupMetadata', key: { groupId }, value } as const
}

function targetEpochRecord(groupId: string, assignmentEpoch: number, assignmentTimestamp: number) {
  const value = { assignmentEpoch, assignmentTimestamp }
  return { type: 'ShareGroupTargetAssignmentMetadata', key: { groupId }, value } as const
}

import { ApiError, errorCode } from '../../../protocol/errors.ts'
import type { Command, LeaveRequest } from '../commands.ts'
import { newMemberJoinTimeoutMs } from '../config.ts'
import type { Draft, ShardContext } from '../group.ts'
import type { ClassicRequests } from '../group-kind.ts'
import { sessionTimer, syncTimer } from '../timer-keys.ts'
import type { ClassicGroup } from './classic-group.ts'
import {
  type ClassicMember,
  emptyAssignment,
  joinError,
  metadataOf,
  sameProtocols,
  syncError,
} from './classic-member.ts'
import type { ClassicRebalance } from './classic-rebalance.ts'

/**
 * Handles requests of classic groups' members. Kafka: the classic half of `GroupMetadataManager`.
 */
export class ClassicProtocol implements ClassicRequests<ClassicGroup> {
  private readonly shard: ShardContext
  private readonly rebalance: ClassicRebalance

  constructor(shard: ShardContext, rebalance: ClassicRebalance) {
    this.shard = shard
    this.rebalance = rebalance
  }

  join(group: ClassicGroup, command: Command<'join'>, out: Draft, nowMs: number): void {
    const { request, to } = command
    if (!this.hasRoomFor(group, request.memberId)) {
      group.removeMember(request.memberId)
      out.reply(to, joinError('GROUP_MAX_SIZE_REACHED', ''))
      return
    }
    const names = request.protocols.map(({ name }) => name)
    if (!group.supports(request.protocolType, names)) {
      out.reply(to, joinError('INCONSISTENT_GROUP_PROTOCOL', request.memberId))
    } else if (request.memberId === '') this.joinNew(group, command, out, nowMs)
    else this.joinKnown(group, command, out, nowMs)
  }

  private hasRoomFor(group: ClassicGroup, memberId: string): boolean {
    const member = group.members.get(memberId)
    const max = this.shard.config.groupMaxSize
    if (group.isEmpty()) return true
    return group.state === 'PreparingRebalance'
      ? (member?.awaitingJoin ?? null) !== null || group.awaitingJoinCount < max
      : member !== undefined || group.members.size < max
  }

  private joinNew(group: ClassicGroup, command: Command<'join'>, out: Draft, nowMs: number): void {
    const { request, client, to } = command
    const { groupInstanceId } = request
    const memberId = `${groupInstanceId ?? client.clientId}-${command.uuid}`
    if (groupInstanceId !== null) {
      if (group.staticMembers.has(groupInstanceId)) {
        this.replaceStatic(group, memberId, command, out, nowMs)
      } else this.add(group, memberId, command, out, nowMs)
    } else if (command.demandsMemberId) {
      group.pendingJoin.add(memberId)
      out.setTimer(sessionTimer(group.groupId, memberId), nowMs + request.sessionTimeoutMs, {
        kind: 'classicSessionExpired',
        groupId: group.groupId,
        memberId,
      })
      out.reply(to, joinError('MEMBER_ID_REQUIRED', memberId))
    } else this.add(group, memberId, command, out, nowMs)
  }

  private joinKnown(group: ClassicGroup, command: Command<'join'>, out: Draft, nowMs: number) {
    const { request, to } = command
    const { memberId, groupInstanceId } = request
    if (group.pendingJoin.has(memberId)) {
      // A member id that the broker handed out belongs to a dynamic member.
      if (groupInstanceId !== null) throw new ApiError('UNKNOWN_SERVER_ERROR')
      this.add(group, memberId, command, out, nowMs)
      return
    }
    const member = group.findMember(memberId, groupInstanceId)
    if (typeof member === 'string') {
      out.reply(to, joinError(member, memberId))
      return
    }
    const isUnchanged = sameProtocols(member.protocols, request.protocols)
    if (group.state === 'PreparingRebalance') {
      this.update(group, member, command, `member ${memberId} is joining`, out, nowMs)
    } else if (group.state === 'CompletingRebalance' && isUnchanged) {
      // The response to its first JoinGroup was lost: sends the same one again.
      const members = group.isLeader(memberId) ? this.allMembers(group) : []
      out.reply(to, { ...this.rebalance.joined(group, memberId), members })
    } else if (group.state === 'CompletingRebalance') {
      this.update(group, member, command, `member ${memberId} changed`, out, nowMs)
    } else if (group.state === 'Stable' && group.isLeader(memberId)) {
      this.update(group, member, command, `leader ${memberId} is rejoining`, out, nowMs)
    } else if (group.state === 'Stable' && !isUnchanged) {
      this.update(group, member, command, `member ${memberId} changed`, out, nowMs)
    } else if (group.state === 'Stable') {
      out.reply(to, this.rebalance.joined(group, memberId))
    } else {
      out.reply(to, joinError('UNKNOWN_MEMBER_ID', memberId))
    }
  }

  private allMembers(group: ClassicGroup) {
    return [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: metadataOf(member, group.protocolName),
    }))
  }

  private add(
    group: ClassicGroup,
    memberId: string,
    { request, client, to }: Command<'join'>,
    out: Draft,
    nowMs: number,
  ): void {
    const member: ClassicMember = {
      memberId,
      groupInstanceId: request.groupInstanceId,
      clientId: client.clientId,
      clientHost: client.clientHost,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      sessionTimeoutMs: request.sessionTimeoutMs,
      protocolType: request.protocolType,
      protocols: request.protocols,
      assignment: emptyAssignment,
      awaitingJoin: to,
      awaitingSync: null,
      isNew: true,
    }
    if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') {
      group.newMemberAdded = true
    }
    group.add(member)
    this.rebalance.restartSession(group, member, out, nowMs, newMemberJoinTimeoutMs)
    const reason = `adding new member ${memberId}${because(request.reason)}`
    this.rebalance.rebalanceOrComplete(group, reason, out, nowMs)
  }

  private update(
    group: ClassicGroup,
    member: ClassicMember,
    command: Command<'join'>,
    reason: string,
    out: Draft,
    nowMs: number,
  ): void {
    takeOver(member, command)
    group.parkJoin(out, member, command.to)
    const why = `${reason}${because(command.request.reason)}`
    this.rebalance.rebalanceOrComplete(group, why, out, nowMs)
  }

  /** Replaces a static member that rejoins without a member id: it gets a new one (KIP-345). */
  private replaceStatic(
    group: ClassicGroup,
    memberId: string,
    command: Command<'join'>,
    out: Draft,
    nowMs: number,
  ): void {
    const { request, to } = command
    const oldMemberId = group.staticMembers.get(request.groupInstanceId!)!
    const oldLeader = group.leaderId
    out.clearTimer(sessionTimer(group.groupId, oldMemberId))
    const member = group.replaceStaticMember(out, request.groupInstanceId!, memberId)
    this.rebalance.restartSession(group, member, out, nowMs)
    takeOver(member, command)
    const reason = `static member ${memberId} replaces ${oldMemberId}${because(request.reason)}`
    if (group.state !== 'Stable' || group.selectProtocol() !== group.protocolName) {
      group.parkJoin(out, member, to)
      this.rebalance.rebalanceOrComplete(group, reason, out, nowMs)
    } else {
      // The other members need no rebalance.
      const assignments = [...group.members.values()].map(
        (m) => [m.memberId, m.assignment] as const,
      )
      out.records.push(group.record(new Map(assignments)))
      const isLeader = group.isLeader(memberId)
      out.reply(
        to,
        command.maySkipAssignment
          ? {
              ...this.rebalance.joined(group, memberId),
              members: isLeader ? this.allMembers(group) : [],
              skipAssignment: isLeader,
            }
          : { ...this.rebalance.joined(group, memberId), leader: oldLeader ?? '' },
      )
    }
  }

  sync(group: ClassicGroup, { request, to }: Command<'sync'>, out: Draft, nowMs: number): void {
    const { memberId, protocolType, protocolName } = request
    const member = group.validateMember(memberId, request.groupInstanceId)
    if (request.generationId !== group.generationId) throw new ApiError('ILLEGAL_GENERATION')
    if (differs(protocolType, group.protocolType) || differs(protocolName, group.protocolName)) {
      throw new ApiError('INCONSISTENT_GROUP_PROTOCOL')
    }
    if (group.state === 'PreparingRebalance') throw new ApiError('REBALANCE_IN_PROGRESS')
    group.pendingSync.delete(memberId)
    if (group.pendingSync.size === 0) out.clearTimer(syncTimer(group.groupId))
    if (group.state === 'Stable') {
      out.reply(to, {
        errorCode: 0,
        protocolType: group.protocolType,
        protocolName: group.protocolName,
        assignment: member.assignment,
      })
      return
    }
    group.parkSync(out, member, to)
    if (!group.isLeader(memberId)) return
    // A leader may name any number of others: only those of members are looked up again.
    const assignments = new Map<string, Buffer>()
    for (const { memberId: of, assignment } of request.assignments) {
      if (group.members.has(of)) assignments.set(of, assignment)
    }
    this.rebalance.assign(group, assignments, out, nowMs)
  }

  heartbeat(
    group: ClassicGroup,
    { request, to }: Command<'heartbeat'>,
    out: Draft,
    nowMs: number,
  ): void {
    const member = group.validateMember(request.memberId, request.groupInstanceId)
    if (request.generationId !== group.generationId) throw new ApiError('ILLEGAL_GENERATION')
    this.rebalance.restartSession(group, member, out, nowMs)
    const error = group.state === 'PreparingRebalance' ? 'REBALANCE_IN_PROGRESS' : 'NONE'
    out.reply(to, { errorCode: errorCode(error) })
  }

  leave(group: ClassicGroup, { request, to }: Command<'leave'>, out: Draft, nowMs: number): void {
    const members = request.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      errorCode: errorCode(this.leaveOne(group, member, out)),
    }))
    const left = members.filter((member) => member.errorCode === 0).map(({ memberId }) => memberId)
    if (left.length > 0 && !group.isEmpty()) {
      const reason = `explicit LeaveGroup of ${left.join(', ')}`
      this.rebalance.rebalanceOrComplete(group, reason, out, nowMs)
    }
    out.reply(to, { errorCode: 0, members })
  }

  private leaveOne(
    group: ClassicGroup,
    { memberId, groupInstanceId }: LeaveRequest['members'][number],
    out: Draft,
  ): ApiError['reason'] {
    if (group.pendingJoin.has(memberId)) {
      group.removeMember(memberId)
      out.clearTimer(sessionTimer(group.groupId, memberId))
      return 'NONE'
    }
    // An admin removes a static member by its instance id alone.
    const current = groupInstanceId === null ? undefined : group.staticMembers.get(groupInstanceId)
    const isByInstance = memberId === '' && groupInstanceId !== null
    const member = group.findMember(isByInstance ? (current ?? '') : memberId, groupInstanceId)
    if (typeof member === 'string') return member
    out.clearTimer(sessionTimer(group.groupId, member.memberId))
    group.answerJoin(out, member, joinError('UNKNOWN_MEMBER_ID', ''))
    group.answerSync(out, member, syncError('UNKNOWN_MEMBER_ID'))
    group.removeMember(member.memberId)
    return 'NONE'
  }

  /** Restarts the session of a member that committed offsets. */
  committed(group: ClassicGroup, memberId: string, out: Draft, nowMs: number): void {
    if (group.state !== 'Stable' && group.state !== 'PreparingRebalance') return
    const member = group.members.get(memberId)
    if (member !== undefined) this.rebalance.restartSession(group, member, out, nowMs)
  }
}

function takeOver(member: ClassicMember, { request }: Command<'join'>): void {
  member.protocols = request.protocols
  member.rebalanceTimeoutMs = request.rebalanceTimeoutMs
  member.sessionTimeoutMs = request.sessionTimeoutMs
}

/**
 * Formats the reason as Kafka does: an empty reason counts as none (`JoinGroupRequest.joinReason`).
 */
const because = (reason: string | null) =>
  `; client reason: ${reason === null || reason === '' ? 'not provided' : reason}`

const differs = (asked: string | null, ours: string | null) =>
  asked !== null && ours !== null && asked !== ours

import { type ErrorName, errorCode } from '../../../protocol/errors.ts'
import type { Command } from '../commands.ts'
import type { Draft, ShardContext } from '../group.ts'
import { joinTimer, sessionTimer, syncTimer } from '../timer-keys.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ClassicMember, emptyAssignment, joinError, metadataOf } from './classic-member.ts'

/**
 * The phases of a classic group's rebalance: it collects the members, waits for the leader's
 * assignment and distributes it. Kafka: the classic half of `GroupMetadataManager`.
 */
export class ClassicRebalance {
  private readonly shard: ShardContext

  constructor(shard: ShardContext) {
    this.shard = shard
  }

  /** Starts a rebalance after a change of membership, or completes the current one if possible. */
  rebalanceOrComplete(group: ClassicGroup, reason: string, out: Draft, nowMs: number): void {
    if (group.state === 'PreparingRebalance') this.maybeCompleteJoin(group, out, nowMs)
    else this.prepare(group, reason, out, nowMs)
  }

  prepare(group: ClassicGroup, reason: string, out: Draft, nowMs: number): void {
    if (group.state === 'CompletingRebalance') this.dropAssignments(group, out, nowMs)
    group.pendingSync.clear()
    out.clearTimer(syncTimer(group.groupId))
    const isFirst = group.isEmpty()
    this.shard.logger.info('preparing to rebalance group', {
      group: group.groupId,
      state: group.state,
      generation: group.generationId,
      reason,
    })
    group.transitionTo('PreparingRebalance', nowMs)
    if (isFirst) {
      const delayMs = this.shard.config.groupInitialRebalanceDelayMs
      const remainingMs = Math.max(group.rebalanceTimeoutMs - delayMs, 0)
      this.delayFirst(group, delayMs, remainingMs, out, nowMs)
    } else if (group.allJoined()) this.completeJoin(group, out, nowMs)
    else this.waitForJoins(group, out, nowMs)
  }

  /** Extends the initial delay while members keep joining, up to their rebalance timeout. */
  initialDelayOver(
    group: ClassicGroup,
    { delayMs, remainingMs }: Command<'classicInitialDelayOver'>,
    out: Draft,
    nowMs: number,
  ): void {
    if (!group.newMemberAdded || remainingMs === 0) {
      this.completeJoin(group, out, nowMs)
      return
    }
    group.newMemberAdded = false
    const nextMs = Math.min(this.shard.config.groupInitialRebalanceDelayMs, remainingMs)
    this.delayFirst(group, nextMs, Math.max(remainingMs - delayMs, 0), out, nowMs)
  }

  private delayFirst(
    { groupId }: ClassicGroup,
    delayMs: number,
    remainingMs: number,
    out: Draft,
    nowMs: number,
  ): void {
    out.setTimer(joinTimer(groupId), nowMs + delayMs, {
      kind: 'classicInitialDelayOver',
      groupId,
      delayMs,
      remainingMs,
    })
  }

  private waitForJoins(group: ClassicGroup, out: Draft, nowMs: number): void {
    out.setTimer(joinTimer(group.groupId), nowMs + group.rebalanceTimeoutMs, {
      kind: 'classicJoinExpired',
      groupId: group.groupId,
    })
  }

  maybeCompleteJoin(group: ClassicGroup, out: Draft, nowMs: number): void {
    if (group.state !== 'PreparingRebalance') return
    // The first rebalance ends with its delay, not when all members have joined.
    if (group.previousState === 'Empty' || !group.allJoined()) return
    this.completeJoin(group, out, nowMs)
  }

  /**
   * Ends the join phase: removes dynamic members that did not rejoin; the leader gets the member
   * list.
   */
  completeJoin(group: ClassicGroup, out: Draft, nowMs: number): void {
    out.clearTimer(joinTimer(group.groupId))
    for (const member of [...group.members.values()]) {
      if (member.awaitingJoin !== null || member.groupInstanceId !== null) continue
      group.removeMember(member.memberId)
      out.clearTimer(sessionTimer(group.groupId, member.memberId))
      this.shard.logger.info('removed a member that did not rejoin', {
        group: group.groupId,
        member: member.memberId,
      })
    }
    if (!this.electLeader(group) && group.members.size > 0) {
      this.waitForJoins(group, out, nowMs)
      return
    }
    group.startGeneration(nowMs)
    this.shard.logger.info('stabilized group', {
      group: group.groupId,
      generation: group.generationId,
      members: group.members.size,
    })
    if (group.isEmpty()) out.records.push(group.record(new Map()))
    else this.answerJoins(group, out, nowMs)
  }

  private answerJoins(group: ClassicGroup, out: Draft, nowMs: number): void {
    const all = [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: metadataOf(member, group.protocolName),
    }))
    for (const member of group.members.values()) {
      group.answerJoin(out, member, {
        ...this.joined(group, member.memberId),
        members: group.isLeader(member.memberId) ? all : [],
      })
      this.restartSession(group, member, out, nowMs)
      member.isNew = false
      group.pendingSync.add(member.memberId)
    }
    out.setTimer(syncTimer(group.groupId), nowMs + group.rebalanceTimeoutMs, {
      kind: 'classicSyncExpired',
      groupId: group.groupId,
      generationId: group.generationId,
    })
  }

  /** Returns a successful JoinGroup response, without the member list that only the leader gets. */
  joined(group: ClassicGroup, memberId: string) {
    return {
      errorCode: 0,
      generationId: group.generationId,
      protocolType: group.protocolType,
      protocolName: group.protocolName,
      leader: group.leaderId ?? '',
      skipAssignment: false,
      memberId,
      members: [],
    }
  }

  /** Elects another leader, one that rejoined, if the current leader did not. */
  private electLeader(group: ClassicGroup): boolean {
    if (group.leaderId === null) return false
    if (group.members.get(group.leaderId)?.awaitingJoin) return true
    for (const member of group.members.values()) {
      if (member.awaitingJoin === null) continue
      group.leaderId = member.memberId
      return true
    }
    return false
  }

  /** Writes the leader's assignment, then answers all parked SyncGroups. */
  assign(
    group: ClassicGroup,
    assignments: ReadonlyMap<string, Buffer>,
    out: Draft,
    nowMs: number,
  ): void {
    for (const member of group.members.values()) {
      member.assignment = assignments.get(member.memberId) ?? emptyAssignment
    }
    out.records.push(group.record(assignments))
    this.propagate(group, 'NONE', out, nowMs)
    group.transitionTo('Stable', nowMs)
  }

  /** Starts a new rebalance because the group's record was too large to write. */
  assignmentRefused(group: ClassicGroup, out: Draft, nowMs: number): void {
    for (const member of group.members.values()) member.assignment = emptyAssignment
    this.prepare(group, 'the assignment could not be written down', out, nowMs)
  }

  private dropAssignments(group: ClassicGroup, out: Draft, nowMs: number): void {
    for (const member of group.members.values()) member.assignment = emptyAssignment
    this.propagate(group, 'REBALANCE_IN_PROGRESS', out, nowMs)
  }

  private propagate(group: ClassicGroup, error: ErrorName, out: Draft, nowMs: number): void {
    for (const member of group.members.values()) {
      const isAnswered = group.answerSync(out, member, {
        errorCode: errorCode(error),
        protocolType: error === 'NONE' ? group.protocolType : null,
        protocolName: error === 'NONE' ? group.protocolName : null,
        assignment: member.assignment,
      })
      if (isAnswered) this.restartSession(group, member, out, nowMs)
    }
  }

  restartSession(
    group: ClassicGroup,
    member: ClassicMember,
    out: Draft,
    nowMs: number,
    timeoutMs = member.sessionTimeoutMs,
  ): void {
    const { groupId } = group
    const { memberId } = member
    out.setTimer(sessionTimer(groupId, memberId), nowMs + timeoutMs, {
      kind: 'classicSessionExpired',
      groupId,
      memberId,
    })
  }

  sessionExpired(group: ClassicGroup, memberId: string, out: Draft, nowMs: number): void {
    if (group.pendingJoin.has(memberId)) {
      group.removeMember(memberId)
      if (group.state === 'PreparingRebalance' && group.allJoined()) {
        this.completeJoin(group, out, nowMs)
      }
      return
    }
    const member = group.members.get(memberId)
    if (member === undefined) return
    // A parked request keeps a member alive, unless it has never been in a generation.
    const isWaiting = member.awaitingJoin !== null || member.awaitingSync !== null
    if (isWaiting && !member.isNew) return
    this.shard.logger.info('a member failed and is removed', {
      group: group.groupId,
      member: memberId,
    })
    group.answerJoin(out, member, joinError('UNKNOWN_MEMBER_ID', ''))
    group.removeMember(memberId)
    if (group.state === 'PreparingRebalance') {
      if (group.allJoined()) this.completeJoin(group, out, nowMs)
    } else if (!group.isEmpty()) {
      this.prepare(group, `removing member ${memberId} on heartbeat expiration`, out, nowMs)
    }
  }

  /** Removes members that joined but sent no SyncGroup, so that the others can continue. */
  syncExpired(group: ClassicGroup, generationId: number, out: Draft, nowMs: number): void {
    if (generationId !== group.generationId) return
    if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return
    if (group.pendingSync.size === 0) return
    const late = [...group.pendingSync]
    for (const memberId of late) {
      group.removeMember(memberId)
      out.clearTimer(sessionTimer(group.groupId, memberId))
    }
    this.prepare(group, `removing ${late.join(', ')} on sync expiration`, out, nowMs)
  }

  /** Restarts the session timeout of each member after a restart. */
  loaded(group: ClassicGroup, out: Draft, nowMs: number): void {
    for (const member of group.members.values()) this.restartSession(group, member, out, nowMs)
    if (group.members.size > this.shard.config.groupMaxSize) {
      this.prepare(group, 'the loaded group is larger than group.max.size', out, nowMs)
    }
  }
}

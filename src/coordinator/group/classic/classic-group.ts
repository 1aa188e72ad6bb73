import { assert } from '../../../base/assert.ts'
import { javaHashMapOrder } from '../../../base/java-hash.ts'
import { ApiError } from '../../../protocol/errors.ts'
import type { JoinGroupResponse } from '../../../protocol/messages/11-join-group.ts'
import type { SyncGroupResponse } from '../../../protocol/messages/14-sync-group.ts'
import type { DescribedGroup, ListedGroup, To } from '../commands.ts'
import { subscribedTopicsOf } from '../consumer/consumer-protocol.ts'
import {
  type CommittedOffset,
  type Draft,
  type Group,
  noCheck,
  type PartitionCheck,
} from '../group.ts'
import type { GroupMetadataRecord, GroupMetadataValue } from '../records.ts'
import { joinTimer, sessionTimer, syncTimer } from '../timer-keys.ts'
import {
  type ClassicMember,
  emptyAssignment,
  joinError,
  metadataOf,
  syncError,
} from './classic-member.ts'

export type ClassicState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

/**
 * A group of the classic protocol: its state, members and parked requests. Kafka: `ClassicGroup`.
 */
export class ClassicGroup implements Group {
  readonly type = 'classic'
  readonly hasOffsets = true
  readonly groupId: string
  /** The last record that was written: the state after a restart. */
  stored: GroupMetadataValue | null = null
  state: ClassicState = 'Empty'
  previousState: ClassicState | null = null
  generationId = 0
  protocolType: string | null = null
  protocolName: string | null = null
  leaderId: string | null = null
  stateTimestampMs: number
  /** True if a member joined during the delay of the first rebalance. */
  newMemberAdded = false
  readonly members = new Map<string, ClassicMember>()
  readonly staticMembers = new Map<string, string>()
  /** Member ids that were handed out and not used yet (KIP-394). */
  readonly pendingJoin = new Set<string>()
  /** Members without a SyncGroup in this generation. */
  readonly pendingSync = new Set<string>()
  /** The topics that any member subscribes to; null if the protocol does not reveal them. */
  private topics: ReadonlySet<string> | null = null

  constructor(groupId: string, nowMs: number) {
    this.groupId = groupId
    this.stateTimestampMs = nowMs
  }

  static fromRecord(groupId: string, value: GroupMetadataValue): ClassicGroup {
    const group = new ClassicGroup(groupId, value.currentStateTimestamp)
    group.stored = value
    group.state = value.members.length === 0 ? 'Empty' : 'Stable'
    group.generationId = value.generation
    group.protocolType = value.protocolType === '' ? null : value.protocolType
    group.protocolName = value.protocol
    group.leaderId = value.leader
    for (const member of value.members) {
      group.add({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeoutMs:
          member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
        sessionTimeoutMs: member.sessionTimeout,
        protocolType: value.protocolType,
        protocols: [{ name: value.protocol ?? '', metadata: member.subscription }],
        assignment: member.assignment,
        awaitingJoin: null,
        awaitingSync: null,
        isNew: false,
      })
    }
    group.learnTopics()
    return group
  }

  isEmpty(): boolean {
    return this.state === 'Empty'
  }

  stateName(): string {
    return this.state
  }

  usesConsumerProtocol(): boolean {
    return this.protocolType === 'consumer'
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId
  }

  get awaitingJoinCount(): number {
    let count = 0
    for (const member of this.members.values()) if (member.awaitingJoin !== null) count++
    return count
  }

  /** Returns whether all members have joined and no handed-out member id is still unused. */
  allJoined(): boolean {
    if (this.pendingJoin.size > 0) return false
    for (const member of this.members.values()) if (member.awaitingJoin === null) return false
    return true
  }

  /** The longest rebalance timeout (ms) of the members: all of them get this long to rejoin. */
  get rebalanceTimeoutMs(): number {
    let longest = 0
    for (const member of this.members.values()) {
      longest = Math.max(longest, member.rebalanceTimeoutMs)
    }
    return longest
  }

  add(member: ClassicMember): void {
    if (member.groupInstanceId !== null) {
      this.staticMembers.set(member.groupInstanceId, member.memberId)
    }
    if (this.members.size === 0) this.protocolType = member.protocolType
    this.leaderId ??= member.memberId
    this.members.set(member.memberId, member)
    this.pendingJoin.delete(member.memberId)
  }

  removeMember(memberId: string): void {
    const removed = this.members.get(memberId)
    this.members.delete(memberId)
    if (removed !== undefined && removed.groupInstanceId !== null) {
      this.staticMembers.delete(removed.groupInstanceId)
    }
    if (this.isLeader(memberId)) this.leaderId = this.members.keys().next().value ?? null
    this.pendingJoin.delete(memberId)
    this.pendingSync.delete(memberId)
  }

  /**
   * Replaces a static member by its successor; the old one's parked requests get
   * FENCED_INSTANCE_ID.
   */
  replaceStaticMember(out: Draft, groupInstanceId: string, newMemberId: string): ClassicMember {
    const old = this.members.get(this.staticMembers.get(groupInstanceId) ?? '')
    assert(old !== undefined, `no static member ${groupInstanceId} in group ${this.groupId}`)
    this.answerJoin(out, old, joinError('FENCED_INSTANCE_ID', old.memberId))
    this.answerSync(out, old, syncError('FENCED_INSTANCE_ID'))
    const member: ClassicMember = {
      ...old,
      memberId: newMemberId,
      awaitingJoin: null,
      awaitingSync: null,
      isNew: false,
    }
    this.members.delete(old.memberId)
    this.members.set(newMemberId, member)
    if (this.isLeader(old.memberId)) this.leaderId = newMemberId
    this.staticMembers.set(groupInstanceId, newMemberId)
    return member
  }

  answerJoin(out: Draft, member: ClassicMember, response: JoinGroupResponse): void {
    if (member.awaitingJoin === null) return
    out.reply(member.awaitingJoin, response)
    member.awaitingJoin = null
  }

  /** Parks a JoinGroup; answers an older parked one, whose connection must be dead. */
  parkJoin(out: Draft, member: ClassicMember, to: To<JoinGroupResponse>): void {
    this.answerJoin(out, member, joinError('REBALANCE_IN_PROGRESS', member.memberId))
    member.awaitingJoin = to
  }

  parkSync(out: Draft, member: ClassicMember, to: To<SyncGroupResponse>): void {
    this.answerSync(out, member, syncError('REBALANCE_IN_PROGRESS'))
    member.awaitingSync = to
  }

  /** @returns whether a SyncGroup was parked. */
  answerSync(out: Draft, member: ClassicMember, response: SyncGroupResponse): boolean {
    if (member.awaitingSync === null) return false
    out.reply(member.awaitingSync, response)
    member.awaitingSync = null
    return true
  }

  transitionTo(state: ClassicState, nowMs: number): void {
    this.previousState = this.state
    this.state = state
    this.stateTimestampMs = nowMs
  }

  /** Returns whether a member with these protocols could join the group. */
  supports(protocolType: string, names: readonly string[]): boolean {
    if (this.isEmpty()) return protocolType !== '' && names.length > 0
    const common = this.commonProtocols()
    return this.protocolType === protocolType && names.some((name) => common.has(name))
  }

  /** Returns the protocols that all members support. */
  private commonProtocols(): ReadonlySet<string> {
    let common: ReadonlySet<string> | null = null
    for (const { protocols } of this.members.values()) {
      const names: string[] = protocols.map(({ name }) => name)
      common = new Set(common === null ? names : names.filter((name) => common!.has(name)))
    }
    return common ?? new Set()
  }

  /**
   * Returns the protocol with most votes: each member votes for the first of its protocols that all
   * support; ties are broken in the order of Java's HashMap.
   */
  selectProtocol(): string {
    const votes = new Map<string, number>()
    const common = this.commonProtocols()
    for (const { protocols } of this.members.values()) {
      const choice = protocols.find(({ name }) => common.has(name))
      assert(choice !== undefined, `no common protocol in group ${this.groupId}`)
      votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
    }
    const names = javaHashMapOrder(votes.keys())
    return names.reduce((best, name) => (votes.get(name)! > votes.get(best)! ? name : best))
  }

  /** Starts the next generation with the current members. */
  startGeneration(nowMs: number): void {
    this.generationId++
    this.protocolName = this.members.size > 0 ? this.selectProtocol() : null
    this.learnTopics()
    this.transitionTo(this.members.size > 0 ? 'CompletingRebalance' : 'Empty', nowMs)
    this.pendingSync.clear()
  }

  /**
   * Reads the subscribed topics from the metadata of members that use the consumer protocol type.
   */
  learnTopics(): void {
    this.topics = null
    if (!this.usesConsumerProtocol()) return
    if (this.members.size > 0 && this.protocolName === null) return
    const topics = new Set<string>()
    for (const member of this.members.values()) {
      const subscribed = subscribedTopicsOf(metadataOf(member, this.protocolName))
      if (subscribed === null) return
      for (const topic of subscribed) topics.add(topic)
    }
    this.topics = topics
  }

  isSubscribedTo(topic: string): boolean {
    return this.topics === null ? this.usesConsumerProtocol() : this.topics.has(topic)
  }

  /** Returns the member, or why it is none. Does not throw: a request may name 100,000 members. */
  findMember(
    memberId: string,
    groupInstanceId: string | null,
  ): ClassicMember | 'UNKNOWN_MEMBER_ID' | 'FENCED_INSTANCE_ID' {
    if (groupInstanceId !== null) {
      const current = this.staticMembers.get(groupInstanceId)
      if (current === undefined) return 'UNKNOWN_MEMBER_ID'
      if (current !== memberId) return 'FENCED_INSTANCE_ID'
    }
    return this.members.get(memberId) ?? 'UNKNOWN_MEMBER_ID'
  }

  /** @throws ApiError UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID */
  validateMember(memberId: string, groupInstanceId: string | null): ClassicMember {
    const member = this.findMember(memberId, groupInstanceId)
    if (typeof member === 'string') throw new ApiError(member)
    return member
  }

  validateOffsetCommit(options: Parameters<Group['validateOffsetCommit']>[0]): PartitionCheck {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = options
    if (generationId < 0 && this.isEmpty()) return noCheck
    if (generationId >= 0 || memberId !== '' || groupInstanceId !== null) {
      this.validateMember(memberId, groupInstanceId)
      if (generationId !== this.generationId) throw new ApiError('ILLEGAL_GENERATION')
    } else if (!options.isTransactional) {
      throw new ApiError('UNKNOWN_MEMBER_ID')
    }
    if (!options.isTransactional && this.state === 'CompletingRebalance') {
      throw new ApiError('REBALANCE_IN_PROGRESS')
    }
    return noCheck
  }

  validateOffsetFetch(): void {}

  validateDelete(): void {
    if (!this.isEmpty()) throw new ApiError('NON_EMPTY_GROUP')
  }

  validateOffsetDelete(): void {
    if (!this.isEmpty() && !this.usesConsumerProtocol()) throw new ApiError('NON_EMPTY_GROUP')
  }

  expiryBase(): ((offset: CommittedOffset) => number) | null {
    if (this.protocolType === null) return (offset) => offset.commitTimestampMs
    if (this.isEmpty()) {
      return (offset) =>
        this.stateTimestampMs === -1 ? offset.commitTimestampMs : this.stateTimestampMs
    }
    const knowsTopics = this.usesConsumerProtocol() && this.topics !== null
    return knowsTopics && this.state === 'Stable' ? (offset) => offset.commitTimestampMs : null
  }

  listed(): ListedGroup {
    return {
      groupId: this.groupId,
      protocolType: this.protocolType ?? '',
      groupState: this.state,
      groupType: 'classic',
    }
  }

  /** Returns the group for DescribeGroups; only a stable group shows its members' subscriptions. */
  described(): DescribedGroup {
    const isStable = this.state === 'Stable'
    return {
      errorCode: 0,
      groupId: this.groupId,
      groupState: this.state,
      protocolType: this.protocolType ?? '',
      protocolData: isStable ? (this.protocolName ?? '') : '',
      members: [...this.members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        memberMetadata: isStable ? metadataOf(member, this.protocolName) : emptyAssignment,
        memberAssignment: member.assignment,
      })),
    }
  }

  remove(out: Draft): void {
    out.records.push({ type: 'GroupMetadata', key: { group: this.groupId }, value: null })
    for (const memberId of [...this.members.keys(), ...this.pendingJoin]) {
      out.clearTimer(sessionTimer(this.groupId, memberId))
    }
    out.clearTimer(joinTimer(this.groupId))
    out.clearTimer(syncTimer(this.groupId))
  }

  hardState(): unknown {
    return this.stored
  }

  /** Returns the group's record with these assignments (by member id). */
  record(assignments: ReadonlyMap<string, Buffer>): GroupMetadataRecord {
    return {
      type: 'GroupMetadata',
      key: { group: this.groupId },
      value: {
        protocolType: this.protocolType ?? '',
        generation: this.generationId,
        protocol: this.protocolName,
        leader: this.leaderId,
        currentStateTimestamp: this.stateTimestampMs,
        members: [...this.members.values()].map((member) => ({
          memberId: member.memberId,
          groupInstanceId: member.groupInstanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          rebalanceTimeout: member.rebalanceTimeoutMs,
          sessionTimeout: member.sessionTimeoutMs,
          subscription: metadataOf(member, this.protocolName),
          assignment: assignments.get(member.memberId) ?? emptyAssignment,
        })),
      },
    }
  }
}

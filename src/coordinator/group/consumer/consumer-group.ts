import { ApiError } from '../../../protocol/errors.ts'
import type { TopicView } from '../../topic-view.ts'
import type { ListedGroup } from '../commands.ts'
import {
  type CommittedOffset,
  type Draft,
  type Group,
  noCheck,
  type PartitionCheck,
} from '../group.ts'
import type { ConsumerRecord } from '../records.ts'
import { consumerTimers } from '../timer-keys.ts'
import {
  type Assigned,
  type ConsumerMember,
  isReconciledTo,
  memberStates,
  newMember,
  noPartitions,
  nothingAssigned,
  type Partitions,
  withCurrent,
  withMetadata,
} from './consumer-member.ts'
import { describedMember } from './describe-consumer.ts'
import { type ResolvedRegex, Subscriptions } from './subscriptions.ts'

/**
 * The initial group epoch and assignment epoch; the first member to join raises the former to 2.
 */
const initialEpoch = 1

/** A group of the consumer protocol (KIP-848). Only `replay` changes it. */
export class ConsumerGroup implements Group {
  readonly type = 'consumer'
  readonly hasOffsets = true
  readonly groupId: string
  groupEpoch = initialEpoch
  /** The hash of the topic metadata that the group epoch is based on. */
  metadataHash = 0n
  /** The group epoch that the target assignment was computed for. */
  assignmentEpoch = initialEpoch
  assignmentTimestampMs = 0
  readonly members = new Map<string, ConsumerMember>()
  readonly staticMembers = new Map<string, string>()
  readonly targets = new Map<string, Partitions>()
  readonly regexes = new Map<string, ResolvedRegex>()
  /** True if a record of Kafka 4.0 exists that has to be removed when the group changes. */
  hasPartitionMetadata = false
  /**
   * Not in the log: until this time (ms), in this epoch, the topic hash need not be computed again.
   */
  private freshUntilMs = 0
  private freshEpoch = 0
  /** The epoch of the member that holds a partition, by topic id. */
  private readonly holders = new Map<string, Map<number, number>>()
  private cachedSubscriptions: Subscriptions | null = null

  constructor(groupId: string) {
    this.groupId = groupId
  }

  /** Counts of the members' subscriptions; computed again after each change. */
  get subscriptions(): Subscriptions {
    this.cachedSubscriptions ??= Subscriptions.of(this.members.values(), this.regexes)
    return this.cachedSubscriptions
  }

  isEmpty(): boolean {
    return this.members.size === 0
  }

  stateName(): string {
    if (this.members.size === 0) return 'Empty'
    if (this.groupEpoch > this.assignmentEpoch) return 'Assigning'
    for (const member of this.members.values()) {
      if (!isReconciledTo(member, this.assignmentEpoch)) return 'Reconciling'
    }
    return 'Stable'
  }

  /** @throws ApiError UNKNOWN_MEMBER_ID */
  member(memberId: string): ConsumerMember {
    const member = this.members.get(memberId)
    if (member !== undefined) return member
    const detail = `Member ${memberId} is not a member of group ${this.groupId}.`
    throw new ApiError('UNKNOWN_MEMBER_ID', detail)
  }

  staticMember(instanceId: string | null): ConsumerMember | null {
    const memberId = instanceId === null ? undefined : this.staticMembers.get(instanceId)
    return memberId === undefined ? null : this.member(memberId)
  }

  /** Returns the target; a static member inherits that of the last member with its instance id. */
  targetOf(memberId: string, instanceId: string | null): Partitions {
    const owner = instanceId === null ? memberId : this.staticMembers.get(instanceId)
    return (owner === undefined ? undefined : this.targets.get(owner)) ?? noPartitions
  }

  /** Returns whether any member has the partition assigned or still has to revoke it. */
  isHeld(topicId: string, partition: number): boolean {
    return this.holders.get(topicId)?.has(partition) ?? false
  }

  /** Returns whether another member still holds a partition of the member's target. */
  waitsForOthers(member: ConsumerMember): boolean {
    if (member.state !== memberStates.unreleasedPartitions) return false
    for (const [topicId, partitions] of this.targets.get(member.memberId) ?? noPartitions) {
      for (const partition of partitions) {
        const isMine = member.assigned.get(topicId)?.has(partition) ?? false
        if (!isMine && this.isHeld(topicId, partition)) return true
      }
    }
    return false
  }

  /** Marks the topic hash of this group epoch as current. */
  markFresh(groupEpoch: number): void {
    this.freshUntilMs = Number.MAX_SAFE_INTEGER
    this.freshEpoch = groupEpoch
  }

  requestRefresh(): void {
    this.freshUntilMs = 0
    this.freshEpoch = 0
  }

  needsRefresh(nowMs: number): boolean {
    return nowMs >= this.freshUntilMs || this.groupEpoch < this.freshEpoch
  }

  isSubscribedTo(topic: string): boolean {
    return this.subscriptions.topics.has(topic)
  }

  validateOffsetCommit(options: Parameters<Group['validateOffsetCommit']>[0]): PartitionCheck {
    const { memberId, generationIdOrMemberEpoch: epoch, isTransactional } = options
    if (epoch < 0 && this.isEmpty()) return noCheck
    const isAnonymous = epoch === -1 && memberId === '' && options.groupInstanceId === null
    if (isTransactional && isAnonymous) return noCheck
    const member = this.member(memberId)
    if (!isTransactional && member.classic === null && !options.knowsConsumerGroups) {
      throw new ApiError('UNSUPPORTED_VERSION')
    }
    if (epoch === member.memberEpoch) return noCheck
    if (epoch > member.memberEpoch) throw stale(member)
    // KIP-1251: an older epoch is valid for partitions that the member has held since then.
    return (topicId, partition) => {
      const given =
        member.assigned.get(topicId)?.get(partition) ??
        member.pendingRevocation.get(topicId)?.get(partition)
      if (given === undefined || epoch < given) throw stale(member)
    }
  }

  validateOffsetFetch(memberId: string | null, memberEpoch: number): void {
    if (memberId === null && memberEpoch < 0) return
    const member = this.member(memberId ?? '')
    if (memberEpoch !== member.memberEpoch) throw stale(member)
  }

  validateDelete(): void {
    if (!this.isEmpty()) throw new ApiError('NON_EMPTY_GROUP')
  }

  validateOffsetDelete(): void {}

  expiryBase(): (offset: CommittedOffset) => number {
    return (offset) => offset.commitTimestampMs
  }

  listed(): ListedGroup {
    return {
      groupId: this.groupId,
      protocolType: 'consumer',
      groupState: this.stateName(),
      groupType: 'consumer',
    }
  }

  described(topics: TopicView, defaultAssignor: string) {
    return {
      errorCode: 0,
      groupId: this.groupId,
      groupState: this.stateName(),
      groupEpoch: this.groupEpoch,
      assignmentEpoch: this.assignmentEpoch,
      assignorName: this.subscriptions.preferredAssignor() ?? defaultAssignor,
      members: [...this.members.values()].map((member) =>
        describedMember(member, this.targets.get(member.memberId) ?? noPartitions, topics),
      ),
    }
  }

  remove(out: Draft): void {
    this.tombstones(out, (memberId) => memberId)
    for (const memberId of this.members.keys()) {
      for (const timer of consumerTimers(this.groupId, memberId)) out.clearTimer(timer)
    }
  }

  /** @param rename returns the id under which a member's records are stored. */
  tombstones(out: Draft, rename: (memberId: string) => string): void {
    const { groupId } = this
    const ids = [...this.members.keys()].map(rename)
    const ofMembers = (type: MemberRecordType) => {
      for (const memberId of ids)
        out.records.push({ type, key: { groupId, memberId }, value: null })
    }
    ofMembers('ConsumerGroupCurrentMemberAssignment')
    ofMembers('ConsumerGroupTargetAssignmentMember')
    const key = { groupId }
    out.records.push({ type: 'ConsumerGroupTargetAssignmentMetadata', key, value: null })
    ofMembers('ConsumerGroupMemberMetadata')
    for (const regularExpression of this.regexes.keys()) {
      const type = 'ConsumerGroupRegularExpression'
      out.records.push({ type, key: { groupId, regularExpression }, value: null })
    }
    out.records.push({ type: 'ConsumerGroupPartitionMetadata', key, value: null })
    out.records.push({ type: 'ConsumerGroupMetadata', key, value: null })
  }

  /** @returns false when the record removes the group itself. */
  replay(record: ConsumerRecord): boolean {
    switch (record.type) {
      case 'ConsumerGroupMetadata':
        if (record.value === null) return false
        this.groupEpoch = record.value.epoch
        this.metadataHash = record.value.metadataHash
        return true
      case 'ConsumerGroupPartitionMetadata':
        this.hasPartitionMetadata = record.value !== null
        return true
      case 'ConsumerGroupTargetAssignmentMetadata':
        this.assignmentEpoch = record.value?.assignmentEpoch ?? -1
        this.assignmentTimestampMs = record.value?.assignmentTimestamp ?? 0
        return true
      case 'ConsumerGroupTargetAssignmentMember':
        this.replayTarget(record.key.memberId, record.value)
        return true
      case 'ConsumerGroupMemberMetadata':
      case 'ConsumerGroupCurrentMemberAssignment':
        this.replayMember(record)
        return true
      case 'ConsumerGroupRegularExpression':
        this.replayRegex(record.key.regularExpression, record.value)
        return true
    }
  }

  hardState(): unknown {
    const { groupEpoch, metadataHash, assignmentEpoch, assignmentTimestampMs } = this
    const { members, targets, regexes, hasPartitionMetadata } = this
    const epochs = { groupEpoch, metadataHash, assignmentEpoch, assignmentTimestampMs }
    return { ...epochs, members, targets, regexes, hasPartitionMetadata }
  }

  private replayTarget(
    memberId: string,
    value: Extract<ConsumerRecord, { type: 'ConsumerGroupTargetAssignmentMember' }>['value'],
  ): void {
    if (value === null) this.targets.delete(memberId)
    else {
      const topics = value.topicPartitions.map(
        ({ topicId, partitions }) => [topicId, new Set(partitions)] as const,
      )
      this.targets.set(memberId, new Map(topics))
    }
  }

  private replayMember(record: Extract<ConsumerRecord, { type: MemberStateType }>): void {
    const { memberId } = record.key
    const old = this.members.get(memberId) ?? null
    if (record.value === null) {
      if (old === null) return
      if (record.type === 'ConsumerGroupMemberMetadata') this.setMember(memberId, old, null)
      else this.setMember(memberId, old, withoutAssignment(old))
    } else if (record.type === 'ConsumerGroupMemberMetadata') {
      this.setMember(memberId, old, withMetadata(old ?? newMember(memberId), record.value))
    } else this.setMember(memberId, old, withCurrent(old ?? newMember(memberId), record.value))
  }

  private setMember(memberId: string, old: ConsumerMember | null, now: ConsumerMember | null) {
    this.cachedSubscriptions = null
    if (old !== null) {
      this.release(old.assigned, old.memberEpoch)
      this.release(old.pendingRevocation, old.memberEpoch)
      if (old.instanceId !== null) this.staticMembers.delete(old.instanceId)
    }
    if (now === null) {
      this.members.delete(memberId)
      return
    }
    this.members.set(memberId, now)
    this.hold(now.assigned, now.memberEpoch)
    this.hold(now.pendingRevocation, now.memberEpoch)
    if (now.instanceId !== null) this.staticMembers.set(now.instanceId, memberId)
  }

  private hold(assigned: Assigned, epoch: number): void {
    for (const [topicId, partitions] of assigned) {
      const holders = this.holders.get(topicId) ?? new Map<number, number>()
      for (const partition of partitions.keys()) {
        // In a compacted log the record of the newer holder may come first.
        holders.set(partition, Math.max(epoch, holders.get(partition) ?? epoch))
      }
      this.holders.set(topicId, holders)
    }
  }

  private release(assigned: Assigned, epoch: number): void {
    for (const [topicId, partitions] of assigned) {
      const holders = this.holders.get(topicId)
      if (holders === undefined) continue
      for (const partition of partitions.keys()) {
        if (holders.get(partition) === epoch) holders.delete(partition)
      }
      if (holders.size === 0) this.holders.delete(topicId)
    }
  }

  private replayRegex(
    regex: string,
    value: Extract<ConsumerRecord, { type: 'ConsumerGroupRegularExpression' }>['value'],
  ): void {
    this.cachedSubscriptions = null
    if (value === null) this.regexes.delete(regex)
    else {
      const { topics, version, timestamp: timestampMs } = value
      this.regexes.set(regex, { topics, version, timestampMs })
    }
  }
}

type MemberStateType = 'ConsumerGroupMemberMetadata' | 'ConsumerGroupCurrentMemberAssignment'
type MemberRecordType = MemberStateType | 'ConsumerGroupTargetAssignmentMember'

function withoutAssignment(member: ConsumerMember): ConsumerMember {
  return {
    ...member,
    memberEpoch: -1,
    previousMemberEpoch: -1,
    assigned: nothingAssigned,
    pendingRevocation: nothingAssigned,
  }
}

/** Returns the error for a wrong epoch, which differs for members of the classic protocol. */
function stale({ classic }: ConsumerMember): ApiError {
  return new ApiError(classic === null ? 'STALE_MEMBER_EPOCH' : 'ILLEGAL_GENERATION')
}

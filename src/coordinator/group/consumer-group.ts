import { Refusal } from '../../protocol/errors.ts'
import type { TopicView } from '../coordinator-log.ts'
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
import { consumerTimers } from './consumer-timers.ts'
import { describedMember } from './describe-consumer.ts'
import { type Draft, type Group, type ListedGroup, noCheck, type PartitionCheck } from './group.ts'
import type { CommittedOffset } from './offsets.ts'
import type { ConsumerRecord } from './records.ts'
import { type ResolvedRegex, Subscriptions } from './subscriptions.ts'

/** Group and target start at 1: the first member to join makes it 2. */
const initialEpoch = 1

/** A group of the next-generation protocol (KIP-848). Only `replay` changes it. */
export class ConsumerGroup implements Group {
  readonly type = 'consumer'
  readonly groupId: string
  groupEpoch = initialEpoch
  /** The hash of the topics that the group's epoch takes into account. */
  metadataHash = 0n
  /** The group epoch that the targets were made for. */
  assignmentEpoch = initialEpoch
  assignmentTimestampMs = 0
  readonly members = new Map<string, ConsumerMember>()
  readonly staticMembers = new Map<string, string>()
  readonly targets = new Map<string, Partitions>()
  readonly regexes = new Map<string, ResolvedRegex>()
  /** A record of Kafka 4.0 that is to be removed when the group changes. */
  hasPartitionMetadata = false
  /** Soft: until this time, in this epoch, the topics' hash need not be looked at again. */
  private freshUntilMs = 0
  private freshEpoch = 0
  /** The epoch of the member that holds a partition, by topic id. */
  private readonly holders = new Map<string, Map<number, number>>()
  private cachedSubscriptions: Subscriptions | null = null

  constructor(groupId: string) {
    this.groupId = groupId
  }

  /** What the members want, counted; made anew after each change. */
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

  /** @throws Refusal UNKNOWN_MEMBER_ID */
  member(memberId: string): ConsumerMember {
    const member = this.members.get(memberId)
    if (member !== undefined) return member
    const detail = `Member ${memberId} is not a member of group ${this.groupId}.`
    throw new Refusal('UNKNOWN_MEMBER_ID', detail)
  }

  staticMember(instanceId: string | null): ConsumerMember | null {
    const memberId = instanceId === null ? undefined : this.staticMembers.get(instanceId)
    return memberId === undefined ? null : this.member(memberId)
  }

  /** A static member inherits the target of whoever had its instance id before. */
  targetOf(memberId: string, instanceId: string | null): Partitions {
    const owner = instanceId === null ? memberId : this.staticMembers.get(instanceId)
    return (owner === undefined ? undefined : this.targets.get(owner)) ?? noPartitions
  }

  /** Whether any member has the partition, or has yet to give it up. */
  isHeld(topicId: string, partition: number): boolean {
    return this.holders.get(topicId)?.has(partition) ?? false
  }

  /** Whether a partition that is to be the member's is still with another. */
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

  /** The topics were looked at, for this epoch. */
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

  validateOffsetCommit(o: Parameters<Group['validateOffsetCommit']>[0]): PartitionCheck {
    const { memberId, generationIdOrMemberEpoch: epoch, isTransactional } = o
    if (epoch < 0 && this.isEmpty()) return noCheck
    const isAnonymous = epoch === -1 && memberId === '' && o.groupInstanceId === null
    if (isTransactional && isAnonymous) return noCheck
    const member = this.member(memberId)
    if (!isTransactional && member.classic === null && o.apiVersion < 9) {
      throw new Refusal('UNSUPPORTED_VERSION')
    }
    if (epoch === member.memberEpoch) return noCheck
    if (epoch > member.memberEpoch) throw stale(member)
    // An older epoch will do for partitions that the member has had since then (KIP-1251).
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
    if (!this.isEmpty()) throw new Refusal('NON_EMPTY_GROUP')
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

  /** @param rename the id under which a member's records stand. */
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

  /** All that the records say, as plain data. */
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
        // A compacted log may tell of the newer holder first.
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

/** A wrong epoch has another name for members that speak the classic protocol. */
function stale({ classic }: ConsumerMember): Refusal {
  return new Refusal(classic === null ? 'STALE_MEMBER_EPOCH' : 'ILLEGAL_GENERATION')
}

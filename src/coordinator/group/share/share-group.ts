import { ApiError } from '../../../protocol/errors.ts'
import type { TopicView } from '../../topic-view.ts'
import type { DescribedShareGroup, ListedGroup } from '../commands.ts'
import type { Partitions } from '../consumer/consumer-member.ts'
import type { Draft, Group, PartitionCheck } from '../group.ts'
import type { ShareGroupRecord } from '../records.ts'
import { sessionTimer } from '../timer-keys.ts'
import {
  newShareMember,
  partitionsOf,
  type ShareMember,
  topicPartitionsOf,
  withShareCurrent,
  withShareMetadata,
} from './share-member.ts'
import { nothingKept, type StatePartitions, statePartitionsOf } from './state-partitions.ts'

/** The group epoch and assignment epoch before the first member. */
const initialEpoch = 1

/** A share group (KIP-932). Only `replay` changes it. */
export class ShareGroup implements Group {
  readonly type = 'share'
  readonly hasOffsets = false
  readonly groupId: string
  groupEpoch = initialEpoch
  /** The hash of the topic metadata that the group epoch is based on. */
  metadataHash = 0n
  /** The group epoch that the target assignment was computed for. */
  assignmentEpoch = initialEpoch
  assignmentTimestampMs = 0
  readonly members = new Map<string, ShareMember>()
  readonly targets = new Map<string, Partitions>()
  /** null before the first record. */
  statePartitions: StatePartitions | null = null
  /** Not in the log: until this epoch is over the topic hash need not be computed again. */
  private freshEpoch = 0

  constructor(groupId: string) {
    this.groupId = groupId
  }

  /** The topics with share state, and those whose state is being begun or deleted. */
  get kept(): StatePartitions {
    return this.statePartitions ?? nothingKept
  }

  isEmpty(): boolean {
    return this.members.size === 0
  }

  stateName(): string {
    return this.isEmpty() ? 'Empty' : 'Stable'
  }

  /** @throws ApiError UNKNOWN_MEMBER_ID */
  member(memberId: string): ShareMember {
    const member = this.members.get(memberId)
    if (member !== undefined) return member
    const detail = `Member ${memberId} is not a member of group ${this.groupId}.`
    throw new ApiError('UNKNOWN_MEMBER_ID', detail)
  }

  /** Marks the topic hash of this group epoch as current. */
  markFresh(groupEpoch: number): void {
    this.freshEpoch = groupEpoch
  }

  requestRefresh(): void {
    this.freshEpoch = 0
  }

  needsRefresh(): boolean {
    return this.freshEpoch === 0 || this.groupEpoch < this.freshEpoch
  }

  isSubscribedTo(topic: string): boolean {
    for (const { subscribedTopicNames: names } of this.members.values()) {
      if (names.includes(topic)) return true
    }
    return false
  }

  validateOffsetCommit(): PartitionCheck {
    throw this.notConsumer()
  }

  validateOffsetFetch(): void {
    throw this.notConsumer()
  }

  validateOffsetDelete(): void {
    throw this.notConsumer()
  }

  private notConsumer(): ApiError {
    return new ApiError('GROUP_ID_NOT_FOUND', `Group ${this.groupId} is not a consumer group.`)
  }

  validateDelete(): void {
    if (!this.isEmpty()) throw new ApiError('NON_EMPTY_GROUP')
  }

  expiryBase(): null {
    return null
  }

  listed(): ListedGroup {
    return {
      groupId: this.groupId,
      protocolType: 'share',
      groupState: this.stateName(),
      groupType: 'share',
    }
  }

  described(topics: TopicView, assignorName: string): DescribedShareGroup {
    const { groupId, groupEpoch, assignmentEpoch } = this
    return {
      ...{ errorCode: 0, errorMessage: null, groupId, groupEpoch, assignmentEpoch, assignorName },
      groupState: this.stateName(),
      authorizedOperations: -(2 ** 31),
      members: [...this.members.values()].map((member) => ({
        memberId: member.memberId,
        rackId: member.rackId,
        memberEpoch: member.memberEpoch,
        clientId: member.clientId,
        clientHost: member.clientHost,
        subscribedTopicNames: member.subscribedTopicNames,
        assignment: {
          topicPartitions: topicPartitionsOf(member.assigned).flatMap(({ topicId, partitions }) => {
            const topicName = topics.byId(topicId)?.name
            return topicName === undefined ? [] : [{ topicId, topicName, partitions }]
          }),
        },
      })),
    }
  }

  remove(out: Draft): void {
    const { groupId } = this
    const ids = [...this.members.keys()]
    const ofMembers = (type: MemberRecordType) => {
      for (const memberId of ids) {
        out.records.push({ type, key: { groupId, memberId }, value: null })
      }
    }
    const key = { groupId }
    ofMembers('ShareGroupCurrentMemberAssignment')
    ofMembers('ShareGroupTargetAssignmentMember')
    out.records.push({ type: 'ShareGroupTargetAssignmentMetadata', key, value: null })
    ofMembers('ShareGroupMemberMetadata')
    out.records.push({ type: 'ShareGroupStatePartitionMetadata', key, value: null })
    out.records.push({ type: 'ShareGroupMetadata', key, value: null })
    for (const memberId of ids) out.clearTimer(sessionTimer(groupId, memberId))
  }

  /** @returns false when the record removes the group itself. */
  replay(record: ShareGroupRecord, nowMs: number): boolean {
    switch (record.type) {
      case 'ShareGroupMetadata':
        if (record.value === null) return false
        this.groupEpoch = record.value.epoch
        this.metadataHash = record.value.metadataHash
        return true
      case 'ShareGroupTargetAssignmentMetadata':
        this.assignmentEpoch = record.value?.assignmentEpoch ?? -1
        this.assignmentTimestampMs = record.value?.assignmentTimestamp ?? 0
        return true
      case 'ShareGroupTargetAssignmentMember': {
        const { memberId } = record.key
        if (record.value === null) this.targets.delete(memberId)
        else this.targets.set(memberId, partitionsOf(record.value.topicPartitions))
        return true
      }
      case 'ShareGroupStatePartitionMetadata':
        this.statePartitions = record.value === null ? null : statePartitionsOf(record.value, nowMs)
        return true
      case 'ShareGroupMemberMetadata':
      case 'ShareGroupCurrentMemberAssignment':
        this.replayMember(record)
        return true
    }
  }

  private replayMember(record: Extract<ShareGroupRecord, { type: MemberStateType }>): void {
    const { memberId } = record.key
    const known = this.members.get(memberId)
    if (record.value === null && known === undefined) return
    const member = known ?? newShareMember(memberId)
    if (record.type === 'ShareGroupCurrentMemberAssignment') {
      this.members.set(memberId, withShareCurrent(member, record.value))
    } else if (record.value === null) this.members.delete(memberId)
    else this.members.set(memberId, withShareMetadata(member, record.value))
  }

  hardState(): unknown {
    const { groupEpoch, metadataHash, assignmentEpoch, assignmentTimestampMs } = this
    const { members, targets } = this
    const { sinceMs: _, ...kept } = this.kept
    return {
      groupEpoch,
      metadataHash,
      assignmentEpoch,
      assignmentTimestampMs,
      members,
      targets,
      kept,
    }
  }
}

type MemberStateType = 'ShareGroupMemberMetadata' | 'ShareGroupCurrentMemberAssignment'
type MemberRecordType = MemberStateType | 'ShareGroupTargetAssignmentMember'

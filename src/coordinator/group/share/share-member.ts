import {
  noPartitions,
  type Partitions,
  sameNames,
  sortedNames,
} from '../consumer/consumer-member.ts'
import type { ShareCurrentRecord, ShareMemberRecord } from '../records.ts'

/** A member of a share group; immutable. Kafka: `ShareGroupMember`. */
export interface ShareMember {
  readonly memberId: string
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  /** As in the log; only 0, stable, has a meaning. */
  readonly state: number
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Sorted, without duplicates. */
  readonly subscribedTopicNames: readonly string[]
  readonly assigned: Partitions
}

export const stable = 0

export function newShareMember(memberId: string): ShareMember {
  return {
    memberId,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: stable,
    rackId: null,
    clientId: '',
    clientHost: '',
    subscribedTopicNames: [],
    assigned: noPartitions,
  }
}

export function withShareMetadata(
  member: ShareMember,
  value: NonNullable<ShareMemberRecord['value']>,
): ShareMember {
  const { rackId, clientId, clientHost, subscribedTopicNames } = value
  return {
    ...member,
    ...{ rackId, clientId, clientHost },
    subscribedTopicNames: sortedNames(subscribedTopicNames),
  }
}

/** @param value null for the tombstone of a member that leaves. */
export function withShareCurrent(
  member: ShareMember,
  value: ShareCurrentRecord['value'],
): ShareMember {
  if (value === null) {
    return { ...member, memberEpoch: -1, previousMemberEpoch: -1, assigned: noPartitions }
  }
  const { memberEpoch, previousMemberEpoch, state, assignedPartitions } = value
  return {
    ...member,
    ...{ memberEpoch, previousMemberEpoch, state },
    assigned: partitionsOf(assignedPartitions),
  }
}

export function sameShareMetadata(a: ShareMember, b: ShareMember): boolean {
  return (
    a.rackId === b.rackId &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    sameNames(a.subscribedTopicNames, b.subscribedTopicNames)
  )
}

export function shareMemberRecord(groupId: string, member: ShareMember): ShareMemberRecord {
  const { memberId, rackId, clientId, clientHost, subscribedTopicNames } = member
  return {
    type: 'ShareGroupMemberMetadata',
    key: { groupId, memberId },
    value: { rackId, clientId, clientHost, subscribedTopicNames },
  }
}

export function shareCurrentRecord(groupId: string, member: ShareMember): ShareCurrentRecord {
  const { memberId, memberEpoch, previousMemberEpoch, state, assigned } = member
  return {
    type: 'ShareGroupCurrentMemberAssignment',
    key: { groupId, memberId },
    value: {
      ...{ memberEpoch, previousMemberEpoch, state },
      assignedPartitions: topicPartitionsOf(assigned),
    },
  }
}

/** A list of topics with partitions, as records and answers have it. */
export interface TopicPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
}

export function partitionsOf(topics: readonly TopicPartitions[]): Partitions {
  return new Map(topics.map(({ topicId, partitions }) => [topicId, new Set(partitions)]))
}

export function topicPartitionsOf(all: Partitions): TopicPartitions[] {
  return [...all].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions].sort((a, b) => a - b),
  }))
}

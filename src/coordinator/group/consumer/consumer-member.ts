import type { CurrentRecord, CurrentValue, MemberRecord, MemberValue } from '../records.ts'

/** Partitions by topic id. */
export type Partitions = ReadonlyMap<string, ReadonlySet<number>>
/** By topic id and partition: the epoch in which the partition was assigned (KIP-1251). */
export type Assigned = ReadonlyMap<string, ReadonlyMap<number, number>>

export const nothingAssigned: Assigned = new Map()
export const noPartitions: Partitions = new Map()

/** Progress of a member towards its target assignment. Kafka: `MemberState`. */
export const memberStates = {
  stable: 0,
  /** The member must revoke partitions first. */
  unrevokedPartitions: 1,
  /** The member waits for partitions that other members still hold. */
  unreleasedPartitions: 2,
  unknown: 127,
} as const

/** The epoch in the heartbeat of a static member that leaves temporarily. */
export const leftForAWhile = -2

/** The data of the JoinGroup of a member that uses the classic protocol. */
export type ClassicMetadata = NonNullable<MemberValue['classicMemberMetadata']>

/** A member of a consumer group; immutable. Kafka: `ConsumerGroupMember`. */
export interface ConsumerMember {
  readonly memberId: string
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly state: number
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly rebalanceTimeoutMs: number
  readonly clientId: string
  readonly clientHost: string
  /** Sorted, without duplicates. */
  readonly subscribedTopicNames: readonly string[]
  /** Empty or null for none. */
  readonly subscribedTopicRegex: string | null
  readonly serverAssignor: string | null
  readonly assigned: Assigned
  readonly pendingRevocation: Assigned
  /** null for a member that uses the consumer protocol. */
  readonly classic: ClassicMetadata | null
}

export function newMember(memberId: string): ConsumerMember {
  return {
    memberId,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: memberStates.stable,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: -1,
    clientId: '',
    clientHost: '',
    subscribedTopicNames: [],
    subscribedTopicRegex: '',
    serverAssignor: null,
    assigned: nothingAssigned,
    pendingRevocation: nothingAssigned,
    classic: null,
  }
}

/** Returns whether the member holds its whole target assignment of this epoch. */
export function isReconciledTo(member: ConsumerMember, epoch: number): boolean {
  return member.state === memberStates.stable && member.memberEpoch === epoch
}

export const sortedNames = (names: readonly string[]) => [...new Set(names)].sort()

export function withMetadata(member: ConsumerMember, value: MemberValue): ConsumerMember {
  return {
    ...member,
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    subscribedTopicNames: sortedNames(value.subscribedTopicNames),
    subscribedTopicRegex: value.subscribedTopicRegex,
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    serverAssignor: value.serverAssignor,
    classic: value.classicMemberMetadata,
  }
}

export function withCurrent(member: ConsumerMember, value: CurrentValue): ConsumerMember {
  const known: readonly number[] = Object.values(memberStates)
  return {
    ...member,
    memberEpoch: value.memberEpoch,
    previousMemberEpoch: value.previousMemberEpoch,
    state: known.includes(value.state) ? value.state : memberStates.unknown,
    assigned: assignedOf(value.assignedPartitions, value.memberEpoch),
    pendingRevocation: assignedOf(value.partitionsPendingRevocation, value.memberEpoch),
  }
}

/** Decodes assigned partitions; older records lack assignment epochs: the member epoch counts. */
function assignedOf(topics: CurrentValue['assignedPartitions'], memberEpoch: number): Assigned {
  if (topics.length === 0) return nothingAssigned
  return new Map(
    topics.map(({ topicId, partitions, assignmentEpochs: epochs }) => [
      topicId,
      new Map(
        partitions.map((partition, i) => [
          partition,
          epochs?.length === partitions.length ? epochs[i]! : Math.max(memberEpoch, 0),
        ]),
      ),
    ]),
  )
}

export function memberRecord(groupId: string, member: ConsumerMember): MemberRecord {
  return {
    type: 'ConsumerGroupMemberMetadata',
    key: { groupId, memberId: member.memberId },
    value: {
      instanceId: member.instanceId,
      rackId: member.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      serverAssignor: member.serverAssignor,
      classicMemberMetadata: member.classic,
    },
  }
}

export function currentRecord(groupId: string, member: ConsumerMember): CurrentRecord {
  return {
    type: 'ConsumerGroupCurrentMemberAssignment',
    key: { groupId, memberId: member.memberId },
    value: {
      memberEpoch: member.memberEpoch,
      previousMemberEpoch: member.previousMemberEpoch,
      state: member.state,
      assignedPartitions: topicsOf(member.assigned),
      partitionsPendingRevocation: topicsOf(member.pendingRevocation),
    },
  }
}

function topicsOf(assigned: Assigned): CurrentValue['assignedPartitions'] {
  return [...assigned].map(([topicId, epochs]) => {
    const partitions = [...epochs.keys()].sort((a, b) => a - b)
    return { topicId, partitions, assignmentEpochs: partitions.map((p) => epochs.get(p)!) }
  })
}

/** Returns whether two members are equal except for epochs and assignments. */
export function sameMetadata(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    sameNames(a.subscribedTopicNames, b.subscribedTopicNames) &&
    a.subscribedTopicRegex === b.subscribedTopicRegex &&
    a.serverAssignor === b.serverAssignor &&
    sameClassic(a.classic, b.classic)
  )
}

export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((name, i) => name === b[i]))
}

function sameClassic(a: ClassicMetadata | null, b: ClassicMetadata | null): boolean {
  if (a === null || b === null) return a === b
  const [ours, theirs] = [a.supportedProtocols, b.supportedProtocols]
  return (
    a.sessionTimeoutMs === b.sessionTimeoutMs &&
    ours.length === theirs.length &&
    ours.every(({ name, metadata }, i) => {
      const other = theirs[i]!
      return name === other.name && metadata.equals(other.metadata)
    })
  )
}

export function sameAssigned(a: Assigned, b: Assigned): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, ours] of a) {
    const theirs = b.get(topicId)
    if (theirs === undefined || theirs.size !== ours.size) return false
    for (const [partition, epoch] of ours) if (theirs.get(partition) !== epoch) return false
  }
  return true
}

export function samePartitions(a: Partitions, b: Partitions): boolean {
  if (a.size !== b.size) return false
  for (const [topicId, ours] of a) {
    const theirs = b.get(topicId)
    if (theirs === undefined || theirs.size !== ours.size) return false
    for (const partition of ours) if (!theirs.has(partition)) return false
  }
  return true
}

import { ApiError } from '../../../protocol/errors.ts'
import {
  type Assigned,
  type ConsumerMember,
  memberStates,
  nothingAssigned,
  type Partitions,
} from './consumer-member.ts'

/** The partitions that a member reports to own; null if the heartbeat omits them. */
export type Owned =
  | readonly { readonly topicId: string; readonly partitions: readonly number[] }[]
  | null

export interface Surroundings {
  readonly targetEpoch: number
  readonly target: Partitions
  /** The topics that the member subscribes to; it gets partitions of no others. */
  readonly subscribedTopicIds: ReadonlySet<string>
  /** Whether the subscription changed since the last heartbeat. */
  readonly hasSubscriptionChanged: boolean
  readonly owned: Owned
  /** Returns whether any member still holds the partition. */
  isHeld(topicId: string, partition: number): boolean
}

/**
 * Returns the member after the next step towards its target, or the member itself if nothing
 * changes: it first revokes partitions that left its target, then gets new ones once other members
 * have released them. Kafka: `CurrentAssignmentBuilder`.
 *
 * @throws ApiError FENCED_MEMBER_EPOCH for a member in a state of a later release.
 */
export function nextAssignment(member: ConsumerMember, around: Surroundings): ConsumerMember {
  switch (member.state) {
    case memberStates.stable:
      if (member.memberEpoch !== around.targetEpoch) return advance(member, around)
      return around.hasSubscriptionChanged ? dropUnsubscribed(member, around) : member
    case memberStates.unrevokedPartitions:
      if (!ownsAny(around.owned, member.pendingRevocation)) return advance(member, around)
      return around.hasSubscriptionChanged ? dropUnsubscribed(member, around) : member
    case memberStates.unreleasedPartitions:
      return advance(member, around)
    default:
      if (around.owned?.length !== 0) {
        throw new ApiError(
          'FENCED_MEMBER_EPOCH',
          'The consumer group member is in a unknown state. ' +
            'The member must abandon all its partitions and rejoin.',
        )
      }
      return advance({ ...member, memberEpoch: around.targetEpoch }, around, member.memberEpoch)
  }
}

/** Returns whether the member may still own any of the partitions; true if it reports nothing. */
function ownsAny(owned: Owned, assigned: Assigned): boolean {
  if (owned === null) return true
  return owned.some(({ topicId, partitions }) => {
    const pending = assigned.get(topicId)
    return pending !== undefined && partitions.some((partition) => pending.has(partition))
  })
}

/** Revokes the partitions of unsubscribed topics; member epoch and target stay as they are. */
function dropUnsubscribed(member: ConsumerMember, around: Surroundings): ConsumerMember {
  const assigned = new Map(member.assigned)
  const pendingRevocation = new Map(member.pendingRevocation)
  for (const [topicId, epochs] of member.assigned) {
    if (around.subscribedTopicIds.has(topicId)) continue
    assigned.delete(topicId)
    pendingRevocation.set(topicId, new Map([...(pendingRevocation.get(topicId) ?? []), ...epochs]))
  }
  if (assigned.size === member.assigned.size) return member
  const updated = { ...member, previousMemberEpoch: member.memberEpoch, assigned }
  if (!ownsAny(around.owned, pendingRevocation)) return updated
  return { ...updated, state: memberStates.unrevokedPartitions, pendingRevocation }
}

function advance(
  member: ConsumerMember,
  around: Surroundings,
  previousMemberEpoch = member.memberEpoch,
): ConsumerMember {
  const { kept, revoked, added, hasUnreleased } = compare(member, around)
  const next = { ...member, previousMemberEpoch }
  if (revoked.size > 0 && ownsAny(around.owned, revoked)) {
    const state = memberStates.unrevokedPartitions
    return { ...next, state, assigned: kept, pendingRevocation: revoked }
  }
  const assigned = new Map(kept)
  for (const [topicId, partitions] of added) {
    const epochs = new Map(assigned.get(topicId))
    for (const partition of partitions) epochs.set(partition, around.targetEpoch)
    assigned.set(topicId, epochs)
  }
  return {
    ...next,
    state: hasUnreleased ? memberStates.unreleasedPartitions : memberStates.stable,
    memberEpoch: around.targetEpoch,
    assigned,
    pendingRevocation: nothingAssigned,
  }
}

/** Compares the member's partitions with its target, topic by topic. */
function compare(member: ConsumerMember, around: Surroundings) {
  const kept = new Map<string, ReadonlyMap<number, number>>()
  const revoked = new Map<string, ReadonlyMap<number, number>>()
  const added = new Map<string, readonly number[]>()
  let hasUnreleased = false
  for (const topicId of new Set([...around.target.keys(), ...member.assigned.keys()])) {
    const isWanted = around.subscribedTopicIds.has(topicId)
    const target = (isWanted ? around.target.get(topicId) : undefined) ?? new Set<number>()
    const current = member.assigned.get(topicId) ?? new Map<number, number>()
    const keep = new Map([...current].filter(([partition]) => target.has(partition)))
    const revoke = new Map([...current].filter(([partition]) => !target.has(partition)))
    const isMine = (partition: number) => member.pendingRevocation.get(topicId)?.has(partition)
    const missing = [...target].filter((partition) => !keep.has(partition))
    const free = missing.filter((p) => !around.isHeld(topicId, p) || isMine(p))
    if (free.length < missing.length) hasUnreleased = true
    if (keep.size > 0) kept.set(topicId, keep)
    if (revoke.size > 0) revoked.set(topicId, revoke)
    if (free.length > 0) added.set(topicId, free)
  }
  return { kept, revoked, added, hasUnreleased }
}

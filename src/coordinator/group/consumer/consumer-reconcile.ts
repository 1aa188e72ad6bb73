import { assert } from '../../../base/assert.ts'
import { javaHashMapOrder } from '../../../base/java-hash.ts'
import type { AssignedMember } from '../assign/assignor.ts'
import { assignors } from '../assign/assignors.ts'
import { consumerAssignmentIntervalMs } from '../config.ts'
import type { Draft, ShardContext } from '../group.ts'
import { rebalanceTimer } from '../timer-keys.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import {
  type ConsumerMember,
  currentRecord,
  isReconciledTo,
  memberStates,
  noPartitions,
  type Partitions,
  sameAssigned,
  samePartitions,
} from './consumer-member.ts'
import { nextAssignment, type Owned } from './current-assignment.ts'
import { Subscriptions } from './subscriptions.ts'
import { TopicHashes } from './topic-hash.ts'

/** A member before and after a request. */
export interface Change {
  readonly group: ConsumerGroup
  readonly before: ConsumerMember
  readonly after: ConsumerMember
  /** The static member, with another member id, that this member replaces. */
  readonly replacedId: string | null
}

export interface Epoch {
  readonly groupEpoch: number
  readonly isHomogeneous: boolean
}

export interface Target {
  readonly epoch: number
  readonly partitions: Partitions
}

/**
 * The three steps of a rebalance (KIP-848): bump the group epoch, compute the target assignment,
 * and reconcile each member with its target.
 */
export class ConsumerReconcile {
  private readonly shard: ShardContext
  readonly hashes: TopicHashes

  constructor(shard: ShardContext) {
    this.shard = shard
    this.hashes = new TopicHashes(shard.topics)
  }

  /** Returns the subscriptions of the members after the change. */
  subscriptionsAfter(change: Change): Subscriptions {
    const { group, before, after } = change
    const resolved = new Map(group.regexes)
    const old = before.subscribedTopicRegex
    const isLast = old && (group.subscriptions.regexes.get(old) ?? 0) === 1
    if (isLast && old !== after.subscribedTopicRegex) resolved.delete(old)
    return Subscriptions.of(this.membersAfter(change).values(), resolved)
  }

  private membersAfter({ group, after, replacedId }: Change): Map<string, ConsumerMember> {
    const members = new Map(group.members)
    if (replacedId !== null) members.delete(replacedId)
    return members.set(after.memberId, after)
  }

  /** Bumps the group epoch if the topic hash or the members' subscriptions changed. */
  refreshEpoch(change: Change, isChanged: boolean, out: Draft): Epoch {
    const { group } = change
    const { groupId } = group
    const wanted = this.subscriptionsAfter(change)
    const metadataHash = this.hashes.ofGroup(wanted.topics.keys())
    const isNew = isChanged || metadataHash !== group.metadataHash
    const groupEpoch = group.groupEpoch + (isNew ? 1 : 0)
    if (isNew) this.bumpEpoch(group, groupEpoch, metadataHash, out)
    group.markFresh(groupEpoch)
    if (group.hasPartitionMetadata) {
      out.records.push({
        type: 'ConsumerGroupPartitionMetadata',
        key: { groupId },
        value: null,
      })
    }
    return { groupEpoch, isHomogeneous: wanted.isHomogeneous() }
  }

  bumpEpoch({ groupId }: ConsumerGroup, epoch: number, metadataHash: bigint, out: Draft): void {
    this.shard.logger.debug('a consumer group begins a new epoch', { group: groupId, epoch })
    out.records.push({
      type: 'ConsumerGroupMetadata',
      key: { groupId },
      value: { epoch, metadataHash },
    })
  }

  /**
   * Returns the member's target; computes a new target assignment for all members if the group
   * epoch is new and the assignment interval (ms) has passed.
   */
  updateTarget(change: Change, epoch: Epoch, out: Draft, nowMs: number): Target {
    const { group, after } = change
    const intervalMs = consumerAssignmentIntervalMs(this.shard.config, group.groupId)
    const isTooSoon =
      group.assignmentTimestampMs !== 0 &&
      intervalMs !== 0 &&
      nowMs < group.assignmentTimestampMs + intervalMs
    if (group.assignmentEpoch >= epoch.groupEpoch || isTooSoon) {
      const partitions = group.targetOf(after.memberId, after.instanceId)
      return { epoch: group.assignmentEpoch, partitions }
    }
    const partitions = this.assign(change, epoch, out, nowMs)
    return { epoch: epoch.groupEpoch, partitions }
  }

  private assign(change: Change, epoch: Epoch, out: Draft, nowMs: number): Partitions {
    const { group, after } = change
    const { groupId } = group
    const { topics, config } = this.shard
    const wanted = this.subscriptionsAfter(change)
    const assign = assignors.get(wanted.preferredAssignor() ?? config.groupConsumerAssignors[0]!)
    assert(assign !== undefined, `no assignor for group ${groupId}`)
    const all = this.membersAfter(change)
    const members = new Map<string, AssignedMember>()
    for (const memberId of javaHashMapOrder(all.keys())) {
      const member = all.get(memberId)!
      members.set(memberId, {
        instanceId: member.instanceId,
        rackId: member.rackId,
        topicIds: this.topicIdsOf(group, member),
        target: group.targetOf(memberId, member.instanceId),
      })
    }
    const partitionCount = (topicId: string) => topics.byId(topicId)?.partitionCount ?? 0
    const targets = assign({ members, isHomogeneous: epoch.isHomogeneous, partitionCount })
    for (const memberId of members.keys()) {
      const target = targets.get(memberId) ?? noPartitions
      const isHandedOn = memberId === after.memberId && change.replacedId !== null
      const old = isHandedOn ? group.targets.get(change.replacedId!) : group.targets.get(memberId)
      if (old === undefined || !samePartitions(old, target)) {
        out.records.push(targetRecord(groupId, memberId, target))
      }
    }
    out.records.push({
      type: 'ConsumerGroupTargetAssignmentMetadata',
      key: { groupId },
      value: { assignmentEpoch: epoch.groupEpoch, assignmentTimestamp: nowMs },
    })
    return targets.get(after.memberId) ?? noPartitions
  }

  /** Returns the ids of existing topics that a member subscribes to, by name and by expression. */
  private topicIdsOf(group: ConsumerGroup, member: ConsumerMember): ReadonlySet<string> {
    const resolved = group.regexes.get(member.subscribedTopicRegex ?? '')?.topics ?? []
    const names = [...member.subscribedTopicNames, ...resolved]
    return new Set(names.flatMap((name) => this.shard.topics.byName(name)?.id ?? []))
  }

  /** Moves the member one step towards its target. */
  reconcile(
    group: ConsumerGroup,
    member: ConsumerMember,
    target: Target,
    options: { readonly hasSubscriptionChanged: boolean; readonly owned: Owned },
    out: Draft,
    nowMs: number,
  ): ConsumerMember {
    if (!options.hasSubscriptionChanged && isReconciledTo(member, target.epoch)) return member
    const next = nextAssignment(member, {
      targetEpoch: target.epoch,
      target: target.partitions,
      subscribedTopicIds: this.topicIdsOf(group, member),
      hasSubscriptionChanged: options.hasSubscriptionChanged,
      owned: options.owned,
      isHeld: (topicId, partition) => group.isHeld(topicId, partition),
    })
    if (!hasMoved(member, next)) return member
    out.records.push(currentRecord(group.groupId, next))
    if (next.classic === null) this.watchRevocation(group, next, out, nowMs)
    return next
  }

  /**
   * Sets or clears the timer that removes a member which does not revoke its partitions within its
   * rebalance timeout.
   */
  watchRevocation({ groupId }: ConsumerGroup, member: ConsumerMember, out: Draft, nowMs: number) {
    const { memberId, memberEpoch } = member
    const timer = rebalanceTimer(groupId, memberId)
    if (member.state !== memberStates.unrevokedPartitions) out.clearTimer(timer)
    else {
      out.setTimer(timer, nowMs + member.rebalanceTimeoutMs, {
        kind: 'consumerRebalanceExpired',
        groupId,
        memberId,
        memberEpoch,
      })
    }
  }
}

function hasMoved(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a !== b &&
    !(
      a.memberEpoch === b.memberEpoch &&
      a.previousMemberEpoch === b.previousMemberEpoch &&
      a.state === b.state &&
      sameAssigned(a.assigned, b.assigned) &&
      sameAssigned(a.pendingRevocation, b.pendingRevocation)
    )
  )
}

export function targetRecord(groupId: string, memberId: string, target: Partitions) {
  return {
    type: 'ConsumerGroupTargetAssignmentMember',
    key: { groupId, memberId },
    value: {
      topicPartitions: [...target].map(([topicId, partitions]) => ({
        topicId,
        partitions: [...partitions].sort((a, b) => a - b),
      })),
    },
  } as const
}

export function regexTombstone(groupId: string, regularExpression: string) {
  const key = { groupId, regularExpression }
  return { type: 'ConsumerGroupRegularExpression', key, value: null } as const
}

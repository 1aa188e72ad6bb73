import { ApiError } from '../../../protocol/errors.ts'
import { ClassicGroup } from '../classic/classic-group.ts'
import { joinError, metadataOf, syncError } from '../classic/classic-member.ts'
import type { ClassicRebalance } from '../classic/classic-rebalance.ts'
import { type Draft, type Group, groupNotFound, type ShardContext } from '../group.ts'
import type { GroupRecord } from '../records.ts'
import { consumerTimers, sessionTimer } from '../timer-keys.ts'
import { ConsumerGroup } from './consumer-group.ts'
import {
  type Assigned,
  type ConsumerMember,
  currentRecord,
  memberRecord,
  memberStates,
  noPartitions,
  nothingAssigned,
  type Partitions,
  sortedNames,
} from './consumer-member.ts'
import { readAssignment, readSubscription, writeAssignment } from './consumer-protocol.ts'
import { targetRecord } from './consumer-reconcile.ts'
import { TopicHashes } from './topic-hash.ts'

/**
 * Online change of a group's protocol: upgrade when the first member with the consumer protocol
 * joins, downgrade when the last one leaves (KIP-848, `group.consumer.migration.policy`).
 */
export class Migration {
  private readonly shard: ShardContext
  private readonly rebalance: ClassicRebalance
  private readonly hashes: TopicHashes

  constructor(shard: ShardContext, rebalance: ClassicRebalance) {
    this.shard = shard
    this.rebalance = rebalance
    this.hashes = new TopicHashes(shard.topics)
  }

  /**
   * Upgrades a classic group to a consumer group. Returns the group that the records describe; it
   * is replaced when they are replayed.
   *
   * @throws ApiError GROUP_ID_NOT_FOUND if the policy or the members' assignor forbid it.
   */
  upgrade(group: Group, out: Draft, nowMs: number): ConsumerGroup {
    const { groupId } = group
    if (!(group instanceof ClassicGroup)) throw groupNotFound(groupId, group, 'consumer')
    if (group.isEmpty()) {
      group.remove(out)
      return new ConsumerGroup(groupId)
    }
    this.checkUpgrade(group)
    const members = this.membersOf(group)
    group.remove(out)
    const records = this.recordsOf(group, members)
    out.records.push(...records)
    const upgraded = new ConsumerGroup(groupId)
    for (const record of records) upgraded.replay(record as Parameters<ConsumerGroup['replay']>[0])
    for (const { memberId, classic } of members) {
      const command = { kind: 'consumerSessionExpired', groupId, memberId } as const
      out.setTimer(sessionTimer(groupId, memberId), nowMs + classic!.sessionTimeoutMs, command)
    }
    this.shard.logger.info('a classic group became a consumer group', { group: groupId })
    return upgraded
  }

  /**
   * Answers the parked requests of the classic group, so that its members rejoin the new group.
   * Call it only when nothing after it can fail.
   */
  release(group: Group | undefined, out: Draft): void {
    if (!(group instanceof ClassicGroup)) return
    for (const member of group.members.values()) {
      group.answerJoin(out, member, joinError('REBALANCE_IN_PROGRESS', member.memberId))
      group.answerSync(out, member, syncError('REBALANCE_IN_PROGRESS'))
    }
  }

  private checkUpgrade(group: ClassicGroup): void {
    const policy = this.shard.config.groupConsumerMigrationPolicy
    const isAllowed = policy === 'bidirectional' || policy === 'upgrade'
    if (!isAllowed) throw cannotUpgrade(group, 'because online upgrade is disabled.')
    if (!group.usesConsumerProtocol()) {
      throw cannotUpgrade(group, 'because the group does not use the consumer embedded protocol.')
    }
    if (group.members.size > this.shard.config.groupConsumerMaxSize) {
      throw cannotUpgrade(group, 'because the group size exceeds the consumer group maximum size.')
    }
  }

  private membersOf(group: ClassicGroup): ConsumerMember[] {
    try {
      return [...group.members.values()].map((member) => {
        const subscription = readSubscription(metadataOf(member, group.protocolName))
        return {
          memberId: member.memberId,
          memberEpoch: group.generationId,
          previousMemberEpoch: group.generationId,
          state: memberStates.stable,
          instanceId: member.groupInstanceId,
          rackId: subscription.rackId,
          rebalanceTimeoutMs: member.rebalanceTimeoutMs,
          clientId: member.clientId,
          clientHost: member.clientHost,
          subscribedTopicNames: sortedNames(subscription.topics),
          subscribedTopicRegex: '',
          serverAssignor: null,
          assigned: this.assignedOf(group, member.assignment),
          pendingRevocation: nothingAssigned,
          classic: {
            sessionTimeoutMs: member.sessionTimeoutMs,
            supportedProtocols: member.protocols,
          },
        }
      })
    } catch (error) {
      if (error instanceof ApiError) throw error
      throw cannotUpgrade(group, 'because the embedded consumer protocol is malformed.')
    }
  }

  /** Decodes an assignment; omits deleted topics. */
  private assignedOf(group: ClassicGroup, assignment: Buffer): Assigned {
    if (assignment.byteLength === 0) return nothingAssigned
    const { assignedPartitions, userData } = readAssignment(assignment)
    if (userData !== null && userData.byteLength > 0) {
      throw cannotUpgrade(
        group,
        'because an unsupported custom assignor is in use. Please refer to the documentation or ' +
          'switch to a default assignor before re-attempting the upgrade.',
      )
    }
    const { topics } = this.shard
    return new Map(
      assignedPartitions.flatMap(({ topic, partitions }) => {
        const id = topics.byName(topic)?.id
        if (id === undefined) return []
        const epochs = partitions.map((partition) => [partition, group.generationId] as const)
        return [[id, new Map(epochs)] as const]
      }),
    )
  }

  private recordsOf({ groupId, generationId }: ClassicGroup, members: readonly ConsumerMember[]) {
    const names = new Set(members.flatMap(({ subscribedTopicNames }) => subscribedTopicNames))
    const target = ({ assigned }: ConsumerMember): Partitions =>
      new Map([...assigned].map(([topicId, epochs]) => [topicId, new Set(epochs.keys())]))
    const records: GroupRecord[] = [
      ...members.map((member) => memberRecord(groupId, member)),
      {
        type: 'ConsumerGroupMetadata',
        key: { groupId },
        value: { epoch: generationId, metadataHash: this.hashes.ofGroup(names) },
      },
      ...members.map((member) => targetRecord(groupId, member.memberId, target(member))),
      {
        type: 'ConsumerGroupTargetAssignmentMetadata',
        key: { groupId },
        value: { assignmentEpoch: generationId, assignmentTimestamp: 0 },
      },
      ...members.map((member) => currentRecord(groupId, member)),
    ]
    return records
  }

  /**
   * Downgrades the group if without these members none uses the consumer protocol.
   *
   * @returns false if the group stays a consumer group.
   */
  downgradeWithout(
    group: ConsumerGroup,
    leaving: readonly ConsumerMember[],
    out: Draft,
    nowMs: number,
  ): boolean {
    const ids = new Set(leaving.map(({ memberId }) => memberId))
    const staying = [...group.members.values()].filter(({ memberId }) => !ids.has(memberId))
    if (staying.length === 0 || staying.some(({ classic }) => classic === null)) return false
    if (!this.mayDowngrade(staying.length)) return false
    for (const { memberId } of leaving) {
      for (const timer of consumerTimers(group.groupId, memberId)) out.clearTimer(timer)
    }
    group.tombstones(out, (memberId) => memberId)
    const targetOf = ({ memberId }: ConsumerMember) => group.targets.get(memberId) ?? noPartitions
    const reason = 'downgraded from consumer to classic because a member left'
    this.becomeClassic(group, staying, targetOf, reason, out, nowMs)
    return true
  }

  /** Returns whether the replaced static member is the last that uses the consumer protocol. */
  mayDowngradeFor(group: ConsumerGroup, replaced: ConsumerMember | null): boolean {
    if (replaced === null || replaced.classic !== null) return false
    const { classicMembers, memberCount } = group.subscriptions
    return classicMembers === memberCount - 1 && this.mayDowngrade(memberCount)
  }

  /** Downgrades the group when a classic member replaces a static member. */
  downgradeFor(
    group: ConsumerGroup,
    options: {
      readonly replaced: ConsumerMember
      readonly joining: ConsumerMember
      readonly reason: string | null
    },
    out: Draft,
    nowMs: number,
  ): void {
    const { replaced, joining } = options
    group.tombstones(out, (memberId) =>
      memberId === replaced.memberId ? joining.memberId : memberId,
    )
    const others = [...group.members.values()].filter((member) => member !== replaced)
    const targetOf = ({ memberId }: ConsumerMember) =>
      group.targets.get(memberId === joining.memberId ? replaced.memberId : memberId) ??
      noPartitions
    this.becomeClassic(group, [...others, joining], targetOf, options.reason, out, nowMs)
  }

  private mayDowngrade(memberCount: number): boolean {
    const { groupConsumerMigrationPolicy: policy, groupMaxSize } = this.shard.config
    return (policy === 'bidirectional' || policy === 'downgrade') && memberCount <= groupMaxSize
  }

  /** @param reason the reason to rebalance at once; null to keep the current assignment. */
  private becomeClassic(
    group: ConsumerGroup,
    members: readonly ConsumerMember[],
    targetOf: (member: ConsumerMember) => Partitions,
    reason: string | null,
    out: Draft,
    nowMs: number,
  ): void {
    const classic = new ClassicGroup(group.groupId, nowMs)
    classic.generationId = group.groupEpoch
    for (const member of members) classic.add(classicMember(member))
    classic.protocolName = classic.selectProtocol()
    classic.state = 'Stable'
    classic.learnTopics()
    const assignments = new Map<string, Buffer>()
    for (const member of members) {
      const mine = classic.members.get(member.memberId)!
      mine.assignment = this.embedded(targetOf(member), metadataOf(mine, classic.protocolName))
      assignments.set(member.memberId, mine.assignment)
      for (const timer of consumerTimers(group.groupId, member.memberId)) out.clearTimer(timer)
      this.rebalance.restartSession(classic, mine, out, nowMs)
    }
    out.records.push(classic.record(assignments))
    this.shard.arriving.set(group.groupId, classic)
    if (reason !== null) this.rebalance.prepare(classic, reason, out, nowMs)
    this.shard.logger.info('a consumer group became a classic group', { group: group.groupId })
  }

  /** Encodes a target in the format of the consumer protocol type. */
  embedded(target: Partitions | Assigned, subscription: Buffer): Buffer {
    const { topics } = this.shard
    const assignedPartitions = [...target].flatMap(([topicId, partitions]) => {
      const topic = topics.byId(topicId)?.name
      return topic === undefined ? [] : [{ topic, partitions: [...partitions.keys()] }]
    })
    return writeAssignment(assignedPartitions, subscription)
  }
}

function classicMember(member: ConsumerMember) {
  return {
    memberId: member.memberId,
    groupInstanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    sessionTimeoutMs: member.classic!.sessionTimeoutMs,
    protocolType: 'consumer',
    protocols: member.classic!.supportedProtocols,
    assignment: Buffer.alloc(0),
    awaitingJoin: null,
    awaitingSync: null,
    isNew: false,
  }
}

function cannotUpgrade({ groupId }: ClassicGroup, why: string): ApiError {
  const detail = `Cannot upgrade classic group ${groupId} to consumer group ${why}`
  return new ApiError('GROUP_ID_NOT_FOUND', detail)
}

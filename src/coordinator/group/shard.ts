import { unreachable } from '../../base/assert.ts'
import type { Logger } from '../../base/logger.ts'
import { type Machine, OutcomeDraft } from '../../machine/machine.ts'
import { Refusal } from '../../protocol/errors.ts'
import type { TopicView } from '../coordinator-log.ts'
import { ClassicGroup } from './classic-group.ts'
import { ClassicInConsumer } from './classic-in-consumer.ts'
import { joinError } from './classic-member.ts'
import { ClassicProtocol } from './classic-protocol.ts'
import { ClassicRebalance } from './classic-rebalance.ts'
import type { GroupCommand } from './commands.ts'
import type { GroupConfig } from './config.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { ConsumerMembership } from './consumer-membership.ts'
import { ConsumerReconcile } from './consumer-reconcile.ts'
import type { Draft, Group, ShardContext } from './group.ts'
import { GroupAdmin } from './group-admin.ts'
import { Migration } from './migration.ts'
import { Offsets } from './offsets.ts'
import type { ConsumerRecord, GroupMetadataRecord, GroupRecord } from './records.ts'
import { Regexes } from './regexes.ts'

type Command<K extends GroupCommand['kind']> = Extract<GroupCommand, { kind: K }>

const cleanUpTimer = 'clean-up'

/**
 * The groups of one partition of `__consumer_offsets`. Hard state is what its records say: offsets,
 * and of each classic group the record written last. Everything else about a classic group lives
 * between two records and is forgotten by a restart, as Kafka's is.
 */
export class GroupShard implements Machine<GroupCommand, GroupRecord>, ShardContext {
  readonly groups = new Map<string, Group>()
  readonly arriving = new Map<string, Group>()
  readonly config: GroupConfig
  readonly logger: Logger
  readonly topics: TopicView
  readonly offsets = new Offsets()
  private readonly rebalance: ClassicRebalance
  private readonly classic: ClassicProtocol
  private readonly admin: GroupAdmin
  private readonly regexes: Regexes
  private readonly membership: ConsumerMembership
  private readonly classicInConsumer: ClassicInConsumer
  private isLoaded = false
  /** The wall clock as of the command at hand: what groups that replay makes count from. */
  private nowMs = 0

  constructor(o: {
    readonly config: GroupConfig
    readonly logger: Logger
    readonly topics: TopicView
  }) {
    this.config = o.config
    this.logger = o.logger
    this.topics = o.topics
    this.rebalance = new ClassicRebalance(this)
    this.classic = new ClassicProtocol(this, this.rebalance)
    this.admin = new GroupAdmin(this, this.offsets)
    const migration = new Migration(this, this.rebalance)
    const reconcile = new ConsumerReconcile(this)
    const regexes = new Regexes(this, reconcile)
    const membership = new ConsumerMembership(this, { reconcile, regexes, migration })
    this.regexes = regexes
    this.membership = membership
    const parts = { membership, reconcile, regexes, migration }
    this.classicInConsumer = new ClassicInConsumer(this, parts)
  }

  decide(command: GroupCommand, nowMs: number): Draft {
    this.nowMs = nowMs
    const out: Draft = new OutcomeDraft()
    try {
      this.dispatch(command, out, nowMs)
      return out
    } catch (error) {
      if (!(error instanceof Refusal) || !('to' in command)) throw error
      // What was decided so far is void.
      const refused: Draft = new OutcomeDraft()
      refused.reply(command.to as (answer: Refusal) => void, error)
      return refused
    }
  }

  private dispatch(command: GroupCommand, out: Draft, nowMs: number): void {
    switch (command.kind) {
      case 'join':
        return this.join(command, out, nowMs)
      case 'sync':
      case 'heartbeat':
      case 'leave':
        return this.memberRequest(command, out, nowMs)
      case 'consumerHeartbeat':
        return this.consumerHeartbeat(command, out, nowMs)
      case 'describeConsumer':
        return this.admin.describeConsumer(command, out)
      case 'commitOffsets':
        return this.commitOffsets(command, out, nowMs)
      case 'endTransaction':
        out.records.push({ type: 'TransactionMarker', ...command.marker })
        out.reply(command.to, true)
        return
      case 'fetchOffsets':
        return this.fetchOffsets(command, out)
      case 'deleteOffsets':
        return this.admin.deleteOffsets(command, out)
      case 'describe':
        return this.admin.describe(command, out)
      case 'list':
        return this.admin.list(command, out)
      case 'delete':
        return this.admin.delete(command, out)
      case 'topicsDeleted':
        out.records.push(...this.offsets.ofDeletedTopics(command.topics))
        return
      case 'loaded':
        return this.loaded(out, nowMs)
      case 'cleanUp':
        return this.cleanUp(out, nowMs)
      case 'topicsChanged':
        return this.topicsChanged(command)
      case 'resolveRegexes':
        return this.regexes.resolve(command, out, nowMs)
      case 'consumerSessionExpired':
      case 'consumerRebalanceExpired':
        return this.membership.timer(command, out, nowMs)
      case 'classicSessionExpired':
      case 'classicInitialDelayOver':
      case 'classicJoinExpired':
      case 'classicSyncExpired':
      case 'classicAssignmentRefused':
        return this.classicTimer(command, out, nowMs)
      default:
        return unreachable(command)
    }
  }

  private classicTimer(
    command: Extract<GroupCommand, { kind: `classic${string}` }>,
    out: Draft,
    nowMs: number,
  ): void {
    const group = this.groups.get(command.groupId)
    if (!(group instanceof ClassicGroup)) return
    switch (command.kind) {
      case 'classicSessionExpired':
        return this.rebalance.sessionExpired(group, command.memberId, out, nowMs)
      case 'classicInitialDelayOver':
        return this.rebalance.initialDelayOver(group, command, out, nowMs)
      case 'classicJoinExpired':
        return this.rebalance.completeJoin(group, out, nowMs)
      case 'classicSyncExpired':
        return this.rebalance.syncExpired(group, command.generationId, out, nowMs)
      case 'classicAssignmentRefused':
        return this.rebalance.assignmentRefused(group, out, nowMs)
    }
  }

  private join(command: Command<'join'>, out: Draft, nowMs: number): void {
    const { groupId, memberId } = command.request
    let found = this.groups.get(groupId)
    if (found instanceof ConsumerGroup) {
      if (!found.isEmpty()) return this.classicInConsumer.join(found, command, out, nowMs)
      // Nobody is left: the group may as well be a classic one from now on.
      found.remove(out)
      found = undefined
    }
    if (found === undefined && memberId !== '') {
      out.reply(command.to, joinError('UNKNOWN_MEMBER_ID', memberId))
      return
    }
    const group = found ?? new ClassicGroup(groupId, nowMs)
    if (!(group instanceof ClassicGroup)) throw new Refusal('INCONSISTENT_GROUP_PROTOCOL')
    this.classic.join(group, command, out, nowMs)
    if (found !== undefined) return
    // That the log can be written is known before the first member relies on it.
    out.records.push(emptyRecord(groupId, nowMs))
    this.arriving.set(groupId, group)
  }

  private newClassic(groupId: string, nowMs: number): ClassicGroup {
    const group = new ClassicGroup(groupId, nowMs)
    this.groups.set(groupId, group)
    return group
  }

  /** @throws Refusal UNKNOWN_MEMBER_ID where there is no group to be a member of. */
  private memberRequest(
    command: Command<'sync' | 'heartbeat' | 'leave'>,
    out: Draft,
    nowMs: number,
  ): void {
    const group = this.groups.get(command.request.groupId)
    if (group === undefined) throw new Refusal('UNKNOWN_MEMBER_ID')
    switch (command.kind) {
      case 'sync':
        return group instanceof ClassicGroup
          ? this.classic.sync(group, command, out, nowMs)
          : this.classicInConsumer.sync(group as ConsumerGroup, command, out, nowMs)
      case 'heartbeat':
        return group instanceof ClassicGroup
          ? this.classic.heartbeat(group, command, out, nowMs)
          : this.classicInConsumer.heartbeat(group as ConsumerGroup, command, out, nowMs)
      case 'leave':
        return group instanceof ClassicGroup
          ? this.classic.leave(group, command, out, nowMs)
          : this.classicInConsumer.leave(group as ConsumerGroup, command, out, nowMs)
    }
  }

  private consumerHeartbeat(command: Command<'consumerHeartbeat'>, out: Draft, nowMs: number) {
    if (command.request.memberEpoch < 0) this.membership.leave(command, out, nowMs)
    else this.membership.heartbeat(command, out, nowMs)
  }

  private topicsChanged({ names, hasNew }: Command<'topicsChanged'>): void {
    if (hasNew) this.regexes.topicsCame(this.topics.version)
    for (const group of this.groups.values()) {
      if (!(group instanceof ConsumerGroup)) continue
      for (const name of group.subscriptions.topics.keys())
        if (names.has(name)) group.requestRefresh()
    }
  }

  private commitOffsets(command: Command<'commitOffsets'>, out: Draft, nowMs: number): void {
    const { request, apiVersion, producer } = command
    const group = this.groups.get(request.groupId) ?? this.committer(command, nowMs)
    const check = group.validateOffsetCommit({
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      generationIdOrMemberEpoch: request.generationIdOrMemberEpoch,
      isTransactional: producer !== undefined,
      apiVersion,
    })
    const { records, result } = this.offsets.commit(request, {
      check,
      metadataBytesMax: this.config.offsetMetadataMaxBytes,
      nowMs,
      producer,
    })
    if (group instanceof ClassicGroup && producer === undefined) {
      this.classic.committed(group, request.memberId, out, nowMs)
    }
    out.records.push(...records)
    out.reply(command.to, result)
  }

  /** A commit to a group that there is not: one without members may keep offsets in it. */
  private committer(command: Command<'commitOffsets'>, nowMs: number): Group {
    const { request, apiVersion, producer } = command
    if (request.generationIdOrMemberEpoch >= 0) {
      // TxnOffsetCommit knows GROUP_ID_NOT_FOUND from v6 on, OffsetCommit from v9 on.
      const isKnown = apiVersion >= (producer === undefined ? 9 : 6)
      throw new Refusal(isKnown ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION')
    }
    return this.newClassic(request.groupId, nowMs)
  }

  private fetchOffsets({ request, to }: Command<'fetchOffsets'>, out: Draft): void {
    const group = this.groups.get(request.groupId)
    group?.validateOffsetFetch(request.memberId, request.memberEpoch)
    out.reply(to, this.offsets.fetch(request, group !== undefined))
  }

  private loaded(out: Draft, nowMs: number): void {
    this.isLoaded = true
    for (const group of this.groups.values()) {
      if (group instanceof ClassicGroup) this.rebalance.loaded(group, out, nowMs)
      else this.membership.loaded(group as ConsumerGroup, out, nowMs)
    }
    this.scheduleCleanUp(out, nowMs)
  }

  private cleanUp(out: Draft, nowMs: number): void {
    for (const group of this.groups.values()) {
      const { records, isAll } = this.offsets.expire(group, nowMs, this.config.offsetsRetentionMs)
      out.records.push(...records)
      if (isAll && group.isEmpty()) group.remove(out)
    }
    if (out.records.length > 0) {
      this.logger.info('removed expired offsets and empty groups', { records: out.records.length })
    }
    this.scheduleCleanUp(out, nowMs)
  }

  private scheduleCleanUp(out: Draft, nowMs: number): void {
    const atMs = nowMs + this.config.offsetsRetentionCheckIntervalMs
    out.setTimer(cleanUpTimer, atMs, { kind: 'cleanUp' })
  }

  replay(record: GroupRecord): void {
    switch (record.type) {
      case 'OffsetCommit':
        if (record.value !== null && !this.groups.has(record.key.group)) {
          this.newClassic(record.key.group, this.nowMs)
        }
        this.offsets.replay(record)
        return
      case 'TransactionMarker':
        this.offsets.replayMarker(record)
        return
      case 'GroupMetadata':
        this.replayGroupMetadata(record)
        return
      default:
        this.replayConsumer(record)
    }
  }

  private replayConsumer(record: ConsumerRecord): void {
    const { groupId } = record.key
    let group = this.groups.get(groupId)
    if (record.value !== null && !(group instanceof ConsumerGroup)) {
      // An offset that stands before the group's first record has made a place for itself.
      group = new ConsumerGroup(groupId)
      this.groups.set(groupId, group)
    }
    if (!(group instanceof ConsumerGroup)) return
    if (!group.replay(record)) this.groups.delete(groupId)
  }

  private replayGroupMetadata({ key, value }: GroupMetadataRecord): void {
    const arriving = this.arriving.get(key.group)
    this.arriving.delete(key.group)
    if (value === null) {
      this.groups.delete(key.group)
      return
    }
    const live = arriving ?? (this.isLoaded ? this.groups.get(key.group) : undefined)
    if (live instanceof ClassicGroup) {
      live.stored = value
      this.groups.set(key.group, live)
    } else this.groups.set(key.group, ClassicGroup.fromRecord(key.group, value))
  }

  /** What the log says, as plain data: two shards that replayed the same log must agree. */
  hardState(): unknown {
    const stored = [...this.groups.values()].flatMap((group) =>
      group instanceof ConsumerGroup
        ? [[group.groupId, group.hardState()] as const]
        : group instanceof ClassicGroup && group.stored !== null
          ? [[group.groupId, group.stored] as const]
          : [],
    )
    return { stored: stored.sort(), offsets: this.offsets.dump() }
  }
}

function emptyRecord(groupId: string, nowMs: number): GroupMetadataRecord {
  return {
    type: 'GroupMetadata',
    key: { group: groupId },
    value: {
      protocolType: '',
      generation: 0,
      protocol: null,
      leader: null,
      currentStateTimestamp: nowMs,
      members: [],
    },
  }
}

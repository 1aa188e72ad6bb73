import { unreachable } from '../../base/assert.ts'
import type { Logger } from '../../base/logger.ts'
import { type Machine, OutcomeDraft } from '../../machine/machine.ts'
import { errorCode, Refusal } from '../../protocol/errors.ts'
import type { TopicView } from '../coordinator-log.ts'
import { ClassicGroup } from './classic-group.ts'
import { joinError } from './classic-member.ts'
import { ClassicProtocol } from './classic-protocol.ts'
import { ClassicRebalance } from './classic-rebalance.ts'
import type { ClientCommand, GroupCommand } from './commands.ts'
import type { GroupConfig } from './config.ts'
import type { Draft, Group, ShardContext } from './group.ts'
import { Offsets } from './offsets.ts'
import type { GroupMetadataRecord, GroupRecord } from './records.ts'

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
  }

  decide(command: GroupCommand, nowMs: number): Draft {
    this.nowMs = nowMs
    const out: Draft = new OutcomeDraft()
    try {
      this.dispatch(command, out, nowMs)
    } catch (error) {
      if (!(error instanceof Refusal) || !('to' in command)) throw error
      out.reply(command.to as (answer: Refusal) => void, error)
    }
    return out
  }

  private dispatch(command: GroupCommand, out: Draft, nowMs: number): void {
    switch (command.kind) {
      case 'join':
        return this.join(command, out, nowMs)
      case 'sync':
        return this.classic.sync(this.memberGroup(command), command, out, nowMs)
      case 'heartbeat':
        return this.classic.heartbeat(this.memberGroup(command), command, out, nowMs)
      case 'leave':
        return this.classic.leave(this.memberGroup(command), command, out, nowMs)
      case 'commitOffsets':
        return this.commitOffsets(command, out, nowMs)
      case 'fetchOffsets':
        return this.fetchOffsets(command, out)
      case 'deleteOffsets':
        return this.deleteOffsets(command, out)
      case 'describe':
        return this.describe(command, out)
      case 'list':
        return this.list(command, out)
      case 'delete':
        return this.delete(command, out)
      case 'topicsDeleted':
        out.records.push(...this.offsets.ofDeletedTopics(command.topics))
        return
      case 'loaded':
        return this.loaded(out, nowMs)
      case 'cleanUp':
        return this.cleanUp(out, nowMs)
      case 'classicSessionExpired':
      case 'classicInitialDelayOver':
      case 'classicJoinExpired':
      case 'classicSyncExpired':
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
    }
  }

  private join(command: Command<'join'>, out: Draft, nowMs: number): void {
    const { groupId, memberId } = command.request
    const found = this.groups.get(groupId)
    if (found === undefined && memberId !== '') {
      out.reply(command.to, joinError('UNKNOWN_MEMBER_ID', memberId))
      return
    }
    const group = found ?? this.newClassic(groupId, nowMs)
    if (!(group instanceof ClassicGroup)) throw new Refusal('INCONSISTENT_GROUP_PROTOCOL')
    this.classic.join(group, command, out, nowMs)
    if (found === undefined && out.records.length === 0) {
      // So that the log can be written is known before the first member relies on it.
      out.records.push(emptyRecord(groupId, nowMs))
    }
  }

  private newClassic(groupId: string, nowMs: number): ClassicGroup {
    const group = new ClassicGroup(groupId, nowMs)
    this.groups.set(groupId, group)
    return group
  }

  /** @throws Refusal UNKNOWN_MEMBER_ID where there is no group to be a member of. */
  private memberGroup({ request }: { request: { groupId: string } }): ClassicGroup {
    const group = this.groups.get(request.groupId)
    if (!(group instanceof ClassicGroup)) throw new Refusal('UNKNOWN_MEMBER_ID')
    return group
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

  private deleteOffsets({ request, to }: Command<'deleteOffsets'>, out: Draft): void {
    const { groupId } = request
    const group = this.groups.get(groupId)
    if (group === undefined) throw notFound(groupId)
    group.validateOffsetDelete()
    const topics = request.topics.map(({ name, partitions }) => {
      const isSubscribed = group.isSubscribedTo(name)
      const error = errorCode(isSubscribed ? 'GROUP_SUBSCRIBED_TO_TOPIC' : 'NONE')
      for (const { partitionIndex } of isSubscribed ? [] : partitions) {
        if (!this.offsets.holds(groupId, name, partitionIndex)) continue
        out.records.push({
          type: 'OffsetCommit',
          key: { group: groupId, topic: name, partition: partitionIndex },
          value: null,
        })
      }
      return {
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: error })),
      }
    })
    out.reply(to, { errorCode: 0, throttleTimeMs: 0, topics })
  }

  private describe({ groupId, apiVersion, to }: Command<'describe'>, out: Draft): void {
    const group = this.groups.get(groupId)
    if (group instanceof ClassicGroup) {
      out.reply(to, group.described())
      return
    }
    const isMissing = apiVersion >= 6
    const why = group === undefined ? 'not found' : 'is not a classic group'
    out.reply(to, {
      errorCode: errorCode(isMissing ? 'GROUP_ID_NOT_FOUND' : 'NONE'),
      errorMessage: isMissing ? `Group ${groupId} ${why}.` : null,
      groupId,
      groupState: 'Dead',
      protocolType: '',
      protocolData: '',
      members: [],
    })
  }

  private list({ states, types, to }: Command<'list'>, out: Draft): void {
    const groups = [...this.groups.values()].filter(
      (group) =>
        (states.length === 0 || states.includes(group.stateName().toLowerCase())) &&
        (types.length === 0 || types.includes(group.type)),
    )
    out.reply(
      to,
      groups.map((group) => group.listed()),
    )
  }

  private delete({ groupId, to }: Command<'delete'>, out: Draft): void {
    const group = this.groups.get(groupId)
    if (group === undefined) throw notFound(groupId)
    group.validateDelete()
    out.records.push(...this.offsets.tombstonesOf(groupId))
    group.remove(out)
    out.reply(to, { groupId, errorCode: 0 })
  }

  private loaded(out: Draft, nowMs: number): void {
    this.isLoaded = true
    for (const group of this.groups.values()) {
      if (group instanceof ClassicGroup) this.rebalance.loaded(group, out, nowMs)
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
        return
    }
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
      group instanceof ClassicGroup && group.stored !== null
        ? [[group.groupId, group.stored] as const]
        : [],
    )
    return { stored: stored.sort(), offsets: this.offsets.dump() }
  }
}

function notFound(groupId: string): Refusal {
  return new Refusal('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
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

export type { ClientCommand }

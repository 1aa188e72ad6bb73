import type { Logger } from '../../base/logger.ts'
import { type Machine, OutcomeDraft } from '../../machine/machine.ts'
import { ApiError } from '../../protocol/errors.ts'
import type { TopicView } from '../topic-view.ts'
import { ClassicGroup } from './classic/classic-group.ts'
import { joinError } from './classic/classic-member.ts'
import type { Command, GroupCommand, GroupEffect } from './commands.ts'
import type { GroupConfig } from './config.ts'
import type { Draft, Group, ShardContext } from './group.ts'
import { GroupAdmin } from './group-admin.ts'
import type { GroupKind, Handlers } from './group-kind.ts'
import { groupKinds } from './group-kinds.ts'
import { Offsets } from './offsets.ts'
import {
  type GroupMetadataRecord,
  type GroupRecord,
  type GroupType,
  groupTypeOf,
} from './records.ts'

const cleanUpTimer = 'clean-up'

type AnyKind = Exclude<GroupCommand['kind'], keyof ReturnType<typeof groupKinds>['handlers']>

/**
 * The groups of one partition of `__consumer_offsets`. Hard state is the content of the records:
 * the offsets, and the last record of each classic group. Other state of a classic group is lost at
 * a restart, as in Kafka.
 */
export class GroupShard implements Machine<GroupCommand, GroupRecord, GroupEffect>, ShardContext {
  readonly groups = new Map<string, Group>()
  readonly arriving = new Map<string, Group>()
  readonly config: GroupConfig
  readonly logger: Logger
  readonly topics: TopicView
  readonly offsets = new Offsets()
  isLoaded = false
  private readonly kinds: Readonly<Record<GroupType, GroupKind>>
  private readonly handlers: Handlers<GroupCommand['kind']>
  /** The wall clock (ms) of the current command; the start time for groups that replay creates. */
  private nowMs = 0

  constructor(options: {
    readonly config: GroupConfig
    readonly logger: Logger
    readonly topics: TopicView
  }) {
    this.config = options.config
    this.logger = options.logger
    this.topics = options.topics
    const { kinds, handlers } = groupKinds(this)
    this.kinds = kinds
    this.handlers = { ...this.ownHandlers(), ...handlers }
  }

  decide(command: GroupCommand, nowMs: number): Draft {
    this.nowMs = nowMs
    const out: Draft = new OutcomeDraft()
    try {
      // The compiler does not see that the function found is that of the command's kind.
      const run = this.handlers[command.kind] as (...of: [GroupCommand, Draft, number]) => void
      run(command, out, nowMs)
      return out
    } catch (error) {
      if (!(error instanceof ApiError) || !('to' in command)) throw error
      // An error discards the records decided so far.
      const refused: Draft = new OutcomeDraft()
      refused.reply(command.to as (answer: ApiError) => void, error)
      return refused
    }
  }

  /** Returns how to run the commands that concern groups of any kind. */
  private ownHandlers() {
    const admin = new GroupAdmin(this, this.offsets)
    const handlers: Handlers<AnyKind> = {
      join: (command, out, nowMs) => this.join(command, out, nowMs),
      sync: (command, out, nowMs) => {
        const group = this.existing(command)
        this.kinds[group.type].classicRequests.sync(group, command, out, nowMs)
      },
      heartbeat: (command, out, nowMs) => {
        const group = this.existing(command)
        this.kinds[group.type].classicRequests.heartbeat(group, command, out, nowMs)
      },
      leave: (command, out, nowMs) => {
        const group = this.existing(command)
        this.kinds[group.type].classicRequests.leave(group, command, out, nowMs)
      },
      commitOffsets: (command, out, nowMs) => this.commitOffsets(command, out, nowMs),
      endTransaction({ marker, to }, out) {
        out.records.push({ type: 'TransactionMarker', ...marker })
        out.reply(to, true)
      },
      fetchOffsets: (command, out) => this.fetchOffsets(command, out),
      deleteOffsets: (command, out) => admin.deleteOffsets(command, out),
      list: (command, out) => admin.list(command, out),
      delete: (command, out) => {
        const group = admin.deletable(command.groupId)
        if (this.kinds[group.type].deleteFirst?.(group, command, out) !== true) {
          admin.delete(group, command, out)
        }
      },
      topicsDeleted: ({ topics }, out) => {
        out.records.push(...this.offsets.ofDeletedTopics(topics))
        for (const kind of Object.values(this.kinds)) kind.topicsDeleted?.(topics, out)
      },
      topicsChanged: (command) => {
        for (const kind of Object.values(this.kinds)) kind.topicsChanged?.(command)
      },
      loaded: (_command, out, nowMs) => this.loaded(out, nowMs),
      cleanUp: (_command, out, nowMs) => this.cleanUp(out, nowMs),
    }
    return handlers
  }

  private join(command: Command<'join'>, out: Draft, nowMs: number): void {
    const { groupId, memberId } = command.request
    const found = this.groups.get(groupId)
    const isReplaced = found?.isEmpty() === true && this.kinds[found.type].yieldsToClassic
    if (found !== undefined && !isReplaced) {
      return this.kinds[found.type].classicRequests.join(found, command, out, nowMs)
    }
    found?.remove(out)
    if (memberId !== '') return out.reply(command.to, joinError('UNKNOWN_MEMBER_ID', memberId))
    const group = new ClassicGroup(groupId, nowMs)
    this.kinds.classic.classicRequests.join(group, command, out, nowMs)
    // This record proves that the log can be written before the first member relies on it.
    out.records.push(emptyRecord(groupId, nowMs))
    this.arriving.set(groupId, group)
  }

  private newClassic(groupId: string, nowMs: number): ClassicGroup {
    const group = new ClassicGroup(groupId, nowMs)
    this.groups.set(groupId, group)
    return group
  }

  /** @throws ApiError UNKNOWN_MEMBER_ID if the group does not exist. */
  private existing({ request }: Command<'sync' | 'heartbeat' | 'leave'>): Group {
    const group = this.groups.get(request.groupId)
    if (group === undefined) throw new ApiError('UNKNOWN_MEMBER_ID')
    return group
  }

  private commitOffsets(command: Command<'commitOffsets'>, out: Draft, nowMs: number): void {
    const { request, knowsConsumerGroups, producer } = command
    const group = this.groups.get(request.groupId) ?? this.committer(command, nowMs)
    const check = group.validateOffsetCommit({
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      generationIdOrMemberEpoch: request.generationIdOrMemberEpoch,
      isTransactional: producer !== undefined,
      knowsConsumerGroups,
    })
    const { records, result } = this.offsets.commit(request, {
      check,
      metadataBytesMax: this.config.offsetMetadataMaxBytes,
      nowMs,
      producer,
    })
    if (producer === undefined) {
      this.kinds[group.type].committed?.(group, request.memberId, out, nowMs)
    }
    out.records.push(...records)
    out.reply(command.to, result)
  }

  /**
   * Returns a new group for a commit to an unknown group; clients without members may store
   * offsets.
   */
  private committer(command: Command<'commitOffsets'>, nowMs: number): Group {
    const { request, knowsConsumerGroups } = command
    if (request.generationIdOrMemberEpoch >= 0) {
      throw new ApiError(knowsConsumerGroups ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION')
    }
    return this.newClassic(request.groupId, nowMs)
  }

  private fetchOffsets({ request, to }: Command<'fetchOffsets'>, out: Draft): void {
    const group = this.groups.get(request.groupId)
    const hasOffsets = group?.hasOffsets === true
    if (hasOffsets) group.validateOffsetFetch(request.memberId, request.memberEpoch)
    out.reply(to, this.offsets.fetch(request, hasOffsets))
  }

  private loaded(out: Draft, nowMs: number): void {
    this.isLoaded = true
    for (const group of this.groups.values()) this.kinds[group.type].loaded(group, out, nowMs)
    this.scheduleCleanUp(out, nowMs)
  }

  private cleanUp(out: Draft, nowMs: number): void {
    for (const group of this.groups.values()) {
      const { records, isAll } = this.offsets.expire(group, nowMs, this.config.offsetsRetentionMs)
      out.records.push(...records)
      if (isAll && group.isEmpty() && group.hasOffsets) group.remove(out)
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
      default:
        this.kinds[groupTypeOf(record)].replay(record, this.nowMs)
    }
  }

  /** Returns the replayed state as plain data, to compare two shards that replayed the same log. */
  hardState(): unknown {
    const stored = [...this.groups.values()].flatMap((group) => {
      const state = group.hardState()
      return state === null ? [] : [[group.groupId, state] as const]
    })
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

import { ApiError, errorCode } from '../../../protocol/errors.ts'
import { joinError, syncError } from '../classic/classic-member.ts'
import type { Command, GroupCommand } from '../commands.ts'
import { type Draft, groupNotFound, type ShardContext } from '../group.ts'
import type { ClassicRequests, GroupKind, Handlers } from '../group-kind.ts'
import type { ShareGroupRecord } from '../records.ts'
import { ShareGroup } from './share-group.ts'
import { ShareMembership } from './share-membership.ts'
import { ShareOffsets } from './share-offsets.ts'
import { ShareStates } from './share-states.ts'

type Own = Extract<GroupCommand['kind'], `share${string}` | 'describeShare'>

/** The only assignor of share groups. */
const assignor = 'simple'

/** Groups whose members share partitions (KIP-932). */
export function shareKind(shard: ShardContext) {
  const states = new ShareStates(shard)
  const membership = new ShareMembership(shard, states)
  const offsets = new ShareOffsets(shard)
  const handlers: Handlers<Own> = {
    shareHeartbeat: (command, out, nowMs) =>
      command.request.memberEpoch === -1
        ? membership.leave(command, out)
        : membership.heartbeat(command, out, nowMs),
    describeShare: (command, out) => describe(shard, command, out),
    shareSessionExpired: (command, out) => membership.sessionExpired(command, out),
    shareStateBegun: (command, out) => states.begun(command, out),
    shareStateRefused: (command, out) => states.refused(command, out),
    shareStateDeleted: (command, out) => states.deleted(command, out),
    shareStatePartitions: (command, out) => offsets.partitions(command, out),
    shareOffsetsAlter: (command, out) => offsets.alter(command, out),
    shareOffsetsDelete: (command, out) => offsets.delete(command, out),
    shareOffsetsDeleted: (command, out) => offsets.deleted(command, out),
  }
  const kind: GroupKind<ShareGroup, ShareGroupRecord> = {
    classicRequests,
    yieldsToClassic: false,
    replay: (record, nowMs) => replay(shard, record, nowMs),
    loaded(group, out, nowMs) {
      for (const memberId of group.members.keys()) {
        membership.restartSession(group.groupId, memberId, out, nowMs)
      }
    },
    topicsChanged({ names }) {
      for (const group of shard.groups.values()) {
        if (!(group instanceof ShareGroup)) continue
        for (const name of names) if (group.isSubscribedTo(name)) group.requestRefresh()
      }
    },
    topicsDeleted: (topics, out) => states.topicsDeleted(new Set(topics.map(({ id }) => id)), out),
    deleteFirst: (group, command, out) => states.deleteOf(group, command, out),
  }
  return { ...kind, handlers }
}

/** Share groups take no part in the classic protocol. */
const classicRequests: ClassicRequests<ShareGroup> = {
  join: (_group, { to }, out) => out.reply(to, joinError('INCONSISTENT_GROUP_PROTOCOL', '')),
  sync: (_group, { to }, out) => out.reply(to, syncError('UNKNOWN_MEMBER_ID')),
  heartbeat: (_group, { to }, out) => out.reply(to, { errorCode: errorCode('UNKNOWN_MEMBER_ID') }),
  leave() {
    throw new ApiError('UNKNOWN_MEMBER_ID')
  },
}

/** @throws ApiError GROUP_ID_NOT_FOUND */
function describe(
  { groups, topics }: ShardContext,
  { groupId, to }: Command<'describeShare'>,
  out: Draft,
): void {
  const group = groups.get(groupId)
  if (!(group instanceof ShareGroup)) throw groupNotFound(groupId, group, 'share')
  out.reply(to, group.described(topics, assignor))
}

function replay({ groups }: ShardContext, record: ShareGroupRecord, nowMs: number): void {
  const { groupId } = record.key
  let group = groups.get(groupId)
  if (record.value !== null && group === undefined) {
    group = new ShareGroup(groupId)
    groups.set(groupId, group)
  }
  if (!(group instanceof ShareGroup)) return
  if (!group.replay(record, nowMs)) groups.delete(groupId)
}

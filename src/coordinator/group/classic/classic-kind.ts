import { errorCode } from '../../../protocol/errors.ts'
import type { Command, GroupCommand } from '../commands.ts'
import { type Draft, groupNotFound, type ShardContext } from '../group.ts'
import type { GroupKind, Handlers } from '../group-kind.ts'
import type { GroupMetadataRecord } from '../records.ts'
import { ClassicGroup } from './classic-group.ts'
import { ClassicProtocol } from './classic-protocol.ts'
import type { ClassicRebalance } from './classic-rebalance.ts'

type Timer = Extract<GroupCommand['kind'], `classic${string}`>

/** Groups of the classic protocol, and groups without members that only hold offsets. */
export function classicKind(shard: ShardContext, rebalance: ClassicRebalance) {
  const protocol = new ClassicProtocol(shard, rebalance)
  const of = ({ groupId }: Command<Timer>, run: (group: ClassicGroup) => void) => {
    const group = shard.groups.get(groupId)
    if (group instanceof ClassicGroup) run(group)
  }
  const handlers: Handlers<'describe' | Timer> = {
    describe: (command, out) => describe(shard, command, out),
    classicSessionExpired: (command, out, nowMs) =>
      of(command, (group) => rebalance.sessionExpired(group, command.memberId, out, nowMs)),
    classicInitialDelayOver: (command, out, nowMs) =>
      of(command, (group) => rebalance.initialDelayOver(group, command, out, nowMs)),
    classicJoinExpired: (command, out, nowMs) =>
      of(command, (group) => rebalance.completeJoin(group, out, nowMs)),
    classicSyncExpired: (command, out, nowMs) =>
      of(command, (group) => rebalance.syncExpired(group, command.generationId, out, nowMs)),
    classicAssignmentRefused: (command, out, nowMs) =>
      of(command, (group) => rebalance.assignmentRefused(group, out, nowMs)),
  }
  const kind: GroupKind<ClassicGroup, GroupMetadataRecord> = {
    classicRequests: protocol,
    yieldsToClassic: false,
    replay: (record) => replay(shard, record),
    loaded: (group, out, nowMs) => rebalance.loaded(group, out, nowMs),
    committed: (group, memberId, out, nowMs) => protocol.committed(group, memberId, out, nowMs),
  }
  return { ...kind, handlers }
}

function describe(shard: ShardContext, command: Command<'describe'>, out: Draft): void {
  const { groupId, mayFail, to } = command
  const group = shard.groups.get(groupId)
  if (group instanceof ClassicGroup) {
    out.reply(to, group.described())
    return
  }
  out.reply(to, {
    errorCode: errorCode(mayFail ? 'GROUP_ID_NOT_FOUND' : 'NONE'),
    errorMessage: mayFail ? groupNotFound(groupId, group, 'classic').detail : null,
    groupId,
    groupState: 'Dead',
    protocolType: '',
    protocolData: '',
    members: [],
  })
}

function replay(shard: ShardContext, { key, value }: GroupMetadataRecord): void {
  const { groups, arriving, isLoaded } = shard
  const live = arriving.get(key.group) ?? (isLoaded ? groups.get(key.group) : undefined)
  arriving.delete(key.group)
  if (value === null) groups.delete(key.group)
  else if (live instanceof ClassicGroup) {
    live.stored = value
    groups.set(key.group, live)
  } else groups.set(key.group, ClassicGroup.fromRecord(key.group, value))
}

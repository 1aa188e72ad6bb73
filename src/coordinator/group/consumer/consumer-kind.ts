import type { Command, GroupCommand } from '../commands.ts'
import { type Draft, groupNotFound, type ShardContext } from '../group.ts'
import type { GroupKind, Handlers } from '../group-kind.ts'
import type { ConsumerRecord } from '../records.ts'
import { ClassicInConsumer } from './classic-in-consumer.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { ConsumerMembership } from './consumer-membership.ts'
import { ConsumerReconcile } from './consumer-reconcile.ts'
import type { Migration } from './migration.ts'
import { Regexes } from './regexes.ts'

type Own = Extract<
  GroupCommand['kind'],
  `consumer${string}` | 'describeConsumer' | 'resolveRegexes'
>

/** Groups of the consumer protocol (KIP-848), also while some members use the classic protocol. */
export function consumerKind(shard: ShardContext, migration: Migration) {
  const reconcile = new ConsumerReconcile(shard)
  const regexes = new Regexes(shard, reconcile)
  const membership = new ConsumerMembership(shard, { reconcile, regexes, migration })
  const parts = { membership, reconcile, regexes, migration }
  const handlers: Handlers<Own> = {
    consumerHeartbeat: (command, out, nowMs) =>
      command.request.memberEpoch < 0
        ? membership.leave(command, out, nowMs)
        : membership.heartbeat(command, out, nowMs),
    describeConsumer: (command, out) => describe(shard, command, out),
    resolveRegexes: (command, out, nowMs) => regexes.resolve(command, out, nowMs),
    consumerSessionExpired: (command, out, nowMs) => membership.timer(command, out, nowMs),
    consumerRebalanceExpired: (command, out, nowMs) => membership.timer(command, out, nowMs),
  }
  const kind: GroupKind<ConsumerGroup, ConsumerRecord> = {
    classicRequests: new ClassicInConsumer(shard, parts),
    yieldsToClassic: true,
    replay: (record) => replay(shard, record),
    loaded: (group, out, nowMs) => membership.loaded(group, out, nowMs),
    topicsChanged({ names, hasNew }) {
      if (hasNew) regexes.topicsCame(shard.topics.version)
      for (const group of shard.groups.values()) {
        if (!(group instanceof ConsumerGroup)) continue
        for (const name of group.subscriptions.topics.keys())
          if (names.has(name)) group.requestRefresh()
      }
    },
  }
  return { ...kind, handlers }
}

/** @throws ApiError GROUP_ID_NOT_FOUND */
function describe(
  { groups, topics, config }: ShardContext,
  { groupId, to }: Command<'describeConsumer'>,
  out: Draft,
): void {
  const group = groups.get(groupId)
  if (!(group instanceof ConsumerGroup)) throw groupNotFound(groupId, group, 'consumer')
  out.reply(to, group.described(topics, config.groupConsumerAssignors[0]!))
}

function replay({ groups }: ShardContext, record: ConsumerRecord): void {
  const { groupId } = record.key
  let group = groups.get(groupId)
  if (record.value !== null && !(group instanceof ConsumerGroup)) {
    // An offset record before the group's first record has created a group without members.
    group = new ConsumerGroup(groupId)
    groups.set(groupId, group)
  }
  if (!(group instanceof ConsumerGroup)) return
  if (!group.replay(record)) groups.delete(groupId)
}

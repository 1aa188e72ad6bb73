import { classicKind } from './classic/classic-kind.ts'
import { ClassicRebalance } from './classic/classic-rebalance.ts'
import { consumerKind } from './consumer/consumer-kind.ts'
import { Migration } from './consumer/migration.ts'
import type { ShardContext } from './group.ts'
import type { GroupKind } from './group-kind.ts'
import type { GroupType } from './records.ts'
import { shareKind } from './share/share-kind.ts'

/**
 * The kinds of groups. A new kind is a folder with a class that implements `Group`, a `GroupKind`
 * and functions for the commands of its own; it is named here, in `GroupType` and in the unions and
 * layouts of commands and records, after which the compiler asks for what is missing.
 */
export function groupKinds(shard: ShardContext) {
  const rebalance = new ClassicRebalance(shard)
  const classic = classicKind(shard, rebalance)
  const consumer = consumerKind(shard, new Migration(shard, rebalance))
  const share = shareKind(shard)
  const kinds: Readonly<Record<GroupType, GroupKind>> = { classic, consumer, share }
  return { kinds, handlers: { ...classic.handlers, ...consumer.handlers, ...share.handlers } }
}

import { errorCode } from '../../protocol/errors.ts'
import type { Command } from './commands.ts'
import { type Draft, type Group, groupNotFound, type ShardContext } from './group.ts'
import type { Offsets } from './offsets.ts'

/** Handles admin requests for the groups of a shard. */
export class GroupAdmin {
  private readonly shard: ShardContext
  private readonly offsets: Offsets

  constructor(shard: ShardContext, offsets: Offsets) {
    this.shard = shard
    this.offsets = offsets
  }

  deleteOffsets({ request, to }: Command<'deleteOffsets'>, out: Draft): void {
    const { groupId } = request
    const group = this.shard.groups.get(groupId)
    if (group === undefined) throw groupNotFound(groupId, group, 'classic')
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
    out.reply(to, { errorCode: 0, topics })
  }

  list({ states, types, to }: Command<'list'>, out: Draft): void {
    const groups = [...this.shard.groups.values()].filter(
      (group) =>
        (states.length === 0 || states.includes(group.stateName().toLowerCase())) &&
        (types.length === 0 || types.includes(group.type)),
    )
    out.reply(
      to,
      groups.map((group) => group.listed()),
    )
  }

  /** @throws ApiError GROUP_ID_NOT_FOUND | NON_EMPTY_GROUP */
  deletable(groupId: string): Group {
    const group = this.shard.groups.get(groupId)
    if (group === undefined) throw groupNotFound(groupId, group, 'classic')
    group.validateDelete()
    return group
  }

  delete(group: Group, { groupId, to }: Command<'delete'>, out: Draft): void {
    out.records.push(...this.offsets.tombstonesOf(groupId))
    group.remove(out)
    out.reply(to, { groupId, errorCode: 0 })
  }
}

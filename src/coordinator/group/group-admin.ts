import { errorCode, Refusal } from '../../protocol/errors.ts'
import { ClassicGroup } from './classic-group.ts'
import type { ClientCommand } from './commands.ts'
import { ConsumerGroup } from './consumer-group.ts'
import type { Draft, ShardContext } from './group.ts'
import type { Offsets } from './offsets.ts'

type Command<K extends ClientCommand['kind']> = Extract<ClientCommand, { kind: K }>

/** What admins ask of the groups of a shard. */
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

  describe({ groupId, apiVersion, to }: Command<'describe'>, out: Draft): void {
    const group = this.shard.groups.get(groupId)
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

  describeConsumer({ groupId, to }: Command<'describeConsumer'>, out: Draft): void {
    const group = this.shard.groups.get(groupId)
    if (group instanceof ConsumerGroup) {
      out.reply(
        to,
        group.described(this.shard.topics, this.shard.config.groupConsumerAssignors[0]!),
      )
      return
    }
    const why = group === undefined ? 'not found' : 'is not a consumer group'
    throw new Refusal('GROUP_ID_NOT_FOUND', `Group ${groupId} ${why}.`)
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

  delete({ groupId, to }: Command<'delete'>, out: Draft): void {
    const group = this.shard.groups.get(groupId)
    if (group === undefined) throw notFound(groupId)
    group.validateDelete()
    out.records.push(...this.offsets.tombstonesOf(groupId))
    group.remove(out)
    out.reply(to, { groupId, errorCode: 0 })
  }
}

function notFound(groupId: string): Refusal {
  return new Refusal('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
}

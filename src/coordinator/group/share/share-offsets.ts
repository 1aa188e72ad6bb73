import { ApiError, defaultMessage, errorCode } from '../../../protocol/errors.ts'
import { zeroUuid } from '../../../protocol/schema.ts'
import type { Command } from '../commands.ts'
import { type Draft, groupNotFound, type ShardContext } from '../group.ts'
import { ShareGroup } from './share-group.ts'
import { topicPartitionsOf } from './share-member.ts'
import { type StatePartitions, stateRecord, topicNameIn, unitedTopics } from './state-partitions.ts'

type Row = { readonly errorCode: number; readonly errorMessage: string | null }

const fine: Row = { errorCode: errorCode('NONE'), errorMessage: null }

function unknown(errorMessage = defaultMessage('UNKNOWN_TOPIC_OR_PARTITION')): Row {
  return { errorCode: errorCode('UNKNOWN_TOPIC_OR_PARTITION'), errorMessage }
}

/** The start offsets of a share group, as admins see them. */
export class ShareOffsets {
  private readonly shard: ShardContext

  constructor(shard: ShardContext) {
    this.shard = shard
  }

  partitions({ groupId, to }: Command<'shareStatePartitions'>, out: Draft): void {
    const group = this.shard.groups.get(groupId)
    const begun = group instanceof ShareGroup ? [...group.kept.initialized] : []
    const all = new Map(begun.map(([topicId, { partitions }]) => [topicId, partitions]))
    out.reply(to, topicPartitionsOf(all))
  }

  /**
   * Begins the share state at these offsets; a group that does not exist is made.
   *
   * @throws ApiError GROUP_ID_NOT_FOUND | NON_EMPTY_GROUP
   */
  alter({ request, to }: Command<'shareOffsetsAlter'>, out: Draft): void {
    const { groupId } = request
    const found = this.shard.groups.get(groupId)
    const group = found === undefined ? new ShareGroup(groupId) : this.emptyOf(groupId)
    const topics = request.topics.map(({ topicName, partitions }) => {
      const topic = this.shard.topics.byName(topicName)
      const isThere = ({ partitionIndex }: { readonly partitionIndex: number }) =>
        topic !== null && partitionIndex < topic.partitionCount
      const rows = partitions.map((one) => ({
        partitionIndex: one.partitionIndex,
        ...(isThere(one) ? fine : unknown()),
      }))
      const row = { topicName, topicId: topic?.id ?? zeroUuid, partitions: rows }
      const byPartition = new Map(
        partitions.filter(isThere).map((one) => [one.partitionIndex, one.startOffset]),
      )
      const starts = [...byPartition].map(([partition, startOffset]) => ({
        ...{ partition, startOffset },
      }))
      return { row, starts, topic }
    })
    const response = { throttleTimeMs: 0, ...fine, responses: topics.map(({ row }) => row) }
    const begun = new Map(
      topics.flatMap(({ row, starts, topic }) => {
        const partitions = new Set(starts.map(({ partition }) => partition))
        return topic === null ? [] : [[row.topicId, { name: topic.name, partitions }] as const]
      }),
    )
    if (begun.size > 0) {
      const { kept } = group
      const initializing = unitedTopics(kept.initializing, begun)
      const deleting = new Set([...kept.deleting].filter((topicId) => !initializing.has(topicId)))
      this.write(groupId, { ...kept, initializing, deleting }, out)
    }
    const started = topics.filter(({ starts }) => starts.length > 0)
    for (const { row, starts } of started) {
      const odd = starts.find(({ partition }) => partition < 0)
      if (odd === undefined) continue
      // Kafka has written the record by then.
      const where = `${groupId} ${row.topicId} ${odd.partition}`
      const errorMessage = `Initialize share group parameters has invalid partitionId - ${where}`
      const failed = { errorCode: errorCode('UNKNOWN_SERVER_ERROR'), errorMessage, responses: [] }
      return out.reply(to, { throttleTimeMs: 0, ...failed })
    }
    if (started.length === 0) return out.reply(to, response)
    out.effects.push({
      kind: 'beginShareState',
      ...{ groupId, stateEpoch: group.groupEpoch, asked: { to, response } },
      topics: started.map(({ row, starts }) => ({ topicId: row.topicId, partitions: starts })),
    })
  }

  /**
   * Deletes the share state of topics.
   *
   * @throws ApiError GROUP_ID_NOT_FOUND | NON_EMPTY_GROUP
   */
  delete({ request, to }: Command<'shareOffsetsDelete'>, out: Draft): void {
    const { groupId } = request
    const { kept, statePartitions } = this.emptyOf(groupId)
    const nothing = { throttleTimeMs: 0, ...fine, responses: [] }
    if (statePartitions === null) return out.reply(to, nothing)
    const initialized = new Map(kept.initialized)
    const deleting = new Set(kept.deleting)
    const gone = new Map<string, ReadonlySet<number>>()
    const refused = request.topics.flatMap(({ topicName }) => {
      const topic = this.shard.topics.byName(topicName)
      const row = { topicName, topicId: zeroUuid }
      if (topic === null) return [{ ...row, ...unknown() }]
      const { id, partitionCount } = topic
      const begun = initialized.get(id)?.partitions
      if (begun === undefined && !deleting.has(id)) {
        return [{ ...row, ...unknown('There is no offset information to delete.') }]
      }
      gone.set(id, begun ?? new Set(Array.from({ length: partitionCount }, (_, index) => index)))
      initialized.delete(id)
      deleting.add(id)
      return []
    })
    this.write(groupId, { ...kept, initialized, deleting }, out)
    if (gone.size === 0) return out.reply(to, { ...nothing, responses: refused })
    const topics = topicPartitionsOf(gone)
    out.effects.push({ kind: 'deleteShareOffsets', groupId, topics, refused, to })
  }

  deleted({ groupId, topicIds, refused, to }: Command<'shareOffsetsDeleted'>, out: Draft): void {
    const group = this.shard.groups.get(groupId)
    if (group instanceof ShareGroup && group.statePartitions !== null) {
      const { kept } = group
      const gone = new Set(topicIds)
      const deleting = new Set([...kept.deleting].filter((topicId) => !gone.has(topicId)))
      this.write(groupId, { ...kept, deleting }, out)
    }
    const nameOf = topicNameIn(this.shard.topics)
    const rows = topicIds.map((topicId) => ({ topicName: nameOf(topicId), topicId, ...fine }))
    out.reply(to, { throttleTimeMs: 0, ...fine, responses: [...rows, ...refused] })
  }

  private emptyOf(groupId: string): ShareGroup {
    const group = this.shard.groups.get(groupId)
    if (!(group instanceof ShareGroup)) throw groupNotFound(groupId, group, 'share')
    if (!group.isEmpty()) throw new ApiError('NON_EMPTY_GROUP', 'The group is not empty.')
    return group
  }

  private write(groupId: string, kept: Omit<StatePartitions, 'sinceMs'>, out: Draft): void {
    out.records.push(stateRecord(groupId, kept, topicNameIn(this.shard.topics)))
  }
}

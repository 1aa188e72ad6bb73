import { ApiError } from '../../../protocol/errors.ts'
import type { Command } from '../commands.ts'
import type { Partitions } from '../consumer/consumer-member.ts'
import type { Draft, ShardContext } from '../group.ts'
import { ShareGroup } from './share-group.ts'
import {
  type StatePartitions,
  stateRecord,
  topicNameIn,
  topicsWithout,
  toStateTopics,
  unitedTopics,
} from './state-partitions.ts'

/** Where a partition of a topic that the group knows already begins. */
const firstOffset = 0
/** Where the others begin: the share partition's leader decides (`share.auto.offset.reset`). */
const undecidedOffset = -1

/**
 * Has the share coordinators begin the state of partitions that a group subscribes to, and delete
 * it with the group. Kafka: parts of `GroupMetadataManager`.
 */
export class ShareStates {
  private readonly shard: ShardContext

  constructor(shard: ShardContext) {
    this.shard = shard
  }

  /**
   * Begins the state of partitions of these topics that have none. An attempt is repeated when it
   * has not come to an end within `group.share.initialize.retry.interval.ms`.
   */
  begin(
    { groupId, kept, statePartitions }: ShareGroup,
    names: ReadonlySet<string>,
    stateEpoch: number,
    out: Draft,
    nowMs: number,
  ): void {
    const { groupShareInitializeRetryIntervalMs } = this.shard.config
    const isRecent = nowMs - kept.sinceMs < groupShareInitializeRetryIntervalMs
    const covered = isRecent ? unitedTopics(kept.initialized, kept.initializing) : kept.initialized
    const missing = new Map<string, ReadonlySet<number>>()
    for (const name of names) {
      const topic = this.shard.topics.byName(name)
      if (topic === null) continue
      const known = covered.get(topic.id)?.partitions ?? new Set()
      if (known.size >= topic.partitionCount && known.size > 0) continue
      const all = Array.from({ length: topic.partitionCount }, (_, index) => index)
      missing.set(topic.id, new Set(all.filter((index) => !known.has(index))))
    }
    if (missing.size === 0) return
    const begun = toStateTopics(missing, topicNameIn(this.shard.topics))
    const initializing = unitedTopics(kept.initializing, begun)
    const deleting = new Set([...kept.deleting].filter((topicId) => !initializing.has(topicId)))
    this.write(groupId, { ...kept, initializing, deleting }, out)
    const isKnown = (topicId: string) =>
      statePartitions !== null && (kept.initialized.has(topicId) || kept.initializing.has(topicId))
    out.effects.push({
      kind: 'beginShareState',
      ...{ groupId, stateEpoch },
      topics: [...missing].map(([topicId, partitions]) => ({
        topicId,
        partitions: [...partitions].map((partition) => ({
          partition,
          startOffset: isKnown(topicId) ? firstOffset : undecidedOffset,
        })),
      })),
    })
  }

  begun({ groupId, topics }: Command<'shareStateBegun'>, out: Draft): void {
    const group = this.shard.groups.get(groupId)
    if (!(group instanceof ShareGroup) || topics.size === 0) return
    const { kept } = group
    const begun = toStateTopics(topics, topicNameIn(this.shard.topics))
    const initialized = unitedTopics(kept.initialized, begun)
    const initializing = topicsWithout(kept.initializing, topics)
    this.write(groupId, { ...kept, initializing, initialized }, out)
  }

  refused({ groupId, topics }: Command<'shareStateRefused'>, out: Draft): void {
    const group = this.shard.groups.get(groupId)
    if (!(group instanceof ShareGroup)) return
    const { kept } = group
    if (kept.initializing.size === 0 || topics.size === 0) return
    const initializing = topicsWithout(kept.initializing, topics)
    this.write(groupId, { ...kept, initializing }, out)
  }

  topicsDeleted(topicIds: ReadonlySet<string>, out: Draft): void {
    const isThere = ([topicId]: readonly [string, unknown]) => !topicIds.has(topicId)
    for (const group of this.shard.groups.values()) {
      if (!(group instanceof ShareGroup)) continue
      const { kept, groupId } = group
      const initializing = new Map([...kept.initializing].filter(isThere))
      const initialized = new Map([...kept.initialized].filter(isThere))
      const deleting = new Set([...kept.deleting].filter((topicId) => !topicIds.has(topicId)))
      const isSame =
        initializing.size === kept.initializing.size &&
        initialized.size === kept.initialized.size &&
        deleting.size === kept.deleting.size
      if (!isSame) this.write(groupId, { initializing, initialized, deleting }, out)
    }
  }

  /**
   * Begins the deletion of a group: its share state goes first.
   *
   * @returns false if there is none, so that the group may go at once.
   */
  deleteOf(group: ShareGroup, { to }: Command<'delete'>, out: Draft): boolean {
    const { groupId, kept, statePartitions } = group
    if (statePartitions === null) return false
    const known = unitedTopics(kept.initialized, kept.initializing)
    const topics = new Map<string, ReadonlySet<number>>(
      [...known].map(([topicId, { partitions }]) => [topicId, partitions]),
    )
    for (const topicId of kept.deleting) {
      const count = this.shard.topics.byId(topicId)?.partitionCount
      if (count === undefined) continue
      topics.set(topicId, new Set(Array.from({ length: count }, (_, index) => index)))
    }
    const deleting = new Set(topics.keys())
    const nameOf = (topicId: string) =>
      known.get(topicId)?.name ?? topicNameIn(this.shard.topics)(topicId)
    const none = { initializing: new Map(), initialized: new Map() }
    out.records.push(stateRecord(groupId, { ...none, deleting }, nameOf))
    if (topics.size === 0) return false
    out.effects.push({ kind: 'deleteShareState', groupId, topics: listOf(topics), to })
    return true
  }

  deleted({ groupId, refusal, to }: Command<'shareStateDeleted'>, out: Draft): void {
    if (refusal !== null) throw refusal
    const group = this.shard.groups.get(groupId)
    if (!(group instanceof ShareGroup)) {
      throw new ApiError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
    }
    group.validateDelete()
    group.remove(out)
    out.reply(to, { groupId, errorCode: 0 })
  }

  private write(groupId: string, kept: Omit<StatePartitions, 'sinceMs'>, out: Draft): void {
    out.records.push(stateRecord(groupId, kept, topicNameIn(this.shard.topics)))
  }
}

function listOf(topics: Partitions) {
  return [...topics].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions] }))
}

import { type ErrorName, errorCode } from '../../protocol/errors.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import type { CommitRequest, CommitResult, FetchedTopic, FetchRequest } from './commands.ts'
import type { CommittedOffset, Group, PartitionCheck } from './group.ts'
import { PartitionMap } from './partition-map.ts'
import type { MarkerRecord, OffsetRecord } from './records.ts'

type Producer = NonNullable<OffsetRecord['producer']>

/** The committed offsets of a shard's groups. Kafka: `OffsetMetadataManager`. */
export class Offsets {
  private readonly committed = new PartitionMap<CommittedOffset>()
  /** Commits within open transactions, by producer id. */
  private readonly pending = new Map<number, PartitionMap<CommittedOffset>>()
  /** The producers whose open transactions have commits for a partition. */
  private readonly open = new PartitionMap<Set<number>>()
  private order = 0
  /** Interned topic ids: one string for each id, however many records contain it. */
  private readonly topicIds = new Map<string, string>()

  get(group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.committed.get(group, topic, partition)
  }

  groupIds(): Iterable<string> {
    return this.committed.groupIds()
  }

  /** Returns all offsets, to compare two shards. */
  dump(): unknown {
    return {
      committed: [...this.committed.entries()],
      pending: [...this.pending].map(([producer, offsets]) => [producer, [...offsets.entries()]]),
    }
  }

  replay({ key, value, producer }: OffsetRecord): void {
    const { group, topic, partition } = key
    if (value === null) {
      this.committed.delete(group, topic, partition)
      for (const id of this.open.get(group, topic, partition) ?? []) {
        this.pending.get(id)?.delete(group, topic, partition)
      }
      this.open.delete(group, topic, partition)
      return
    }
    const offset: CommittedOffset = {
      offset: value.offset,
      leaderEpoch: value.leaderEpoch,
      metadata: value.metadata,
      commitTimestampMs: value.commitTimestamp,
      expireTimestampMs: value.expireTimestamp,
      topicId: this.intern(value.topicId),
      order: ++this.order,
    }
    if (producer === undefined) {
      this.committed.set(group, topic, partition, offset)
      return
    }
    let pending = this.pending.get(producer.id)
    if (pending === undefined) this.pending.set(producer.id, (pending = new PartitionMap()))
    pending.set(group, topic, partition, offset)
    const producers = this.open.get(group, topic, partition) ?? new Set()
    this.open.set(group, topic, partition, producers.add(producer.id))
  }

  /**
   * Applies a marker: committed offsets become visible unless a later commit outside of the
   * transaction exists.
   */
  replayMarker({ producerId, isCommit }: MarkerRecord): void {
    const pending = this.pending.get(producerId)
    this.pending.delete(producerId)
    for (const { group, topic, partition, value } of pending?.entries() ?? []) {
      const producers = this.open.get(group, topic, partition)
      producers?.delete(producerId)
      if (producers?.size === 0) this.open.delete(group, topic, partition)
      const existing = this.committed.get(group, topic, partition)
      if (isCommit && (existing === undefined || existing.order < value.order)) {
        this.committed.set(group, topic, partition, value)
      }
    }
  }

  private intern(topicId: string): string {
    const known = this.topicIds.get(topicId)
    if (known !== undefined) return known
    if (this.topicIds.size >= internedMax) this.topicIds.clear()
    this.topicIds.set(topicId, topicId)
    return topicId
  }

  commit(
    request: CommitRequest,
    options: {
      readonly check: PartitionCheck
      readonly metadataBytesMax: number
      readonly nowMs: number
      readonly producer: Producer | undefined
    },
  ): { readonly records: OffsetRecord[]; readonly result: CommitResult } {
    const records: OffsetRecord[] = []
    const topics = request.topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map((partition) => {
        const { partitionIndex, committedMetadata } = partition
        const answer = (error: ErrorName) => ({ partitionIndex, errorCode: errorCode(error) })
        if ((committedMetadata?.length ?? 0) > options.metadataBytesMax) {
          return answer('OFFSET_METADATA_TOO_LARGE')
        }
        options.check(topicId, partitionIndex)
        records.push({
          type: 'OffsetCommit',
          key: { group: request.groupId, topic: name, partition: partitionIndex },
          value: {
            offset: partition.committedOffset,
            leaderEpoch: partition.committedLeaderEpoch,
            metadata: committedMetadata ?? '',
            commitTimestamp: options.nowMs,
            expireTimestamp:
              request.retentionTimeMs === -1 ? -1 : options.nowMs + request.retentionTimeMs,
            topicId,
          },
          ...(options.producer === undefined ? {} : { producer: options.producer }),
        })
        return answer('NONE')
      }),
    }))
    return { records, result: { topics } }
  }

  /** @param isKnown false if the group does not exist: it has no committed offsets. */
  fetch({ groupId, topics, requireStable }: FetchRequest, isKnown: boolean): FetchedTopic[] {
    const asked =
      topics ??
      [...this.committed.topicsOf(isKnown ? groupId : '')].map(([name, partitions]) => ({
        name,
        topicId: zeroUuid,
        partitionIndexes: [...partitions.keys()],
      }))
    if (topics === null && !isKnown) return []
    return asked.map(({ name, topicId, partitionIndexes }) => ({
      name,
      topicId,
      partitions: partitionIndexes.map((partition) => {
        if (requireStable && this.open.get(groupId, name, partition) !== undefined) {
          return { ...nothing(partition), errorCode: errorCode('UNSTABLE_OFFSET_COMMIT') }
        }
        const found = isKnown ? this.committed.get(groupId, name, partition) : undefined
        if (found === undefined || isOfAnother(found.topicId, topicId)) return nothing(partition)
        return {
          partitionIndex: partition,
          committedOffset: found.offset,
          committedLeaderEpoch: found.leaderEpoch,
          metadata: found.metadata,
          errorCode: 0,
        }
      }),
    }))
  }

  /** Returns tombstones for all offsets of the group, including those of open transactions. */
  tombstonesOf(groupId: string): OffsetRecord[] {
    const records: OffsetRecord[] = []
    for (const offsets of [this.committed, this.open]) {
      for (const [topic, partitions] of offsets.topicsOf(groupId)) {
        for (const partition of partitions.keys()) {
          if (offsets === this.open && this.get(groupId, topic, partition) !== undefined) continue
          records.push(tombstone(groupId, topic, partition))
        }
      }
    }
    return records
  }

  /** Returns whether the partition has an offset to delete. */
  holds(groupId: string, topic: string, partition: number): boolean {
    return (
      this.get(groupId, topic, partition) !== undefined ||
      this.open.get(groupId, topic, partition) !== undefined
    )
  }

  /**
   * @returns the tombstones of expired offsets, and whether all offsets of the group have
   *   expired.
   */
  expire(
    group: Group,
    nowMs: number,
    retentionMs: number,
  ): { readonly records: OffsetRecord[]; readonly isAll: boolean } {
    const { groupId } = group
    const isOpen = this.open.has(groupId)
    if (!this.committed.has(groupId)) return { records: [], isAll: !isOpen }
    const baseOf = group.expiryBase()
    if (baseOf === null) return { records: [], isAll: false }
    const records: OffsetRecord[] = []
    let isAll = !isOpen
    for (const [topic, partitions] of this.committed.topicsOf(groupId)) {
      const isSubscribed = group.isSubscribedTo(topic)
      for (const [partition, offset] of partitions) {
        const isOver =
          offset.expireTimestampMs === -1
            ? nowMs - baseOf(offset) >= retentionMs
            : nowMs >= offset.expireTimestampMs
        const isPending = this.open.get(groupId, topic, partition) !== undefined
        if (!isSubscribed && isOver && !isPending) {
          records.push(tombstone(groupId, topic, partition))
        } else isAll = false
      }
    }
    return { records, isAll }
  }

  /** Returns tombstones for the offsets of deleted topics. */
  ofDeletedTopics(deleted: readonly { readonly id: string; readonly name: string }[]) {
    const ids = new Map(deleted.map(({ id, name }) => [name, id]))
    const records: OffsetRecord[] = []
    for (const offsets of [this.committed, ...this.pending.values()]) {
      for (const { group, topic, partition, value } of offsets.entries()) {
        const id = ids.get(topic)
        if (id === undefined || isOfAnother(value.topicId, id)) continue
        records.push(tombstone(group, topic, partition))
      }
    }
    return records
  }
}

const internedMax = 10_000

/** Returns whether the ids differ: a topic that was deleted and recreated has a new id. */
function isOfAnother(topicId: string, expected: string): boolean {
  return topicId !== zeroUuid && expected !== zeroUuid && topicId !== expected
}

function nothing(partitionIndex: number) {
  return {
    partitionIndex,
    committedOffset: -1,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode: 0,
  }
}

export function tombstone(group: string, topic: string, partition: number): OffsetRecord {
  return { type: 'OffsetCommit', key: { group, topic, partition }, value: null }
}

import { appendInParts } from '../append-in-parts.ts'
import type { CoordinatorLog, LoadedBatch } from '../coordinator-log.ts'
import type { ShardKind } from '../hosted-shard.ts'
import type { GroupCommand, GroupEffect } from './commands.ts'
import { fromKeyValue, type GroupRecord, type StoredRecord, toKeyValue } from './records.ts'
import { GroupShard } from './shard.ts'

/**
 * Maximum tombstones of a batch; those of a deleted topic are split because they need not be
 * atomic.
 */
const tombstonesMax = 1000

type GroupShards = ShardKind<GroupCommand, GroupRecord, GroupEffect, GroupShard>

/** Returns how to create, write and read the shards of `__consumer_offsets`. */
export function groupShards(
  options: ConstructorParameters<typeof GroupShard>[0],
  perform: GroupShards['perform'],
): GroupShards {
  return {
    topic: '__consumer_offsets',
    newMachine: () => new GroupShard(options),
    recordsOf,
    append,
    perform,
    afterRefusal: (command) =>
      command.kind === 'sync'
        ? { kind: 'classicAssignmentRefused', groupId: command.request.groupId }
        : null,
    loaded: { kind: 'loaded' },
  }
}

function* recordsOf(batch: LoadedBatch): Generator<GroupRecord> {
  const { producerId, producerEpoch, marker } = batch
  if (marker !== null) {
    const isCommit = marker === 'commit'
    yield { type: 'TransactionMarker', producerId, producerEpoch, coordinatorEpoch: -1, isCommit }
    return
  }
  for (const keyValue of batch.records) {
    const record = fromKeyValue(keyValue)
    if (record === null) continue
    if (batch.isTransactional && record.type === 'OffsetCommit') {
      yield { ...record, producer: { id: producerId, epoch: producerEpoch } }
    } else yield record
  }
}

function append(records: readonly GroupRecord[], log: CoordinatorLog): Promise<void> {
  const first = records[0]
  if (first?.type === 'TransactionMarker') return log.appendMarker(first)
  const rows = records as readonly StoredRecord[]
  const producer = first?.type === 'OffsetCommit' ? first.producer : undefined
  const keyValues = rows.map(toKeyValue)
  if (producer !== undefined) {
    const { id: producerId, epoch: producerEpoch } = producer
    return log.append(keyValues, { producerId, producerEpoch, isTransactional: true })
  }
  if (keyValues.length <= tombstonesMax || keyValues.some(({ value }) => value !== null)) {
    return log.append(keyValues)
  }
  return appendInParts(keyValues, log, tombstonesMax)
}

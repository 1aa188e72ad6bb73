import { unreachable } from '../../base/assert.ts'
import { type Machine, OutcomeDraft } from '../../machine/machine.ts'
import { ApiError, defaultMessage, type ErrorName, errorCode } from '../../protocol/errors.ts'
import type { To } from '../hosted-shard.ts'
import type { TopicView } from '../topic-view.ts'
import type { ShareCommand, ShareCoordinatorConfig, ShareEffect, WrittenState } from './commands.ts'
import type { ShareRecord } from './records.ts'
import { refusedRow } from './refused-row.ts'
import { coordinatorKey, type ShareKey } from './share-key.ts'
import {
  initialized,
  progressed,
  repeated,
  replaced,
  type ShareState,
  snapshotWith,
  unknownState,
  updated,
  updateWith,
} from './share-state.ts'
import { checkBatches } from './state-batches.ts'

type Command<K extends ShareCommand['kind']> = Extract<ShareCommand, { kind: K }>
type Draft = OutcomeDraft<ShareCommand, ShareRecord, ShareEffect>

const pruneTimer = 'prune'
const coldTimer = 'snapshot cold'

/**
 * The share partitions of one partition of `__share_group_state`. Modelled on Kafka's
 * `ShareCoordinatorShard`. Every command about a share partition is answered with the row of that
 * partition in the response, errors too.
 */
export class ShareShard implements Machine<ShareCommand, ShareRecord, ShareEffect> {
  private readonly states = new Map<
    string,
    { readonly key: ShareKey; readonly state: ShareState }
  >()
  private readonly config: ShareCoordinatorConfig
  private readonly topics: TopicView
  /** The offset of the last tombstone; null before one. */
  private tombstoneOffset: number | null = null

  constructor(options: { readonly config: ShareCoordinatorConfig; readonly topics: TopicView }) {
    this.config = options.config
    this.topics = options.topics
  }

  decide(command: ShareCommand, nowMs: number): Draft {
    const out: Draft = new OutcomeDraft()
    try {
      this.dispatch(command, out, nowMs)
    } catch (error) {
      if (!(error instanceof ApiError) || !('to' in command)) throw error
      const to = command.to as To<ReturnType<typeof refusedRow>>
      out.reply(to, refusedRow(command.key.partition, error))
    }
    return out
  }

  private dispatch(command: ShareCommand, out: Draft, nowMs: number): void {
    switch (command.kind) {
      case 'initialize':
        return this.initialize(command, out, nowMs)
      case 'read':
        return this.read(command, out, nowMs)
      case 'write':
        return this.write(command, out, nowMs)
      case 'delete':
        return this.delete(command, out)
      case 'readSummary':
        return this.readSummary(command, out)
      case 'topicsDeleted':
        return this.topicsDeleted(command, out)
      case 'snapshotCold':
        return this.snapshotCold(out, nowMs)
      case 'prune':
        return this.prune(out, nowMs)
      case 'loaded':
        out.setTimer(pruneTimer, nowMs + this.config.stateTopicPruneIntervalMs, { kind: 'prune' })
        return this.scheduleCold(out, nowMs)
      default:
        return unreachable(command)
    }
  }

  private initialize(command: Command<'initialize'>, out: Draft, nowMs: number): void {
    const { key, stateEpoch, to } = command
    checkPartition(key)
    checkStateEpoch(stateEpoch)
    const state = this.stateOf(key)
    checkNotFenced('FENCED_STATE_EPOCH', state?.highestStateEpoch, stateEpoch)
    this.checkExists(key)
    out.records.push({ type: 'snapshot', key, value: initialized(state, command, nowMs) })
    out.reply(to, row(key))
  }

  /** Reads the state; a leader of a newer epoch fences those of older ones by a record. */
  private read({ key, leaderEpoch, to }: Command<'read'>, out: Draft, nowMs: number): void {
    checkPartition(key)
    checkLeaderEpoch(leaderEpoch)
    const state = this.stateOf(key)
    if (state === undefined) {
      throw new ApiError(
        'INVALID_REQUEST',
        'Read operation on uninitialized share partition not allowed.',
      )
    }
    checkNotFenced('FENCED_LEADER_EPOCH', state.highestLeaderEpoch, leaderEpoch)
    this.checkExists(key)
    const { stateEpoch, startOffset, stateBatches, deliveryCompleteCount } = state
    if (state.highestLeaderEpoch !== leaderEpoch) {
      const written = { leaderEpoch, startOffset, deliveryCompleteCount, stateBatches: [] }
      out.records.push(this.recordOf(key, state, written, nowMs))
    }
    out.reply(to, { ...row(key), stateEpoch, startOffset, stateBatches: [...stateBatches] })
  }

  private write({ key, written, to }: Command<'write'>, out: Draft, nowMs: number): void {
    checkPartition(key)
    checkLeaderEpoch(written.leaderEpoch)
    checkStateEpoch(written.stateEpoch)
    const state = this.stateOf(key)
    if (state === undefined) {
      throw new ApiError(
        'INVALID_REQUEST',
        'Write operation on uninitialized share partition not allowed.',
      )
    }
    checkNotFenced('FENCED_LEADER_EPOCH', state.highestLeaderEpoch, written.leaderEpoch)
    checkNotFenced('FENCED_STATE_EPOCH', state.highestStateEpoch, written.stateEpoch)
    this.checkExists(key)
    checkBatches(
      state.stateBatches,
      written.stateBatches,
      Math.max(state.startOffset, written.startOffset),
    )
    // A write has to know the epochs, and sets neither.
    const { leaderEpoch } = state
    out.records.push(this.recordOf(key, state, { ...written, leaderEpoch }, nowMs))
    out.reply(to, row(key))
  }

  private delete({ key, to }: Command<'delete'>, out: Draft): void {
    checkPartition(key)
    this.checkExists(key)
    if (this.stateOf(key) !== undefined) out.records.push({ type: 'snapshot', key, value: null })
    out.reply(to, row(key))
  }

  private readSummary({ key, to }: Command<'readSummary'>, out: Draft): void {
    checkPartition(key)
    this.checkExists(key)
    const { stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount } =
      this.stateOf(key) ?? unknownState
    out.reply(to, { ...row(key), stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount })
  }

  private topicsDeleted({ topicIds }: Command<'topicsDeleted'>, out: Draft): void {
    for (const { key } of this.states.values()) {
      if (topicIds.has(key.topicId)) out.records.push({ type: 'snapshot', key, value: null })
    }
  }

  /** Writes snapshots of the share partitions whose last one is old, so that it may be pruned. */
  private snapshotCold(out: Draft, nowMs: number): void {
    this.scheduleCold(out, nowMs)
    const { coldPartitionSnapshotIntervalMs, isShareGroupsEnabled } = this.config
    const all = [...this.states.values()]
    const isAllCold = all.every(({ state }) => state.createTimestamp !== state.writeTimestamp)
    if (!isShareGroupsEnabled || isAllCold) return
    for (const { key, state } of all) {
      if (nowMs - state.writeTimestamp < coldPartitionSnapshotIntervalMs) continue
      out.records.push({ type: 'snapshot', key, value: repeated(state, nowMs) })
    }
  }

  private scheduleCold(out: Draft, nowMs: number): void {
    const atMs = nowMs + this.config.coldPartitionSnapshotIntervalMs
    out.setTimer(coldTimer, atMs, { kind: 'snapshotCold' })
  }

  private prune(out: Draft, nowMs: number): void {
    const { stateTopicPruneIntervalMs, isShareGroupsEnabled } = this.config
    out.setTimer(pruneTimer, nowMs + stateTopicPruneIntervalMs, { kind: 'prune' })
    const beforeOffset = this.redundantBefore()
    if (isShareGroupsEnabled && beforeOffset > 0) {
      out.effects.push({ kind: 'deleteRecords', beforeOffset })
    }
  }

  /** Returns the offset of the first record that is needed; 0 if every record is. */
  private redundantBefore(): number {
    const offsets = [...this.states.values()].flatMap(({ state }) => state.snapshotOffset ?? [])
    return offsets.length === 0 ? (this.tombstoneOffset ?? 0) : Math.min(...offsets)
  }

  replay(record: ShareRecord, offset: number): void {
    const { key } = record
    const name = coordinatorKey(key)
    const before = this.states.get(name)?.state
    if (record.type === 'update') {
      this.states.set(name, { key, state: updated(before, record.value) })
      return
    }
    if (record.value === null) {
      this.states.delete(name)
      this.tombstoneOffset = offset
      return
    }
    const max = this.config.snapshotUpdateRecordsPerSnapshot
    this.states.set(name, { key, state: replaced(before, record.value, { max, offset }) })
  }

  private recordOf(
    key: ShareKey,
    state: ShareState,
    written: Omit<WrittenState, 'stateEpoch'>,
    nowMs: number,
  ): ShareRecord {
    const isFull = state.updates >= this.config.snapshotUpdateRecordsPerSnapshot
    const progress = progressed(state, written)
    return isFull
      ? { type: 'snapshot', key, value: snapshotWith(state, progress, nowMs) }
      : { type: 'update', key, value: updateWith(state, progress) }
  }

  private stateOf(key: ShareKey): ShareState | undefined {
    return this.states.get(coordinatorKey(key))?.state
  }

  /** @throws ApiError UNKNOWN_TOPIC_OR_PARTITION */
  private checkExists({ topicId, partition }: ShareKey): void {
    const count = this.topics.byId(topicId)?.partitionCount ?? 0
    if (partition < count) return
    const reason = 'UNKNOWN_TOPIC_OR_PARTITION'
    throw new ApiError(reason, defaultMessage(reason))
  }

  /** Returns the replayed state as plain data, to compare two shards that replayed the same log. */
  hardState(): unknown {
    return [...this.states].sort(([a], [b]) => (a < b ? -1 : 1))
  }
}

function row({ partition }: ShareKey) {
  return { partition, errorCode: errorCode('NONE'), errorMessage: null }
}

/** @throws ApiError INVALID_REQUEST */
function checkPartition({ partition }: ShareKey): void {
  if (partition >= 0) return
  throw new ApiError('INVALID_REQUEST', 'The partition id cannot be a negative number.')
}

/** @throws ApiError INVALID_REQUEST */
function checkLeaderEpoch(leaderEpoch: number): void {
  if (leaderEpoch >= 0) return
  throw new ApiError('INVALID_REQUEST', 'The leader epoch cannot be a negative number.')
}

/** @throws ApiError INVALID_REQUEST */
function checkStateEpoch(stateEpoch: number): void {
  if (stateEpoch >= 0) return
  throw new ApiError('INVALID_REQUEST', 'The state epoch cannot be a negative number.')
}

/** @throws ApiError `reason` if the epoch is below the highest one seen. */
function checkNotFenced(reason: ErrorName, highest: number | undefined, epoch: number): void {
  if (highest !== undefined && highest > epoch) throw new ApiError(reason, defaultMessage(reason))
}

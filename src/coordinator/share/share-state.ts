import type { ShareSnapshotValue } from '../../protocol/stored/share/00-share-snapshot.ts'
import type { ShareUpdateValue } from '../../protocol/stored/share/01-share-update.ts'
import type { WrittenState } from './commands.ts'
import { combineBatches, noStartOffset } from './state-batches.ts'

/** The delivery-complete count of a share partition whose start offset is not known. */
export const noCount = -1

/** The state of one share partition. Kafka: `ShareGroupOffset`, and the maps of its shard. */
export interface ShareState extends ShareSnapshotValue {
  /** The highest epochs that any record had: lower ones are fenced. */
  readonly highestLeaderEpoch: number
  readonly highestStateEpoch: number
  /**
   * How many updates count for the next snapshot; one that is written before its time does not
   * reset the number, as in Kafka.
   */
  readonly updates: number
  /** The offset of its last snapshot in the log; null if the log holds none. */
  readonly snapshotOffset: number | null
}

/** The summary of a share partition without state. */
export const unknownState = {
  stateEpoch: 0,
  leaderEpoch: 0,
  startOffset: noStartOffset,
  deliveryCompleteCount: noCount,
}

type Progress = Omit<WrittenState, 'stateEpoch'>

/** Returns the first snapshot of a share partition, or one that begins it anew. */
export function initialized(
  from: ShareState | undefined,
  { stateEpoch, startOffset }: { readonly stateEpoch: number; readonly startOffset: number },
  nowMs: number,
): ShareSnapshotValue {
  return {
    snapshotEpoch: from === undefined ? 0 : from.snapshotEpoch + 1,
    stateEpoch,
    leaderEpoch: 0,
    startOffset,
    deliveryCompleteCount: startOffset === noStartOffset ? noCount : 0,
    createTimestamp: nowMs,
    writeTimestamp: nowMs,
    stateBatches: [],
  }
}

/**
 * Returns what is to be written of a leader's report: the start offset never goes back, and the
 * count is that of the larger start offset.
 */
export function progressed(from: ShareState, written: Progress): Progress {
  const { startOffset, deliveryCompleteCount: count } = from
  const isLater = written.startOffset > startOffset
  const isSame = written.startOffset === startOffset
  return {
    ...written,
    startOffset: isLater ? written.startOffset : startOffset,
    deliveryCompleteCount: isLater
      ? written.deliveryCompleteCount
      : isSame
        ? Math.max(count, written.deliveryCompleteCount)
        : count,
  }
}

/** Returns the snapshot of the state with what was written since. */
export function snapshotWith(from: ShareState, written: Progress, nowMs: number) {
  const { startOffset, leaderEpoch, deliveryCompleteCount } = written
  return {
    snapshotEpoch: from.snapshotEpoch + 1,
    stateEpoch: from.stateEpoch,
    ...{ leaderEpoch, startOffset, deliveryCompleteCount },
    createTimestamp: nowMs,
    writeTimestamp: nowMs,
    stateBatches: combineBatches(from.stateBatches, written.stateBatches, startOffset),
  }
}

/** Returns the record of what was written alone. */
export function updateWith(from: ShareState, written: Progress): ShareUpdateValue {
  const { startOffset, leaderEpoch, deliveryCompleteCount, stateBatches } = written
  return {
    snapshotEpoch: from.snapshotEpoch,
    ...{ leaderEpoch, startOffset, deliveryCompleteCount },
    stateBatches: combineBatches([], stateBatches, startOffset),
  }
}

/** Returns the next snapshot of a state that has not changed. */
export function repeated(from: ShareState, nowMs: number): ShareSnapshotValue {
  const { stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount, createTimestamp } = from
  return {
    snapshotEpoch: from.snapshotEpoch + 1,
    ...{ stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount, createTimestamp },
    writeTimestamp: nowMs,
    stateBatches: from.stateBatches,
  }
}

/**
 * Returns the state after a snapshot was replayed.
 *
 * @param log `max`: how many updates are written before a snapshot; `offset` of this one.
 */
export function replaced(
  before: ShareState | undefined,
  snapshot: ShareSnapshotValue,
  log: { readonly max: number; readonly offset: number },
): ShareState {
  const { leaderEpoch, stateEpoch } = snapshot
  const updates = before?.updates ?? 0
  return {
    ...snapshot,
    highestLeaderEpoch: Math.max(before?.highestLeaderEpoch ?? leaderEpoch, leaderEpoch),
    highestStateEpoch: Math.max(before?.highestStateEpoch ?? stateEpoch, stateEpoch),
    updates: updates >= log.max ? 0 : updates,
    snapshotOffset: log.offset,
  }
}

/** Returns the state after an update was replayed. */
export function updated(before: ShareState | undefined, update: ShareUpdateValue): ShareState {
  const { snapshotEpoch, leaderEpoch, startOffset, deliveryCompleteCount, stateBatches } = update
  if (before === undefined) {
    // Its snapshot is missing from the log.
    return {
      ...{ snapshotEpoch, leaderEpoch, startOffset, deliveryCompleteCount, stateBatches },
      ...{ stateEpoch: 0, createTimestamp: 0, writeTimestamp: 0 },
      ...{ highestLeaderEpoch: leaderEpoch, highestStateEpoch: 0 },
      ...{ updates: 1, snapshotOffset: null },
    }
  }
  const start = startOffset === noStartOffset ? before.startOffset : startOffset
  return {
    ...before,
    leaderEpoch: leaderEpoch === -1 ? before.leaderEpoch : leaderEpoch,
    startOffset: start,
    deliveryCompleteCount,
    stateBatches: combineBatches(before.stateBatches, stateBatches, start),
    highestLeaderEpoch: Math.max(before.highestLeaderEpoch, leaderEpoch),
    updates: before.updates + 1,
  }
}

import type { EpochEnd } from '../storage/epochs.ts'

/** Names a snapshot: the offset and epoch at which the log goes on behind it (KIP-630). */
export interface SnapshotId {
  readonly endOffset: number
  readonly epoch: number
}

/** The log of a leader, as far as the place of a follower in it is concerned. */
export interface LeaderLog {
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly latestEpoch: number
  epochEndOffset(epoch: number): EpochEnd
}

/** How a follower goes on. */
export type Position =
  | { readonly kind: 'valid' }
  /** It truncates its log to where this epoch ends. */
  | { readonly kind: 'diverging'; readonly epoch: number; readonly endOffset: number }
  /** It fetches this snapshot. */
  | { readonly kind: 'snapshot'; readonly snapshotId: SnapshotId }

/**
 * Compares the end of a follower's log with the leader's (`RaftLog.validateOffsetAndEpoch`).
 * @param snapshots oldest first, without those that end below the start of the log.
 * @param offset the end of the follower's log.
 * @param epoch that of the follower's last record; 0 for an empty log.
 */
export function positionOf(
  log: LeaderLog,
  snapshots: readonly SnapshotId[],
  offset: number,
  epoch: number,
): Position {
  const [earliest, latest] = [snapshots[0], snapshots.at(-1)]
  // A snapshot of offset 0 holds what formatting wrote, which is in the log, too.
  const isWorth = latest !== undefined && latest.endOffset > 0
  if (offset === 0 && isWorth) return toSnapshot(latest)
  if (log.logStartOffset === 0 && offset === 0) return { kind: 'valid' }
  const isBelow =
    earliest !== undefined &&
    (offset < log.logStartOffset ||
      (offset === log.logStartOffset && epoch !== earliest.epoch) ||
      epoch < earliest.epoch)
  if (isBelow) return toSnapshot(latest!)
  const end = endOf(log, earliest, epoch)
  if (end.epoch === epoch && end.endOffset >= offset) return { kind: 'valid' }
  return { kind: 'diverging', ...end }
}

function toSnapshot({ endOffset, epoch }: SnapshotId): Position {
  return { kind: 'snapshot', snapshotId: { endOffset, epoch } }
}

/** Returns where the newest epoch not above `epoch` ends (`KafkaRaftLog.endOffsetForEpoch`). */
function endOf(log: LeaderLog, earliest: SnapshotId | undefined, epoch: number): SnapshotId {
  const { leaderEpoch, endOffset } = log.epochEndOffset(epoch)
  if (endOffset === -1) return { epoch: log.latestEpoch, endOffset: log.logEndOffset }
  // The epoch of a snapshot at the start of the log is not in the log any more.
  if (endOffset === earliest?.endOffset && leaderEpoch === epoch) {
    return { epoch: earliest.epoch, endOffset }
  }
  return { epoch: leaderEpoch, endOffset }
}

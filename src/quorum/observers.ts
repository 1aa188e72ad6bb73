/** A follower of the metadata log: a node id, and the id of its log directory (KIP-853). */
export interface ReplicaKey {
  readonly id: number
  readonly directoryId: string
}

/** The position of a replica that fetches from this leader, and the times of its fetches. */
export interface ObserverState extends ReplicaKey {
  readonly logEndOffset: number
  /** Wall-clock time in ms of the last fetch. */
  readonly lastFetchMs: number
  /** Wall-clock time in ms at which it had the whole log; -1 if it never had. */
  readonly lastCaughtUpMs: number
}

interface Known extends ObserverState {
  /** The end of the leader's log at the last fetch. */
  readonly leaderEndOffset: number
}

/** A replica that has not fetched for this time, in ms, is forgotten (Kafka's `LeaderState`). */
const forgottenAfterMs = 5 * 60_000

/** Maximum number of replicas known; one more replaces the one silent for longest. */
const observersMax = 10_000

/** The replicas that follow the metadata log without a vote. */
export class Observers {
  private readonly known = new Map<string, Known>()

  /** Records a fetch from `offset`, which is the end of the replica's log. */
  note(replica: ReplicaKey, offset: number, leaderEndOffset: number, nowMs: number): void {
    const { id, directoryId } = replica
    const key = `${id}:${directoryId}`
    const before = this.known.get(key)
    // Removed first, so that the map is in the order of the last fetch.
    this.known.delete(key)
    if (this.known.size >= observersMax) this.known.delete(this.known.keys().next().value!)
    this.known.set(key, {
      id,
      directoryId,
      logEndOffset: offset,
      lastFetchMs: Math.max(before?.lastFetchMs ?? -1, nowMs),
      lastCaughtUpMs: caughtUpMs(before, offset, leaderEndOffset, nowMs),
      leaderEndOffset,
    })
  }

  /** Returns the replicas that have fetched lately. */
  all(nowMs: number): ObserverState[] {
    for (const [key, { lastFetchMs }] of this.known) {
      if (nowMs - lastFetchMs >= forgottenAfterMs) this.known.delete(key)
    }
    return [...this.known.values()]
  }
}

/** A replica that now has all the leader had at its previous fetch was caught up at that time. */
function caughtUpMs(
  before: Known | undefined,
  offset: number,
  leaderEndOffset: number,
  nowMs: number,
): number {
  const last = before?.lastCaughtUpMs ?? -1
  if (offset >= leaderEndOffset) return Math.max(last, nowMs)
  const hadAllThen = before !== undefined && offset >= before.leaderEndOffset
  return hadAllThen ? Math.max(last, before.lastFetchMs) : last
}

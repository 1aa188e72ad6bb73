import type { Clock } from '../base/clock.ts'
import { stackOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import type { ErrorName } from '../protocol/errors.ts'
import { nothingFrom, type ReadLimits, type ReadResult } from '../storage/batch-read.ts'
import { type LeaderLog, type Position, positionOf, type SnapshotId } from './follower-position.ts'
import { FollowersInStep } from './followers-in-step.ts'
import { type ObserverState, Observers, type ReplicaKey } from './observers.ts'

/** A follower's request for the records from `offset` on. */
export interface FollowerFetch {
  readonly replica: ReplicaKey
  /** Whether the follower is a node of this process, perhaps the broker of this very node. */
  readonly isSameProcess: boolean
  readonly currentLeaderEpoch: number
  readonly offset: number
  readonly lastFetchedEpoch: number
  /** `Infinity` if it is not known to the leader (before Fetch v18). */
  readonly highWatermark: number
  readonly maxBytes: number
  readonly maxWaitMs: number
  /** Aborted when the follower's connection is closed. */
  readonly closed: AbortSignal
}

export interface FetchAnswer {
  readonly error: ErrorName
  /** -1 with an error. */
  readonly highWatermark: number
  readonly position: Position
  readonly records: readonly Uint8Array[]
}

/** The log that is led, as far as its followers are concerned. */
export interface LedLog extends LeaderLog {
  /** Records below can be read. */
  readonly writtenOffset: number
  read(offset: number, limits: ReadLimits): ReadResult | Promise<ReadResult>
}

/** Maximum bytes of one answer, whatever a follower asks for; one batch always fits. */
export const fetchBytesMax = 8 * 1024 * 1024

/** Maximum number of fetches that wait; with one more the oldest is answered. */
const waitingMax = 10_000

/**
 * Time in ms without a fetch after which no other process follows; followers fetch every half
 * second.
 */
const remoteMsMax = 5000

const valid: Position = { kind: 'valid' }

/**
 * The leader of the metadata log, the only voter: what it says to those who follow (the leader's
 * side of Kafka's `KafkaRaftClient`). It knows the followers only by their fetches.
 */
export class QuorumLeader {
  private readonly nodeId: number
  private readonly log: LedLog
  private readonly snapshots: () => readonly SnapshotId[]
  private readonly epoch: () => number
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly observers = new Observers()
  private readonly inStep: FollowersInStep
  private readonly waiting = new Set<(isEvent: boolean) => void>()
  /** Counts the events after which a fetch may have another answer. */
  private events = 0
  private committed: number
  /** The high watermark in answers to other processes. */
  private synced: number
  private isClosing = false
  /** Monotonic time in ms of the last fetch of another process; null if there was none. */
  private remoteMs: number | null = null

  constructor(options: {
    readonly nodeId: number
    readonly log: LedLog
    /** The snapshots that end at or above the start of the log, oldest first. */
    readonly snapshots: () => readonly SnapshotId[]
    readonly epoch: () => number
    readonly highWatermark: number
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.nodeId = options.nodeId
    this.log = options.log
    this.snapshots = options.snapshots
    this.epoch = options.epoch
    this.committed = this.synced = options.highWatermark
    this.clock = options.clock
    this.logger = options.logger
    this.inStep = new FollowersInStep(options.clock)
  }

  /** Records below are committed. */
  get highWatermark(): number {
    return this.committed
  }

  /** Whether another process has fetched lately, which wants the high watermark to move. */
  get isFollowedRemotely(): boolean {
    return this.remoteMs !== null && this.clock.monotonicMs() - this.remoteMs < remoteMsMax
  }

  /**
   * Records below `offset` are committed: they are written, and there is one voter.
   * @param isSynced false if a power loss may lose them. What is lost with this process was not
   * committed to the other nodes in it, but must never have been to nodes elsewhere.
   */
  commit(offset: number, isSynced: boolean): void {
    this.committed = Math.max(this.committed, offset)
    if (isSynced) this.synced = Math.max(this.synced, offset)
    this.wake()
  }

  /** The leader will end: fetches are refused, those that wait at once. */
  close(): void {
    this.isClosing = true
    this.wake()
  }

  private wake(): void {
    this.events += 1
    for (const resume of [...this.waiting]) resume(true)
  }

  /** Returns why a request of this epoch cannot be answered by a leader; null if it can. */
  refusalOf(epoch: number): ErrorName | null {
    if (epoch < this.epoch()) return 'FENCED_LEADER_EPOCH'
    if (epoch > this.epoch()) return 'UNKNOWN_LEADER_EPOCH'
    return this.isClosing ? 'BROKER_NOT_AVAILABLE' : null
  }

  /**
   * Answers a fetch; if there is nothing new, when there is, or after `maxWaitMs`. Never rejects.
   */
  async fetch(fetch: FollowerFetch): Promise<FetchAnswer> {
    const deadlineMs = this.clock.monotonicMs() + fetch.maxWaitMs
    if (!fetch.isSameProcess) this.remoteMs = this.clock.monotonicMs()
    for (;;) {
      const { events } = this
      const answer = await this.attempt(fetch)
      const isFinal = fetch.maxWaitMs === 0 || isNews(answer, fetch)
      if (!isFinal && this.events !== events) continue
      if (isFinal || !(await this.event(deadlineMs, fetch.closed))) {
        if (fetch.closed.aborted) this.inStep.left(keyOf(fetch))
        else this.inStep.answered(keyOf(fetch), answer.highWatermark)
        return answer
      }
    }
  }

  /**
   * Resolves when all nodes that follow have the committed records below `offset`, and after a
   * second at the latest.
   */
  observersReached(offset: number): Promise<void> {
    return this.inStep.reached(offset)
  }

  /** Returns the replicas without a vote that have fetched in the last five minutes. */
  observerStates(): ObserverState[] {
    return this.observers.all(this.clock.nowMs())
  }

  private async attempt(fetch: FollowerFetch): Promise<FetchAnswer> {
    const { log } = this
    const refusal = this.refusalOf(fetch.currentLeaderEpoch)
    if (refusal !== null) return failed(refusal)
    const { replica, offset, maxBytes, isSameProcess } = fetch
    const position = positionOf(log, this.snapshots(), offset, fetch.lastFetchedEpoch)
    const highWatermark = isSameProcess ? this.committed : this.synced
    if (position.kind !== 'valid') return { error: 'NONE', highWatermark, position, records: [] }
    const isOwnId = replica.id === this.nodeId
    const isImpossible = maxBytes < 0 && offset < log.logEndOffset
    if ((isOwnId && !isSameProcess) || isImpossible) return failed('UNKNOWN_SERVER_ERROR')
    // A replica id of -1 is a reader whose position need not be known.
    if (replica.id >= 0) {
      this.inStep.fetched(keyOf(fetch), fetch)
      if (!isOwnId) this.observers.note(replica, offset, log.logEndOffset, this.clock.nowMs())
    }
    try {
      const { chunks } = await this.read(offset, maxBytes)
      return { error: 'NONE', highWatermark, position, records: chunks }
    } catch (error) {
      this.logger.error('the metadata log could not be read for a follower', {
        follower: replica.id,
        offset,
        error: stackOf(error),
      })
      return failed('UNKNOWN_SERVER_ERROR')
    }
  }

  private read(offset: number, maxBytes: number): ReadResult | Promise<ReadResult> {
    const upTo = this.log.writtenOffset
    if (offset >= upTo) return nothingFrom(offset)
    const limits = { maxBytes: Math.min(maxBytes, fetchBytesMax), minOneBatch: true, upTo }
    return this.log.read(offset, limits)
  }

  /** Resolves with whether something has happened before the deadline. */
  private event(deadlineMs: number, closed: AbortSignal): Promise<boolean> {
    const restMs = deadlineMs - this.clock.monotonicMs()
    if (restMs <= 0 || closed.aborted) return Promise.resolve(false)
    return new Promise((resolve) => {
      const end = (isEvent: boolean) => {
        timer.clear()
        closed.removeEventListener('abort', giveUp)
        this.waiting.delete(end)
        resolve(isEvent)
      }
      const giveUp = () => end(false)
      const timer = this.clock.after(restMs, giveUp)
      closed.addEventListener('abort', giveUp)
      const [oldest] = this.waiting
      if (this.waiting.size >= waitingMax) oldest!(false)
      this.waiting.add(end)
    })
  }
}

const keyOf = ({ replica: { id, directoryId }, isSameProcess }: FollowerFetch) =>
  `${id}:${directoryId}:${isSameProcess}`

const failed = (error: ErrorName): FetchAnswer => ({
  error,
  highWatermark: -1,
  position: valid,
  records: [],
})

/** Whether an answer says something that the follower does not know yet. */
function isNews(answer: FetchAnswer, { highWatermark }: FollowerFetch): boolean {
  if (answer.error !== 'NONE' || answer.position.kind !== 'valid') return true
  return answer.records.length > 0 || answer.highWatermark > highWatermark
}

import type { Clock } from '../../base/clock.ts'
import { asError, stackOf } from '../../base/error-text.ts'
import type { Logger } from '../../base/logger.ts'
import type { Random } from '../../base/random.ts'
import { Wait } from '../../base/wait.ts'
import {
  type Carrier,
  type Channel,
  ChannelFault,
  type NodeAddress,
} from '../../channel/channel.ts'
import { errorName } from '../../protocol/errors.ts'
import { fetch } from '../../protocol/messages/01-fetch.ts'
import { fetchSnapshot } from '../../protocol/messages/59-fetch-snapshot.ts'
import { ChannelSet } from './channel-set.ts'
import { FollowedLog, type OffsetAndEpoch } from './followed-log.ts'
import { KnownLeader, type LeaderNews } from './known-leader.ts'
import { ObserverFault } from './observer-fault.ts'
import type { ObserverLimits } from './observer-limits.ts'
import {
  type FetchedPartition,
  fetchRequest,
  fetchSnapshotRequest,
  leaderNewsOf,
  type ObserverIdentity,
  partitionIn,
  pieceIn,
} from './raft-messages.ts'
import { Refreshes } from './refreshes.ts'
import { SnapshotDownload } from './snapshot-download.ts'

/** Receives what is committed, one call after the other. A rejection ends the observer. */
export interface CommittedSink {
  /**
   * Receives the batches that follow those before; none if the leader only confirmed its end.
   *
   * @param highWatermark the leader's; -1 if it does not know it yet.
   */
  committed(batches: readonly Buffer[], highWatermark: number): Promise<void>
  /** Receives a snapshot, which replaces all that came before. */
  snapshot(id: OffsetAndEpoch, bytes: Buffer): Promise<void>
}

export interface RaftObserverOptions extends ObserverIdentity {
  readonly carrier: Carrier
  /** Any nodes of the quorum (`controller.quorum.bootstrap.servers`). */
  readonly bootstrap: readonly NodeAddress[]
  readonly limits: ObserverLimits
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly sink: CommittedSink
  /** Is called when another controller leads, or none, or where it is reached became known. */
  readonly controllerChanged: (controller: NodeAddress | null) => void
  /** Is called once if the observer ends by itself. */
  readonly failed: (fault: Error) => void
}

/** Versions of Fetch that name the leader's address, the newest first (KIP-853, KIP-1166). */
const [newestFetch, oldestFetch] = [18, 17]
const fetchSnapshotVersion = 1

/** How long, in ms, the leader may wait for records. */
const fetchWaitMs = 500

/** The longest pause, in ms, after failures that follow each other. */
const backoffMaxMs = 1000

/**
 * The result of a request: the leader's answer brought something, or nothing; another node told
 * news about the leader, or nothing new; or, as an Error, the reason why there is no usable answer.
 */
type Outcome = 'followed' | 'idle' | 'news' | 'nothing new' | Error

/**
 * Follows `__cluster_metadata-0` without a vote (Kafka's `KafkaRaftClient` as an observer): finds
 * the leader, fetches the log or a snapshot, one request at a time, and passes on what is
 * committed. The next request is sent when the sink is done.
 */
export class RaftObserver {
  private readonly options: RaftObserverOptions
  private readonly channels: ChannelSet
  private readonly log = new FollowedLog()
  private readonly leader = new KnownLeader()
  private readonly refreshes = new Refreshes()
  private download: SnapshotDownload | null = null
  private fetchVersion = newestFetch
  private nextBootstrap: number
  /** Whether the last request failed, so that a bootstrap node is asked who leads. */
  private isSuspect = false
  /** When the leader last answered, or was learnt of. */
  private heardMs: number
  private failures = 0
  private lastFault = ''
  private readonly wait: Wait
  private isClosed = false
  private readonly ended: Promise<void>

  constructor(options: RaftObserverOptions) {
    const { carrier, nodeId, random, bootstrap, clock } = options
    this.options = options
    this.channels = new ChannelSet(carrier, {
      clientId: `raft-client-${nodeId}`,
      asksVersions: true,
    })
    this.nextBootstrap = random.int(bootstrap.length)
    this.heardMs = clock.monotonicMs()
    this.wait = new Wait(clock)
    this.ended = this.run()
  }

  /** Where the active controller is reached; null while none is known. */
  get controller(): NodeAddress | null {
    return this.leader.address
  }

  /** -1 until a leader has named it. */
  get highWatermark(): number {
    return this.log.highWatermark
  }

  /**
   * Resolves when the sink has received all that the leader had committed when it answered a Fetch
   * that was sent after this call.
   * @throws (rejects) ObserverFault if the observer ends before.
   */
  refreshed(): Promise<void> {
    return this.refreshes.next()
  }

  /** Ends the observer; resolves when the sink gets nothing more. */
  async close(): Promise<void> {
    this.stop(new ObserverFault('the observer was closed'))
    await this.ended
  }

  private stop(why: Error): void {
    this.isClosed = true
    this.refreshes.end(why)
    this.channels.close()
    this.wait.close()
  }

  private async run(): Promise<void> {
    try {
      while (!this.isClosed) await this.round()
    } catch (error) {
      if (this.isClosed) return
      const fault = asError(error)
      this.options.logger.error('the metadata of the cluster can no longer be followed', {
        error: fault instanceof ObserverFault ? fault.message : stackOf(fault),
        offset: this.log.committedOffset,
      })
      this.stop(fault)
      this.options.failed(fault)
    }
  }

  private async round(): Promise<void> {
    const { clock, limits } = this.options
    const startedMs = clock.monotonicMs()
    const isAtOnce = this.refreshes.isAsked
    const outcome = await this.request()
    if (this.isClosed) return
    const nowMs = clock.monotonicMs()
    const isFault = outcome instanceof Error
    if (isFault || outcome === 'nothing new') this.nextBootstrap++
    else this.heardMs = nowMs
    this.isSuspect = isFault
    if (isFault) {
      this.download = null
      this.note(outcome)
      const backoffMs = Math.min(limits.retryBackoffMs * 2 ** this.failures, backoffMaxMs)
      this.failures++
      await this.wait.for(backoffMs)
      return
    }
    if (outcome !== 'nothing new') {
      this.failures = 0
      this.lastFault = ''
    }
    // A peer that never waits must not make this loop spin.
    const isEmpty = outcome === 'idle' || outcome === 'nothing new'
    if (isEmpty && !isAtOnce && nowMs - startedMs < limits.retryBackoffMs) {
      await this.wait.for(limits.retryBackoffMs)
    }
  }

  /** Logs a fault unless it is the same as the last one. */
  private note({ message }: Error): void {
    if (message === this.lastFault) return
    this.lastFault = message
    this.options.logger.warn('the metadata log could not be fetched; trying again', {
      error: message,
    })
  }

  /** Returns the node to ask: the leader, unless it failed or has been silent for too long. */
  private target(): NodeAddress {
    const { clock, limits, bootstrap } = this.options
    const isHeard = clock.monotonicMs() - this.heardMs < limits.fetchTimeoutMs
    const { address } = this.leader
    if (address !== null && isHeard && !this.isSuspect) return address
    return bootstrap[this.nextBootstrap % bootstrap.length]!
  }

  private async request(): Promise<Outcome> {
    const channel = this.channels.to(this.target())
    try {
      if (this.download !== null) return await this.fetchPiece(channel, this.download)
      return await this.fetchRecords(channel)
    } catch (error) {
      if (!(error instanceof ChannelFault)) throw error
      if (error.kind === 'unsupported' && this.fetchVersion > oldestFetch) {
        this.fetchVersion--
        return 'news'
      }
      return error
    }
  }

  private async fetchRecords(channel: Channel): Promise<Outcome> {
    const { options, log, leader, refreshes } = this
    const { limits } = options
    const body = fetchRequest(options, {
      leaderEpoch: leader.epoch,
      fetchOffset: log.endOffset,
      lastFetchedEpoch: log.lastEpoch,
      highWatermark: log.highWatermark,
      maxWaitMs: refreshes.isAsked ? 0 : fetchWaitMs,
      maxBytes: limits.fetchMaxBytes,
    })
    const number = refreshes.sent()
    const timeoutMs = limits.requestTimeoutMs
    const answer = await channel.send(fetch, this.fetchVersion, body, { timeoutMs })
    if (this.isClosed) return 'idle'
    if (answer.errorCode !== 0) return refused(answer.errorCode)
    const partition = partitionIn(answer)
    if (partition === null) return new Error('an answer to Fetch is not about the metadata log')
    const handled = this.learn(partition.errorCode, leaderNewsOf(partition, answer.nodeEndpoints))
    if (handled !== null) return handled
    const { divergingEpoch, snapshotId } = partition
    if (divergingEpoch.epoch >= 0) return this.truncate(divergingEpoch)
    if (snapshotId.endOffset >= 0 || snapshotId.epoch >= 0) return this.startDownload(snapshotId)
    return await this.takeRecords(partition, number)
  }

  /**
   * Takes in what an answer says about the leader; returns null if it is the leader's own, without
   * an error (Kafka's `maybeHandleCommonResponse`).
   */
  private learn(errorCode: number, news: LeaderNews): Outcome | null {
    const { leader } = this
    const error = errorName(errorCode)
    const { epoch, address } = leader
    if (news.epoch < epoch || error === 'UNKNOWN_LEADER_EPOCH') return 'nothing new'
    const isNews = leader.learn(news)
    if (isNews) this.announce(address)
    const isElsewhere = error === 'FENCED_LEADER_EPOCH' || error === 'NOT_LEADER_OR_FOLLOWER'
    if (news.epoch > epoch || isElsewhere) return isNews ? 'news' : 'nothing new'
    if (error === 'INVALID_REQUEST') {
      throw new ObserverFault('the leader refuses the Fetch of an observer as an invalid request')
    }
    if (error !== 'NONE') return new Error(`a controller answers ${error}`)
    return leader.isKnown ? null : new Error('an answer to Fetch does not name the leader')
  }

  private announce(before: NodeAddress | null): void {
    const { leader, options } = this
    const { epoch, address } = leader
    this.download = null
    this.fetchVersion = newestFetch
    if (address === before) return
    const at = address === null ? null : `${address.host}:${address.port}`
    const fields = { epoch, controller: address?.nodeId ?? null, address: at }
    // The first one is a part of each start.
    const isFirst = this.log.highWatermark < 0
    const line = address === null ? 'no controller leads' : 'another controller leads'
    options.logger[isFirst ? 'debug' : 'info'](line, fields)
    options.controllerChanged(address)
  }

  private truncate(diverging: OffsetAndEpoch): Outcome {
    const { log, options } = this
    const from = log.endOffset
    if (!log.truncate(diverging)) {
      return new Error(`the leader's log diverges, but not behind offset ${from}`)
    }
    options.logger.info('records that were never committed are dropped', {
      ...{ from: log.endOffset, to: from },
    })
    return 'followed'
  }

  private startDownload(id: OffsetAndEpoch): Outcome {
    const { endOffset, epoch } = id
    if (endOffset <= this.log.committedOffset || epoch < 0 || epoch > this.leader.epoch) {
      return new Error(`the leader offers the snapshot ${endOffset}-${epoch}`)
    }
    this.options.logger.info('a snapshot of the metadata is fetched', { endOffset, epoch })
    this.download = new SnapshotDownload(id)
    return 'followed'
  }

  private async takeRecords(partition: FetchedPartition, number: number): Promise<Outcome> {
    const { log, leader, options, refreshes } = this
    const { highWatermark } = partition
    const { count, problem } = log.append(partition.records ?? Buffer.alloc(0), leader.epoch)
    const committed = log.advance(highWatermark)
    if (log.isTooLong) {
      log.dropUncommitted()
      return new Error(`too many records behind offset ${log.committedOffset} are not committed`)
    }
    await options.sink.committed(committed, highWatermark)
    if (highWatermark >= 0 && log.committedOffset >= highWatermark) refreshes.answered(number)
    if (count === 0 && problem !== null) return new Error(problem)
    return count > 0 || committed.length > 0 ? 'followed' : 'idle'
  }

  private async fetchPiece(channel: Channel, download: SnapshotDownload): Promise<Outcome> {
    const { options, leader, log } = this
    const { limits } = options
    const body = fetchSnapshotRequest(options, {
      leaderEpoch: leader.epoch,
      snapshotId: download.id,
      position: download.position,
      maxBytes: limits.snapshotMaxBytes,
    })
    const timeoutMs = limits.requestTimeoutMs
    const answer = await channel.send(fetchSnapshot, fetchSnapshotVersion, body, { timeoutMs })
    if (this.isClosed) return 'idle'
    if (answer.errorCode !== 0) return refused(answer.errorCode)
    const piece = pieceIn(answer)
    if (piece === null) return new Error('an answer to FetchSnapshot is not about the metadata log')
    const handled = this.learn(piece.errorCode, leaderNewsOf(piece, answer.nodeEndpoints))
    if (handled !== null) return handled
    const whole = download.add(piece)
    if (typeof whole === 'string') return new Error(`in a snapshot of the metadata: ${whole}`)
    if (whole === null) return 'followed'
    this.download = null
    log.replaceBy(download.id)
    await options.sink.snapshot(download.id, whole)
    return 'followed'
  }
}

/**
 * @throws ObserverFault if the controllers do not permit this node to follow: only an operator can
 * change that.
 */
function refused(code: number): Error {
  const name = errorName(code)
  if (name === 'CLUSTER_AUTHORIZATION_FAILED') {
    throw new ObserverFault('this node may not follow: its principal needs ClusterAction')
  }
  return new Error(`a controller answers ${name}`)
}

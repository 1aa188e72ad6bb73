import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { Refusal } from '../../protocol/errors.ts'
import type { FetchRequest } from '../../protocol/messages/01-fetch.ts'
import { FetchSession, nextEpoch, sessionKey, type Wanted, wantedOf } from './session.ts'

const sessionless = { id: 0, finalEpoch: -1, initialEpoch: 0 } as const

/** How a request is to be served: what to read, and what of it to tell. */
export interface FetchPlan {
  readonly wanted: readonly Wanted[]
  readonly session: FetchSession | null
  /** An incremental answer leaves out what has not changed. */
  readonly isIncremental: boolean
}

/** All fetch sessions of a broker, at most `max.incremental.fetch.session.cache.slots`. */
export class FetchSessions {
  private readonly sessions = new Map<number, FetchSession>()
  private readonly slotsMax: () => number
  private readonly clock: Clock
  private readonly random: Random
  /** A session that was used this lately is not given up for a new one (FetchSessionCache). */
  private static readonly evictionMsMin = 120_000

  constructor(slotsMax: () => number, clock: Clock, random: Random) {
    this.slotsMax = slotsMax
    this.clock = clock
    this.random = random
  }

  get size(): number {
    return this.sessions.size
  }

  /**
   * @throws Refusal FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH,
   *   FETCH_SESSION_TOPIC_ID_ERROR: the client then starts a session anew.
   */
  plan(request: FetchRequest, version: number): FetchPlan {
    const { sessionId, sessionEpoch } = request
    const wanted = wantedOf(request.topics)
    if (sessionEpoch === sessionless.finalEpoch || sessionEpoch === sessionless.initialEpoch) {
      this.sessions.delete(sessionId)
      const isFinal = sessionEpoch === sessionless.finalEpoch
      const session = isFinal || version < 7 ? null : this.begin(wanted, version >= 13)
      return { wanted, session, isIncremental: false }
    }
    const session = this.find(sessionId, sessionEpoch, version)
    const forgotten = request.forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
      partitions.map((partition) => sessionKey(topic, topicId, partition)),
    )
    session.update(wanted, forgotten)
    if (session.size === 0) {
      this.sessions.delete(sessionId)
      return { wanted: [], session: null, isIncremental: false }
    }
    session.lastUsedMs = this.clock.monotonicMs()
    session.nextEpoch = nextEpoch(session.nextEpoch)
    return { wanted: session.wanted(), session, isIncremental: true }
  }

  private find(id: number, epoch: number, version: number): FetchSession {
    const session = this.sessions.get(id)
    if (session === undefined) throw new Refusal('FETCH_SESSION_ID_NOT_FOUND')
    if (session.nextEpoch !== epoch) throw new Refusal('INVALID_FETCH_SESSION_EPOCH')
    if (session.usesTopicIds !== version >= 13) throw new Refusal('FETCH_SESSION_TOPIC_ID_ERROR')
    return session
  }

  /** A new session, or null when there is no slot: the client is then served without one. */
  private begin(wanted: readonly Wanted[], usesTopicIds: boolean): FetchSession | null {
    const nowMs = this.clock.monotonicMs()
    if (wanted.length === 0 || !this.hasSlot(nowMs, wanted.length)) return null
    let id = 0
    while (id === 0 || this.sessions.has(id)) id = this.random.int(0x7fff_ffff)
    const session = new FetchSession({ id, usesTopicIds, nowMs, wanted })
    this.sessions.set(id, session)
    return session
  }

  private hasSlot(nowMs: number, size: number): boolean {
    const max = this.slotsMax()
    if (this.sessions.size < max) return true
    if (max === 0) return false
    const oldest = [...this.sessions.values()].reduce((a, b) =>
      b.lastUsedMs < a.lastUsedMs ? b : a,
    )
    const isStale = nowMs - oldest.lastUsedMs > FetchSessions.evictionMsMin
    const isSmaller = oldest.size < size && nowMs - oldest.createdMs > FetchSessions.evictionMsMin
    if (!isStale && !isSmaller) return false
    this.sessions.delete(oldest.id)
    return true
  }
}

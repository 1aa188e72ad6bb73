import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { runInTurns, type Turns } from '../../base/turns.ts'
import { ApiError } from '../../protocol/errors.ts'
import type { FetchRequest } from '../../protocol/messages/01-fetch.ts'

type AskedTopic = FetchRequest['topics'][number]
export type AskedPartition = AskedTopic['partitions'][number]

/** One partition of a fetch. */
export interface Wanted {
  /** The key within a session: topic name or id, and partition. */
  readonly key: string
  /**
   * The topic name from the request or, since v13, the name its id had when first requested; null
   * for an unknown id.
   */
  readonly topic: string | null
  readonly topicId: string
  readonly asked: AskedPartition
}

/** How a request names topics: by name until v12, by id since. */
export interface Naming {
  readonly isById: boolean
  nameOf(topicId: string): string | undefined
}

/** The offsets last sent to the client for a partition; unchanged ones need not be sent again. */
export interface Told {
  readonly highWatermark: number
  readonly logStartOffset: number
}

interface Known extends Told {
  readonly wanted: Wanted
}

const nothingTold: Told = { highWatermark: -1, logStartOffset: -1 }

/** Returns the requested partitions; a promise only if that takes more than a turn. */
export function wantedOf(
  topics: FetchRequest['topics'],
  naming: Naming,
  turns: Turns,
): readonly Wanted[] | Promise<readonly Wanted[]> {
  return runInTurns(turns, gatherWanted(topics, naming))
}

/** Partitions checked between two checks of the turn's time. */
const partitionsBetween = 1024

function* gatherWanted(topics: FetchRequest['topics'], naming: Naming): Generator<void, Wanted[]> {
  const wanted = new Map<string, Wanted>()
  let count = 0
  for (const { topic, topicId, partitions } of topics) {
    const name = naming.isById ? (naming.nameOf(topicId) ?? null) : topic
    for (const asked of partitions) {
      if (++count % partitionsBetween === 0) yield
      const key = sessionKey(naming.isById ? topicId : topic, asked.partition)
      // A repeated partition takes its last entry.
      wanted.set(key, { key, topic: name, topicId, asked })
    }
  }
  return [...wanted.values()]
}

function forgottenOf(topics: FetchRequest['forgottenTopicsData'], { isById }: Naming): string[] {
  return topics.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((partition) => sessionKey(isById ? topicId : topic, partition)),
  )
}

/**
 * Returns a partition's key. A session has either names or ids; the number comes last, so that no
 * topic name can be mistaken for it.
 */
function sessionKey(topic: string, partition: number): string {
  return `${topic}/${partition}`
}

/**
 * A fetch session (KIP-227): the client sends only changes of its partitions, and receives only
 * partitions with news. Modelled on Kafka's `FetchSession`.
 */
export class FetchSession {
  readonly id: number
  /** Whether the client names topics by id (v13+); fixed for the session. */
  readonly usesTopicIds: boolean
  readonly createdMs: number
  lastUsedMs: number
  /** The session epoch that the next request must have. */
  nextEpoch = 1
  private readonly known = new Map<string, Known>()

  constructor(options: { id: number; usesTopicIds: boolean; nowMs: number }) {
    this.id = options.id
    this.usesTopicIds = options.usesTopicIds
    this.createdMs = this.lastUsedMs = options.nowMs
  }

  get size(): number {
    return this.known.size
  }

  add(wanted: Wanted, told: Told = nothingTold): void {
    const { highWatermark, logStartOffset } = told
    this.known.set(wanted.key, { wanted, highWatermark, logStartOffset })
  }

  /** Returns the partitions in serving order: those that had records last move to the back. */
  wanted(naming: Naming): Wanted[] {
    return [...this.known.values()].map((known) => {
      const { wanted } = known
      if (wanted.topic !== null) return wanted
      const topic = naming.nameOf(wanted.topicId)
      if (topic === undefined) return wanted
      const named = { ...wanted, topic }
      this.add(named, known)
      return named
    })
  }

  update(changed: readonly Wanted[], forgotten: readonly string[]): void {
    for (const wanted of changed) {
      const known = this.known.get(wanted.key)
      // A resolved topic name is kept: the topic may be deleted, or recreated with another id.
      if (known === undefined) this.add(wanted)
      else this.add({ ...known.wanted, asked: wanted.asked }, known)
    }
    for (const key of forgotten) this.known.delete(key)
  }

  /** Whether a partition has news; remembers the offsets sent. */
  isNews(key: string, answer: PartitionNews): boolean {
    const known = this.known.get(key)
    if (known === undefined) return false
    const isNews =
      answer.bytes > 0 ||
      answer.errorCode !== 0 ||
      answer.isDiverging ||
      known.highWatermark !== answer.highWatermark ||
      known.logStartOffset !== answer.logStartOffset
    // An error is sent again next time, even if nothing else changes.
    const highWatermark = answer.errorCode !== 0 ? -1 : answer.highWatermark
    if (answer.bytes > 0) this.known.delete(key)
    this.add(known.wanted, { highWatermark, logStartOffset: answer.logStartOffset })
    return isNews
  }
}

export interface PartitionNews extends Told {
  readonly bytes: number
  readonly errorCode: number
  readonly isDiverging: boolean
}

function nextEpoch(epoch: number): number {
  return epoch === 0x7fff_ffff ? 1 : epoch + 1
}

const sessionless = { id: 0, finalEpoch: -1, initialEpoch: 0 } as const

/** A session used within this time, in ms, is not evicted for a new one (`FetchSessionCache`). */
const evictionMsMin = 120_000

/** Number of shards of Kafka's session cache, with equal shares of slots and ids. */
const shardCount = 8
const idsPerShard = Math.floor(0x7fff_ffff / shardCount)

/** How to serve a request: which partitions to read, and which to include in the response. */
export type FetchPlan =
  | { readonly kind: 'sessionless' | 'full'; readonly wanted: readonly Wanted[] }
  | {
      /** An incremental response omits unchanged partitions. */
      readonly kind: 'incremental'
      readonly wanted: readonly Wanted[]
      readonly session: FetchSession
      /** The session's `nextEpoch` unless another request has continued the session. */
      readonly expectedEpoch: number
    }

/** All fetch sessions of a broker, at most `max.incremental.fetch.session.cache.slots`. */
export class FetchSessions {
  private readonly shards: readonly SessionShard[]
  private readonly clock: Clock
  private turn = 0

  constructor(slotsMax: () => number, clock: Clock, random: Random) {
    this.clock = clock
    const max = () => Math.floor(slotsMax() / shardCount)
    this.shards = Array.from({ length: shardCount }, (_, i) => new SessionShard(i, max, random))
  }

  get size(): number {
    return this.shards.reduce((sum, { sessions }) => sum + sessions.size, 0)
  }

  /**
   * @throws ApiError FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH,
   * FETCH_SESSION_TOPIC_ID_ERROR: the client then starts a new session.
   */
  plan(request: FetchRequest, wanted: readonly Wanted[], naming: Naming): FetchPlan {
    const { sessionId, sessionEpoch } = request
    if (sessionEpoch === sessionless.finalEpoch || sessionEpoch === sessionless.initialEpoch) {
      if (sessionId !== sessionless.id) this.shardOf(sessionId).sessions.delete(sessionId)
      const isFinal = sessionEpoch === sessionless.finalEpoch
      return { kind: isFinal ? 'sessionless' : 'full', wanted }
    }
    const { sessions } = this.shardOf(sessionId)
    const session = sessions.get(sessionId)
    if (session === undefined) throw new ApiError('FETCH_SESSION_ID_NOT_FOUND')
    if (session.nextEpoch !== sessionEpoch) throw new ApiError('INVALID_FETCH_SESSION_EPOCH')
    if (session.usesTopicIds !== naming.isById) throw new ApiError('FETCH_SESSION_TOPIC_ID_ERROR')
    session.update(wanted, forgottenOf(request.forgottenTopicsData, naming))
    if (session.size === 0) {
      sessions.delete(sessionId)
      return { kind: 'sessionless', wanted }
    }
    session.lastUsedMs = this.clock.monotonicMs()
    session.nextEpoch = nextEpoch(session.nextEpoch)
    const { nextEpoch: expectedEpoch } = session
    return { kind: 'incremental', wanted: session.wanted(naming), session, expectedEpoch }
  }

  /**
   * Starts a session for a full fetch of `size` partitions; the caller adds them in response order.
   * @returns null without a free slot: the client is then served without a session.
   */
  begin(size: number, usesTopicIds: boolean): FetchSession | null {
    const shard = this.shards[this.turn++ % shardCount]!
    const nowMs = this.clock.monotonicMs()
    if (!shard.hasSlot(nowMs, size)) return null
    const session = new FetchSession({ id: shard.newId(), usesTopicIds, nowMs })
    shard.sessions.set(session.id, session)
    return session
  }

  /** @throws ApiError UNKNOWN_SERVER_ERROR for an id outside Kafka's shards. */
  private shardOf(id: number): SessionShard {
    const shard = this.shards[Math.trunc(id / idsPerShard)]
    if (shard !== undefined) return shard
    throw new ApiError('UNKNOWN_SERVER_ERROR', `No fetch session can have the id ${id}.`)
  }
}

class SessionShard {
  readonly sessions = new Map<number, FetchSession>()
  private readonly index: number
  private readonly max: () => number
  private readonly random: Random

  constructor(index: number, max: () => number, random: Random) {
    this.index = index
    this.max = max
    this.random = random
  }

  newId(): number {
    let id = 0
    while (id === 0 || this.sessions.has(id)) {
      id = this.index * idsPerShard + this.random.int(idsPerShard)
    }
    return id
  }

  /** Whether a session of `size` partitions fits, after evicting another one if permitted. */
  hasSlot(nowMs: number, size: number): boolean {
    const { sessions } = this
    if (sessions.size < this.max()) return true
    let oldest: FetchSession | null = null
    let smallest: FetchSession | null = null
    for (const one of sessions.values()) {
      if (oldest === null || one.lastUsedMs < oldest.lastUsedMs) oldest = one
      if (one.lastUsedMs - one.createdMs <= evictionMsMin) continue
      if (smallest === null || one.size < smallest.size) smallest = one
    }
    const isStale = oldest !== null && nowMs - oldest.lastUsedMs > evictionMsMin
    const given = isStale ? oldest : smallest !== null && smallest.size < size ? smallest : null
    return given !== null && sessions.delete(given.id)
  }
}

import { ApiError } from '../protocol/errors.ts'

/** Session epochs with a meaning of their own (`ShareRequestMetadata`). */
export const shareEpochs = { initial: 0, final: -1 } as const
const epochMax = 0x7fffffff

/** A partition by the ids that share requests use. */
export interface SharedPartition {
  readonly topicId: string
  readonly partition: number
}

/** Whose session it is, and on which connection it was opened. */
export interface SessionOwner {
  readonly groupId: string
  readonly memberId: string
  readonly connectionId: string
}

interface Cached extends SharedPartition {
  /** Whether it is part of the next response, whatever that says about it. */
  isDue: boolean
}

interface Session {
  readonly owner: SessionOwner
  /** The epoch of the next request. */
  epoch: number
  /** In the order in which they are read. */
  readonly partitions: Map<string, Cached>
}

/** The fields of a partition's response that decide whether a session names it. */
export interface PartitionAnswer {
  readonly errorCode: number
  readonly recordBytes: number
}

/** The partitions that a ShareFetch reads, and the selection of its response. */
export interface ShareContext {
  readonly partitions: readonly SharedPartition[]
  /**
   * Whether a response names a partition; all are named if the session is new. Called once for each
   * partition of a response, in order.
   */
  names(partition: SharedPartition, answer: PartitionAnswer): boolean
}

/** Called when sessions end, so that what their members hold is released. */
export interface ShareSessionEvents {
  memberLeft(groupId: string, memberId: string, partitions: readonly SharedPartition[]): void
  /** No member of the group has a session here any more. */
  groupLeft(groupId: string): void
}

/**
 * The share sessions of a broker: the partitions that each member reads here (KIP-932, Kafka's
 * `ShareSessionCache` and the contexts of its `SharePartitionManager`).
 */
export class ShareSessions {
  private readonly sessions = new Map<string, Session>()
  /** The newest session opened on each connection; it may have ended. */
  private readonly byConnection = new Map<string, Session>()
  private readonly sessionsMax: number
  private readonly events: ShareSessionEvents

  /** @param sessionsMax `group.share.max.share.sessions` */
  constructor(sessionsMax: number, events: ShareSessionEvents) {
    this.sessionsMax = sessionsMax
    this.events = events
  }

  get size(): number {
    return this.sessions.size
  }

  /**
   * Opens, continues or ends a member's session for a ShareFetch.
   *
   * @param asked the partitions that the request names.
   * @throws ApiError SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH, INVALID_REQUEST,
   * SHARE_SESSION_LIMIT_REACHED
   */
  contextOf(
    owner: SessionOwner,
    epoch: number,
    asked: readonly SharedPartition[],
    forgotten: readonly SharedPartition[],
    hasAcknowledgements: boolean,
  ): ShareContext {
    if (epoch === shareEpochs.final) {
      this.find(owner)
      return { partitions: [], names: () => true }
    }
    if (epoch === shareEpochs.initial) {
      if (hasAcknowledgements) throw new ApiError('INVALID_REQUEST')
      this.open(owner, asked)
      return { partitions: asked, names: () => true }
    }
    const session = this.next(owner, epoch)
    for (const partition of asked) {
      const key = keyOf(partition)
      if (!session.partitions.has(key)) session.partitions.set(key, { ...partition, isDue: true })
    }
    for (const partition of forgotten) session.partitions.delete(keyOf(partition))
    return { partitions: [...session.partitions.values()], names: namesOf(session) }
  }

  /**
   * Checks and advances the epoch for a ShareAcknowledge.
   *
   * @throws ApiError SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH
   */
  acknowledging(owner: SessionOwner, epoch: number): void {
    if (epoch === shareEpochs.initial) throw new ApiError('INVALID_SHARE_SESSION_EPOCH')
    if (epoch === shareEpochs.final) this.find(owner)
    else this.next(owner, epoch)
  }

  /**
   * Ends a member's session.
   *
   * @returns its partitions, whose records are to be released.
   * @throws ApiError SHARE_SESSION_NOT_FOUND
   */
  end(owner: Omit<SessionOwner, 'connectionId'>): readonly SharedPartition[] {
    const session = this.find(owner)
    this.sessions.delete(ownerKey(owner))
    return [...session.partitions.values()]
  }

  /** A connection has been closed: its session ends. */
  disconnected(connectionId: string): void {
    const session = this.byConnection.get(connectionId)
    if (session === undefined) return
    this.byConnection.delete(connectionId)
    const { groupId, memberId } = session.owner
    const key = ownerKey(session.owner)
    if (this.sessions.get(key) === session) {
      this.sessions.delete(key)
      this.events.memberLeft(groupId, memberId, [...session.partitions.values()])
    }
    if (!this.hasSessions(groupId)) this.events.groupLeft(groupId)
  }

  /** Forgets all sessions: share groups have been disabled. */
  clear(): void {
    this.sessions.clear()
  }

  private find(owner: Omit<SessionOwner, 'connectionId'>): Session {
    const session = this.sessions.get(ownerKey(owner))
    if (session === undefined) throw new ApiError('SHARE_SESSION_NOT_FOUND')
    return session
  }

  private next(owner: SessionOwner, epoch: number): Session {
    const session = this.find(owner)
    if (session.epoch !== epoch) throw new ApiError('INVALID_SHARE_SESSION_EPOCH')
    session.epoch = epoch === epochMax ? 1 : epoch + 1
    return session
  }

  private open(owner: SessionOwner, asked: readonly SharedPartition[]): void {
    const key = ownerKey(owner)
    this.sessions.delete(key)
    if (this.sessions.size >= this.sessionsMax) throw new ApiError('SHARE_SESSION_LIMIT_REACHED')
    const cached = asked.map((one) => [keyOf(one), { ...one, isDue: false }] as const)
    const session = { owner, epoch: 1, partitions: new Map(cached) }
    this.sessions.set(key, session)
    this.byConnection.set(owner.connectionId, session)
  }

  private hasSessions(groupId: string): boolean {
    for (const { owner } of this.sessions.values()) if (owner.groupId === groupId) return true
    return false
  }
}

/** Partitions with records, with an error, or due are named; those with records are read last. */
function namesOf({ partitions }: Session): ShareContext['names'] {
  return (partition, { errorCode, recordBytes }) => {
    const key = keyOf(partition)
    const cached = partitions.get(key)
    if (cached === undefined) return true
    const isNamed = recordBytes > 0 || cached.isDue || errorCode !== 0
    cached.isDue = errorCode !== 0
    if (recordBytes > 0) {
      partitions.delete(key)
      partitions.set(key, cached)
    }
    return isNamed
  }
}

/** The order in which a request reads its partitions: another one is first each time. */
export function rotated<T>(partitions: readonly T[], epoch: number): readonly T[] {
  if (partitions.length < 2 || epoch < 1) return partitions
  const from = epoch % partitions.length
  return [...partitions.slice(from), ...partitions.slice(0, from)]
}

const keyOf = ({ topicId, partition }: SharedPartition) => `${topicId}:${partition}`

const ownerKey = ({ groupId, memberId }: Omit<SessionOwner, 'connectionId'>) =>
  JSON.stringify([groupId, memberId])

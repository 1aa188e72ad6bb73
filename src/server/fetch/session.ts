import type { FetchRequest } from '../../protocol/messages/01-fetch.ts'

type AskedTopic = FetchRequest['topics'][number]
export type AskedPartition = AskedTopic['partitions'][number]

/** One partition of a fetch, with its topic as the client named it. */
export interface Wanted {
  /** The key within a session: topic name or id, and partition. */
  readonly key: string
  readonly topic: string
  readonly topicId: string
  readonly asked: AskedPartition
}

/** What a session last told the client of a partition: what has not changed need not be said. */
interface Told {
  wanted: Wanted
  highWatermark: number
  logStartOffset: number
}

export function wantedOf(topics: FetchRequest['topics']): Wanted[] {
  const wanted = topics.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((asked) => ({
      key: sessionKey(topic, topicId, asked.partition),
      topic,
      topicId,
      asked,
    })),
  )
  // Of a partition that is named twice the last word counts.
  return [...new Map(wanted.map((one) => [one.key, one])).values()]
}

/** Topic names cannot hold a slash, so name and id cannot be mistaken for each other. */
export function sessionKey(topic: string, topicId: string, partition: number): string {
  return topic === '' ? `/${topicId}/${partition}` : `${topic}/${partition}`
}

/**
 * The partitions that a client fetches again and again (KIP-227): it sends changes only, and gets
 * only those with news. After Kafka's FetchSession.
 */
export class FetchSession {
  readonly id: number
  /** Whether the client names topics by id (v13+); it may not change its mind in a session. */
  readonly usesTopicIds: boolean
  readonly createdMs: number
  lastUsedMs: number
  /** The epoch that the next request must have. */
  nextEpoch = 1
  private readonly told = new Map<string, Told>()

  constructor(o: { id: number; usesTopicIds: boolean; nowMs: number; wanted: readonly Wanted[] }) {
    this.id = o.id
    this.usesTopicIds = o.usesTopicIds
    this.createdMs = this.lastUsedMs = o.nowMs
    for (const wanted of o.wanted) {
      this.told.set(wanted.key, { wanted, highWatermark: -1, logStartOffset: -1 })
    }
  }

  get size(): number {
    return this.told.size
  }

  /** In the order in which they are served: those that had records last go to the back. */
  wanted(): Wanted[] {
    return [...this.told.values()].map(({ wanted }) => wanted)
  }

  update(changed: readonly Wanted[], forgotten: readonly string[]): void {
    for (const wanted of changed) {
      const known = this.told.get(wanted.key)
      if (known !== undefined) known.wanted = wanted
      else this.told.set(wanted.key, { wanted, highWatermark: -1, logStartOffset: -1 })
    }
    for (const key of forgotten) this.told.delete(key)
  }

  /** Whether a partition has news; notes what it is told. */
  isNews(key: string, answer: PartitionNews): boolean {
    const known = this.told.get(key)
    if (known === undefined) return false
    const isNews =
      answer.bytes > 0 ||
      answer.errorCode !== 0 ||
      answer.isDiverging ||
      known.highWatermark !== answer.highWatermark ||
      known.logStartOffset !== answer.logStartOffset
    // An error is told again next time, whatever else stays the same.
    known.highWatermark = answer.errorCode !== 0 ? -1 : answer.highWatermark
    known.logStartOffset = answer.logStartOffset
    if (answer.bytes > 0) {
      this.told.delete(key)
      this.told.set(key, known)
    }
    return isNews
  }
}

export interface PartitionNews {
  readonly bytes: number
  readonly errorCode: number
  readonly isDiverging: boolean
  readonly highWatermark: number
  readonly logStartOffset: number
}

export function nextEpoch(epoch: number): number {
  return epoch === 0x7fff_ffff ? 1 : epoch + 1
}

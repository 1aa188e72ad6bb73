import { javaHashMapOrder } from '../../../base/java-hash.ts'
import type { ConsumerMember } from './consumer-member.ts'

/** The topics that a regular expression matched when it was last resolved. */
export interface ResolvedRegex {
  /** Sorted. */
  readonly topics: readonly string[]
  /** The offset of the metadata image that it was matched against. */
  readonly version: number
  readonly timestampMs: number
}

interface TopicCount {
  byName: number
  byRegex: number
}

/** Counts of the members' subscriptions. Kafka keeps them in `ModernGroup`. */
export class Subscriptions {
  /** Per topic: the number of members that name it and of regular expressions that match it. */
  readonly topics = new Map<string, TopicCount>()
  /** The number of members that use a regular expression. */
  readonly regexes = new Map<string, number>()
  readonly assignors = new Map<string, number>()
  /** The number of classic-protocol members that support an assignor. */
  readonly classicProtocols = new Map<string, number>()
  classicMembers = 0
  memberCount = 0

  static of(
    members: Iterable<ConsumerMember>,
    resolved: ReadonlyMap<string, ResolvedRegex>,
  ): Subscriptions {
    const all = new Subscriptions()
    for (const member of members) all.add(member)
    for (const [, { topics }] of resolved) for (const topic of topics) all.topic(topic).byRegex++
    return all
  }

  private add(member: ConsumerMember): void {
    this.memberCount++
    for (const topic of member.subscribedTopicNames) this.topic(topic).byName++
    if (member.subscribedTopicRegex) increment(this.regexes, member.subscribedTopicRegex)
    if (member.serverAssignor !== null) increment(this.assignors, member.serverAssignor)
    if (member.classic === null) return
    this.classicMembers++
    for (const { name } of member.classic.supportedProtocols) {
      increment(this.classicProtocols, name)
    }
  }

  private topic(name: string): TopicCount {
    let count = this.topics.get(name)
    if (count === undefined) this.topics.set(name, (count = { byName: 0, byRegex: 0 }))
    return count
  }

  /** Returns the assignor that most members request; null if none is requested. */
  preferredAssignor(): string | null {
    const count = (name: string) => this.assignors.get(name)!
    return javaHashMapOrder(this.assignors.keys()).reduce<string | null>(
      (best, name) => (best === null || count(name) > count(best) ? name : best),
      null,
    )
  }

  /** Returns whether all members subscribe to the same topics. */
  isHomogeneous(): boolean {
    const counts = [...this.topics.values()]
    if (this.regexes.size === 0) return counts.every(({ byName }) => byName === this.memberCount)
    const [users] = this.regexes.values()
    if (users !== this.memberCount) return false
    return counts.every(({ byName, byRegex }) => byRegex === 1 && byName === 0)
  }

  /** Returns whether a classic member with these protocols is compatible with the group. */
  supportsClassic(protocolType: string, names: readonly string[]): boolean {
    if (protocolType !== 'consumer') return false
    if (this.memberCount === 0) return names.length > 0
    return names.some((name) => (this.classicProtocols.get(name) ?? 0) === this.classicMembers)
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

import { javaHashMapOrder } from '../../base/java-hash.ts'
import type { ConsumerMember } from './consumer-member.ts'

/** What a regular expression stood for when it was last looked at. */
export interface ResolvedRegex {
  /** Sorted. */
  readonly topics: readonly string[]
  /** The offset of the metadata image that it was held against. */
  readonly version: number
  readonly timestampMs: number
}

interface TopicCount {
  byName: number
  byRegex: number
}

/** What the members of a group want, counted. Kafka keeps these counts in `ModernGroup`. */
export class Subscriptions {
  /** How many members name the topic, and how many regular expressions stand for it. */
  readonly topics = new Map<string, TopicCount>()
  /** How many members use a regular expression. */
  readonly regexes = new Map<string, number>()
  readonly assignors = new Map<string, number>()
  /** How many members that speak the classic protocol support an assignor of their own. */
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

  /** The assignor that most members ask for; null when none asks. */
  preferredAssignor(): string | null {
    const count = (name: string) => this.assignors.get(name)!
    return javaHashMapOrder(this.assignors.keys()).reduce<string | null>(
      (best, name) => (best === null || count(name) > count(best) ? name : best),
      null,
    )
  }

  /** Whether all members want the same topics. */
  isHomogeneous(): boolean {
    const counts = [...this.topics.values()]
    if (this.regexes.size === 0) return counts.every(({ byName }) => byName === this.memberCount)
    const [users] = this.regexes.values()
    if (users !== this.memberCount) return false
    return counts.every(({ byName, byRegex }) => byRegex === 1 && byName === 0)
  }

  /** Whether a classic member with these protocols would fit in with the others. */
  supportsClassic(protocolType: string, names: readonly string[]): boolean {
    if (protocolType !== 'consumer') return false
    if (this.memberCount === 0) return names.length > 0
    return names.some((name) => (this.classicProtocols.get(name) ?? 0) === this.classicMembers)
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

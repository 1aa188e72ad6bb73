import type { GroupAssignment, GroupToAssign } from './assignor.ts'

type Target = Map<string, Set<number>>

/**
 * The `uniform` assignor: balances the partitions and moves as few of them as possible. Kafka:
 * `UniformAssignor`, with one algorithm for groups whose members subscribe to the same topics and
 * another for those whose subscriptions differ.
 */
export function assignUniform(group: GroupToAssign): GroupAssignment {
  if (group.members.size === 0) return new Map()
  return group.isHomogeneous ? new Even(group).assign() : new Uneven(group).assign()
}

/** Assigns the same number of partitions, or one more, to every member. */
class Even {
  private readonly group: GroupToAssign
  private readonly topicIds: ReadonlySet<string>
  private readonly free: (readonly [topicId: string, partition: number])[] = []
  private readonly targets = new Map<string, Target>()
  private readonly unfilled: { readonly target: Target; readonly room: number }[] = []

  constructor(group: GroupToAssign) {
    this.group = group
    this.topicIds = group.members.values().next().value!.topicIds
  }

  assign(): GroupAssignment {
    const { members } = this.group
    const total = this.findFree()
    const least = Math.floor(total / members.size)
    let extras = total % members.size
    let left = members.size
    for (const [memberId, { target: old }] of members) {
      const mayHaveExtra = extras > 0
      const target: Target = new Map()
      this.targets.set(memberId, target)
      let room = this.keep(old, target, least + (mayHaveExtra ? 1 : 0))
      let tookExtra = mayHaveExtra
      // A member with room takes no extra partition while enough other members can take it.
      if (room > 0 && mayHaveExtra && left > extras) {
        room--
        tookExtra = false
      }
      if (room > 0) this.unfilled.push({ target, room })
      if (tookExtra) extras--
      left--
    }
    this.giveOut()
    return this.targets
  }

  /** @returns the total number of partitions. */
  private findFree(): number {
    const taken = new Map<string, Set<number>>()
    for (const { target } of this.group.members.values()) {
      for (const [topicId, partitions] of target) {
        const all = taken.get(topicId) ?? new Set()
        for (const partition of partitions) all.add(partition)
        taken.set(topicId, all)
      }
    }
    let total = 0
    for (const topicId of this.topicIds) {
      const count = this.group.partitionCount(topicId)
      for (let partition = 0; partition < count; partition++) {
        if (!taken.get(topicId)?.has(partition)) this.free.push([topicId, partition])
      }
      total += count
    }
    return total
  }

  /**
   * Keeps partitions of the old target that are still wanted and within the quota; returns the
   * remaining room.
   */
  private keep(old: ReadonlyMap<string, ReadonlySet<number>>, target: Target, quota: number) {
    let room = quota
    for (const [topicId, partitions] of old) {
      if (!this.topicIds.has(topicId)) continue
      for (const partition of partitions) {
        if (room > 0) {
          add(target, topicId, partition)
          room--
        } else this.free.push([topicId, partition])
      }
    }
    return room
  }

  private giveOut(): void {
    let next = 0
    for (const { target, room } of this.unfilled) {
      for (let i = 0; i < room && next < this.free.length; i++) add(target, ...this.free[next++]!)
    }
  }
}

/** Maximum number of passes over the topics; an uneven group need not become perfectly balanced. */
const roundsMax = 16

/**
 * Assigns partitions to the least loaded subscribers, then moves partitions to balance the load.
 */
class Uneven {
  private readonly group: GroupToAssign
  private readonly targets: Target[] = []
  /** The number of partitions of each member, by the member's index. */
  private readonly loads: number[] = []
  /** The indexes of the members that subscribe to a topic. */
  private readonly subscribers = new Map<string, number[]>()
  /** The index of the member that owns each partition of a topic; -1 for none. */
  private readonly owners = new Map<string, number[]>()

  constructor(group: GroupToAssign) {
    this.group = group
  }

  assign(): GroupAssignment {
    this.keep()
    const topicIds = [...this.subscribers.keys()].sort((a, b) => this.compareTopics(a, b))
    for (const topicId of topicIds) this.giveOut(topicId)
    this.balance(topicIds.filter((topicId) => this.subscribers.get(topicId)!.length > 1))
    return new Map([...this.group.members.keys()].map((id, i) => [id, this.targets[i]!]))
  }

  private keep(): void {
    let index = 0
    for (const { topicIds, target: old } of this.group.members.values()) {
      const target: Target = new Map()
      this.targets.push(target)
      this.loads.push(0)
      for (const topicId of topicIds) {
        const owners = this.owners.get(topicId) ?? this.noOwners(topicId)
        this.subscribers.get(topicId)!.push(index)
        for (const partition of old.get(topicId) ?? []) {
          if (partition < owners.length && owners[partition] === -1) {
            this.give(topicId, partition, index)
          }
        }
      }
      index++
    }
  }

  private noOwners(topicId: string): number[] {
    const owners = new Array<number>(this.group.partitionCount(topicId)).fill(-1)
    this.owners.set(topicId, owners)
    this.subscribers.set(topicId, [])
    return owners
  }

  /**
   * Orders topics by partitions per subscriber, descending; then by number of subscribers,
   * ascending.
   */
  private compareTopics(a: string, b: string): number {
    const [takersA, takersB] = [this.subscribers.get(a)!.length, this.subscribers.get(b)!.length]
    const share = (topicId: string, takers: number) => this.owners.get(topicId)!.length / takers
    return share(b, takersB) - share(a, takersA) || takersA - takersB || (a < b ? -1 : 1)
  }

  private giveOut(topicId: string): void {
    this.owners.get(topicId)!.forEach((owner, partition) => {
      if (owner === -1) this.give(topicId, partition, this.leastLoaded(topicId))
    })
  }

  private balance(topicIds: readonly string[]): void {
    for (let round = 0; round < roundsMax; round++) {
      let moved = 0
      for (const topicId of topicIds) moved += this.balanceTopic(topicId)
      if (moved === 0) return
    }
  }

  /** Moves partitions from the most to the least loaded member while that improves the balance. */
  private balanceTopic(topicId: string): number {
    let moved = 0
    for (;;) {
      const least = this.leastLoaded(topicId)
      const most = this.mostLoadedOwner(topicId)
      if (most === -1 || this.loads[most]! - this.loads[least]! <= 1) return moved
      const partition = Math.max(...this.targets[most]!.get(topicId)!)
      this.take(topicId, partition, most)
      this.give(topicId, partition, least)
      moved++
    }
  }

  private leastLoaded(topicId: string): number {
    const all = this.subscribers.get(topicId)!
    return all.reduce((best, i) => (this.loads[i]! < this.loads[best]! ? i : best))
  }

  private mostLoadedOwner(topicId: string): number {
    return this.subscribers
      .get(topicId)!
      .filter((i) => this.targets[i]!.has(topicId))
      .reduce((best, i) => (best === -1 || this.loads[i]! > this.loads[best]! ? i : best), -1)
  }

  private give(topicId: string, partition: number, index: number): void {
    add(this.targets[index]!, topicId, partition)
    this.owners.get(topicId)![partition] = index
    this.loads[index]!++
  }

  private take(topicId: string, partition: number, index: number): void {
    const partitions = this.targets[index]!.get(topicId)!
    partitions.delete(partition)
    if (partitions.size === 0) this.targets[index]!.delete(topicId)
    this.loads[index]!--
  }
}

function add(target: Target, topicId: string, partition: number): void {
  const partitions = target.get(topicId)
  if (partitions === undefined) target.set(topicId, new Set([partition]))
  else partitions.add(partition)
}

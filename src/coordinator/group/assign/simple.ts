import { hashMapBuckets, javaHashMapOrderBy, uuidHash } from '../../../base/java-hash.ts'
import type { Partitions } from '../consumer/consumer-member.ts'
import type { AssignedMember, GroupAssignment } from './assignor.ts'

/** The input of the share assignor. Kafka: `GroupSpec`. */
export interface ShareGroupToAssign {
  /** By member id; the order decides between otherwise equal members. */
  readonly members: ReadonlyMap<string, Pick<AssignedMember, 'topicIds' | 'target'>>
  /** True if all members subscribe to the same topics. */
  readonly isHomogeneous: boolean
  /** Returns the partitions that may be assigned, in ascending order. */
  partitionsOf(topicId: string): readonly number[]
}

/** A partition, as the key of a Java map. */
interface Place {
  readonly topicId: string
  readonly partition: number
}

const nameOf = ({ topicId, partition }: Place) => `${topicId}-${partition}`

/**
 * The `simple` assignor of share groups: every partition goes to as many members as needed to keep
 * all of them busy, and no member gets more than its part. What members have they keep, as far as
 * that permits. Members of different subscriptions are balanced topic by topic. Kafka:
 * `SimpleAssignor`, whose choices depend on the order of its hash maps.
 */
export function assignSimple(group: ShareGroupToAssign): GroupAssignment {
  const ids = [...group.members.keys()]
  const members = [...group.members.values()]
  const topicIds = new Set(members.flatMap((member) => [...member.topicIds]))
  if (topicIds.size === 0) return new Map()
  const targets = members.map(({ target }) =>
    group.isHomogeneous ? only(target, topicIds) : new Map(target),
  )
  const spread = (topics: Iterable<string>, hashOf: (place: Place) => number) => {
    const topicsNow = [...topics]
    const takers = members.flatMap((member, i) => (member.topicIds.has(topicsNow[0]!) ? [i] : []))
    const places = topicsNow.flatMap((topicId) => placesOf(topicId, group.partitionsOf(topicId)))
    const held = targets.map((target) =>
      topicsNow.flatMap((topicId) => placesOf(topicId, target.get(topicId) ?? [])),
    )
    const shares = sharesOf({ takers, places, held, hashOf })
    for (const [i, share] of shares.entries()) {
      for (const topicId of topicsNow)
        if (targets[i]!.has(topicId)) targets[i]!.set(topicId, new Set())
      for (const { topicId, partition } of share.values()) {
        targets[i]!.set(topicId, new Set([...(targets[i]!.get(topicId) ?? []), partition]))
      }
    }
  }
  if (group.isHomogeneous) {
    const hashes = new Map([...topicIds].map((topicId) => [topicId, uuidHash(topicId)]))
    spread(
      topicIds,
      ({ topicId, partition }) => (Math.imul(31, hashes.get(topicId)!) + partition) | 0,
    )
  } else for (const topicId of topicIds) spread([topicId], ({ partition }) => partition)
  return new Map(ids.map((id, i) => [id, targets[i]!]))
}

function only(target: Partitions, topicIds: ReadonlySet<string>): Map<string, ReadonlySet<number>> {
  return new Map([...target].filter(([topicId]) => topicIds.has(topicId)))
}

const placesOf = (topicId: string, partitions: Iterable<number>): Place[] =>
  [...partitions].map((partition) => ({ topicId, partition }))

interface Spread {
  /** The members that subscribe, by their index in the group. */
  readonly takers: readonly number[]
  /** The partitions to assign. */
  readonly places: readonly Place[]
  /** The partitions that each member of the group has now. */
  readonly held: readonly (readonly Place[])[]
  readonly hashOf: (place: Place) => number
}

/** The partitions of one member, by name. */
type Share = Map<string, Place>

/** Returns the partitions of each member of the group. */
function sharesOf({ takers, places, held, hashOf }: Spread): Share[] {
  const perPlace = places.length === 0 ? 0 : Math.ceil(takers.length / places.length)
  const wanted = wantedCounts(takers, perPlace * places.length, held.length)
  const shares = held.map((mine): Share => new Map(mine.map((place) => [nameOf(place), place])))
  const holders = new Map<string, { readonly place: Place; readonly members: Set<number> }>()
  const holdersOf = (place: Place) => {
    const name = nameOf(place)
    let found = holders.get(name)
    if (found === undefined) holders.set(name, (found = { place, members: new Set() }))
    return found.members
  }
  shares.forEach((mine, i) => {
    for (const place of mine.values()) holdersOf(place).add(i)
  })
  const revoke = (place: Place, i: number) => {
    holdersOf(place).delete(i)
    shares[i]!.delete(nameOf(place))
  }
  held.forEach((mine, i) => {
    const tooMany = Math.max(0, mine.length - wanted[i]!)
    for (const place of javaHashMapOrderBy(mine, hashOf).slice(0, tooMany)) revoke(place, i)
  })
  for (const { place, members } of holders.values()) {
    const tooMany = Math.max(0, members.size - perPlace)
    for (const i of javaHashMapOrderBy([...members], (one) => one).slice(0, tooMany))
      revoke(place, i)
  }
  for (const place of places) holdersOf(place)
  const inOrder = javaHashMapOrderBy(
    [...holders.values()],
    ({ place }) => hashOf(place),
    hashMapBuckets(places.length),
  )
  deal(inOrder, takers, { perPlace, wanted, shares })
  return shares
}

/** Returns how many partitions each member should have; early members get those left over. */
function wantedCounts(takers: readonly number[], total: number, count: number): number[] {
  const wanted = new Array<number>(count).fill(0)
  const exact = total / takers.length
  takers.forEach((i, at) => {
    wanted[i] = Math.ceil(exact * (at + 1)) - Math.ceil(exact * at)
  })
  return wanted
}

/** Deals the missing partitions to members that have too few, in rounds. */
function deal(
  inOrder: readonly { readonly place: Place; readonly members: ReadonlySet<number> }[],
  takers: readonly number[],
  {
    perPlace,
    wanted,
    shares,
  }: {
    readonly perPlace: number
    readonly wanted: readonly number[]
    readonly shares: readonly Share[]
  },
): void {
  let waiting = takers.filter((i) => shares[i]!.size < wanted[i]!)
  let at = 0
  let isAnyDealt = false
  for (const { place, members } of inOrder) {
    let missing = perPlace - members.size
    while (missing > 0 && waiting.length > 0) {
      if (at >= waiting.length) {
        // A whole round without a member that lacks this partition.
        if (!isAnyDealt) break
        at = 0
        isAnyDealt = false
      }
      const i = waiting[at]!
      if (members.has(i)) {
        at++
        continue
      }
      // A member that waits alone may be dealt a partition twice, as in Kafka: it counts once.
      shares[i]!.set(nameOf(place), place)
      missing--
      isAnyDealt = true
      if (shares[i]!.size >= wanted[i]!) waiting = waiting.filter((other) => other !== i)
      else at++
    }
    if (waiting.length === 0) return
  }
}

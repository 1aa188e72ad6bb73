import type { AssignedMember, GroupAssignment, GroupToAssign } from './assignor.ts'

interface Topic {
  readonly quota: number
  extra: number
  next: number
}

/**
 * The `range` assignor: each subscriber gets consecutive partitions of each topic, so that the same
 * member gets equal partitions of co-partitioned topics. Static members come first, in the order of
 * their instance ids. Kafka: `RangeAssignor`.
 */
export function assignRange(group: GroupToAssign): GroupAssignment {
  const subscribers = new Map<string, number>()
  for (const { topicIds } of group.members.values()) {
    for (const id of topicIds) subscribers.set(id, (subscribers.get(id) ?? 0) + 1)
  }
  const topics = new Map<string, Topic>()
  for (const [id, count] of subscribers) {
    const partitions = group.partitionCount(id)
    topics.set(id, { quota: Math.floor(partitions / count), extra: partitions % count, next: 0 })
  }
  const assignment: GroupAssignment = new Map()
  for (const [memberId, { topicIds }] of [...group.members].sort(byIdentity)) {
    const target = new Map<string, Set<number>>()
    for (const id of topicIds) {
      const partitions = takeRun(topics.get(id)!)
      if (partitions.size > 0) target.set(id, partitions)
    }
    assignment.set(memberId, target)
  }
  return assignment
}

function takeRun(topic: Topic): Set<number> {
  const count = topic.quota + (topic.extra > 0 ? 1 : 0)
  if (topic.extra > 0) topic.extra--
  const first = topic.next
  topic.next += count
  return new Set(Array.from({ length: count }, (_, i) => first + i))
}

type Entry = readonly [memberId: string, member: AssignedMember]

function byIdentity([idA, a]: Entry, [idB, b]: Entry): number {
  if (a.instanceId !== null && b.instanceId !== null) return order(a.instanceId, b.instanceId)
  if (a.instanceId !== null) return -1
  return b.instanceId !== null ? 1 : order(idA, idB)
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

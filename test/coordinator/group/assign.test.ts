import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type {
  AssignedMember,
  GroupAssignment,
  GroupToAssign,
} from '../../../src/coordinator/group/assign/assignor.ts'
import { assignors } from '../../../src/coordinator/group/assign/assignors.ts'
import { noPartitions } from '../../../src/coordinator/group/consumer/consumer-member.ts'
import { newSeeds } from '../../seeded.ts'

interface Wanted {
  readonly topics: Readonly<Record<string, number>>
  readonly members: Readonly<Record<string, readonly string[]>>
  readonly before?: GroupAssignment
}

function groupOf({ topics, members, before }: Wanted): GroupToAssign {
  const all = new Map<string, AssignedMember>()
  for (const [id, topicIds] of Object.entries(members)) {
    const target = before?.get(id) ?? noPartitions
    all.set(id, { instanceId: null, rackId: null, topicIds: new Set(topicIds), target })
  }
  const [first] = all.values()
  const isSame = ({ topicIds }: AssignedMember) =>
    topicIds.size === first!.topicIds.size && [...topicIds].every((t) => first!.topicIds.has(t))
  const isHomogeneous = [...all.values()].every(isSame)
  return { members: all, isHomogeneous, partitionCount: (topicId) => topics[topicId] ?? 0 }
}

const assign = (name: string, wanted: Wanted) => assignors.get(name)!(groupOf(wanted))

const listed = (assignment: GroupAssignment) =>
  Object.fromEntries(
    [...assignment].map(([id, target]) => [
      id,
      [...target].flatMap(([topic, partitions]) =>
        [...partitions].sort((a, b) => a - b).map((p) => `${topic}${p}`),
      ),
    ]),
  )

const topicNames = ['a', 'b', 'c', 'd']
const anyTopics = fc.record(
  Object.fromEntries(topicNames.map((name) => [name, fc.integer({ min: 1, max: 7 })])),
)
const anyMembers = fc.dictionary(
  fc.constantFrom('m1', 'm2', 'm3', 'm4', 'm5'),
  fc.uniqueArray(fc.constantFrom(...topicNames), { minLength: 1 }),
  { minKeys: 1 },
)

/** Checks that every subscribed partition has one owner, which is subscribed to it. */
function checkComplete({ topics, members }: Wanted, assignment: GroupAssignment): void {
  const owned = new Map<string, string>()
  for (const [id, target] of assignment) {
    for (const [topic, partitions] of target) {
      expect(members[id]).toContain(topic)
      for (const partition of partitions) {
        expect(owned.get(`${topic}${partition}`)).toBeUndefined()
        owned.set(`${topic}${partition}`, id)
      }
    }
  }
  const wanted = new Set(Object.values(members).flat())
  const count = [...wanted].reduce((sum, topic) => sum + topics[topic]!, 0)
  expect(owned.size).toBe(count)
}

const sizes = (assignment: GroupAssignment) =>
  [...assignment.values()].map((target) =>
    [...target.values()].reduce((sum, partitions) => sum + partitions.size, 0),
  )

describe.each(['uniform', 'range'])('the assignor %s', (name) => {
  const title = `${name} assigns every partition once, however the group changes (ODRADEK_SEED=%d)`
  test.each(newSeeds())(title, (seed) => {
    fc.assert(
      fc.property(
        anyTopics,
        fc.array(anyMembers, { minLength: 1, maxLength: 4 }),
        (topics, steps) => {
          let before: GroupAssignment | undefined
          for (const members of steps) {
            const wanted = { topics, members, ...(before && { before }) }
            before = assign(name, wanted)
            checkComplete(wanted, before)
          }
        },
      ),
      { seed },
    )
  })
})

describe('uniform', () => {
  const title = 'is even to one partition, and moves only what it must (ODRADEK_SEED=%d)'
  test.each(newSeeds())(title, (seed) => {
    fc.assert(
      fc.property(
        anyTopics,
        fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 5 }),
        (topics, counts) => {
          let before: GroupAssignment | undefined
          for (const count of counts) {
            const ids = Array.from({ length: count }, (_, i) => `m${i}`)
            const members = Object.fromEntries(ids.map((id) => [id, topicNames]))
            const after = assign('uniform', { topics, members, ...(before && { before }) })
            const all = sizes(after)
            expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(1)
            if (before !== undefined) expect(moved(before, after)).toBe(mustMove(before, after))
            before = after
          }
        },
      ),
      { seed },
    )
  })

  /** Returns the partitions that changed owner although the previous owner is still a member. */
  function moved(before: GroupAssignment, after: GroupAssignment): number {
    let count = 0
    for (const [id, old] of before) {
      const now = after.get(id)
      for (const [topic, partitions] of now === undefined ? [] : old) {
        for (const partition of partitions) if (!now!.get(topic)?.has(partition)) count++
      }
    }
    return count
  }

  /** The minimum of moves: what members own beyond their new share. */
  function mustMove(before: GroupAssignment, after: GroupAssignment): number {
    const sizeOf = (assignment: GroupAssignment, id: string) =>
      [...(assignment.get(id)?.values() ?? [])].reduce((sum, { size }) => sum + size, 0)
    return [...after.keys()]
      .map((id) => Math.max(0, sizeOf(before, id) - sizeOf(after, id)))
      .reduce((sum, each) => sum + each, 0)
  }

  /** Kafka's rule: no member owns two more than another one that could take one of them. */
  test('evens out members that want different topics', () => {
    const topics = { a: 4, b: 2 }
    const before: GroupAssignment = new Map([['m1', new Map([['a', new Set([0, 1, 2, 3])]])]])
    const members = { m1: ['a'], m2: ['a', 'b'], m3: ['b'] }
    expect(sizes(assign('uniform', { topics, members, before }))).toEqual([3, 2, 1])
  })
})

test('range gives neighbours to each, the first members one more', () => {
  const topics = { a: 5, b: 2 }
  const members = { m2: ['a', 'b'], m1: ['a', 'b'] }
  expect(listed(assign('range', { topics, members }))).toEqual({
    m1: ['a0', 'a1', 'a2', 'b0'],
    m2: ['a3', 'a4', 'b1'],
  })
})

test('nobody wants anything', () => {
  const wanted = { topics: {}, members: { m1: [] } }
  expect(listed(assign('uniform', wanted))).toEqual({ m1: [] })
  expect(listed(assign('range', wanted))).toEqual({ m1: [] })
})

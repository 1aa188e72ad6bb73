import { describe, expect, test } from 'vitest'
import { assignSimple } from '../../../src/coordinator/group/assign/simple.ts'
import { newSeeds, seededWords } from '../../seeded.ts'
import { idOf } from './groups.ts'

type Targets = Record<string, Record<string, number[]>>

/** Assigns topics with so many partitions to members of these subscriptions. */
function assign(
  counts: Record<string, number>,
  subscriptions: Record<string, string[]>,
  before: Targets = {},
) {
  const all = new Set(Object.values(subscriptions).flat())
  const members = Object.entries(subscriptions).map(([memberId, names]) => {
    const old = Object.entries(before[memberId] ?? {})
    const target = new Map(old.map(([name, partitions]) => [idOf(name), new Set(partitions)]))
    return [memberId, { topicIds: new Set(names.map(idOf)), target }] as const
  })
  const nameOf = new Map(Object.keys(counts).map((name) => [idOf(name), name]))
  const assigned = assignSimple({
    members: new Map(members),
    isHomogeneous: Object.values(subscriptions).every((names) => names.length === all.size),
    partitionsOf: (id) => Array.from({ length: counts[nameOf.get(id)!]! }, (_, index) => index),
  })
  const plain: Targets = {}
  for (const [memberId, target] of assigned) {
    plain[memberId] = {}
    for (const [id, partitions] of target) {
      plain[memberId][nameOf.get(id)!] = [...partitions].sort((a, b) => a - b)
    }
  }
  return plain
}

describe('the simple assignor', () => {
  test('gives one member all', () => {
    expect(assign({ t: 3 }, { a: ['t'] })).toEqual({ a: { t: [0, 1, 2] } })
  })

  test('leaves members what they have, as far as others get their part', () => {
    const before = { a: { t: [0, 1, 2, 3] } }
    const after = assign({ t: 4 }, { a: ['t'], b: ['t'] }, before)
    expect(after.a!.t).toHaveLength(2)
    expect([...after.a!.t!, ...after.b!.t!].sort()).toEqual([0, 1, 2, 3])
    expect(assign({ t: 4 }, { a: ['t'], b: ['t'] }, after)).toEqual(after)
  })

  test('shares partitions among more members than there are', () => {
    const after = assign({ t: 2 }, { a: ['t'], b: ['t'], c: ['t'], d: ['t'] })
    const all = Object.values(after).flatMap((target) => target.t ?? [])
    expect(all.sort()).toEqual([0, 0, 1, 1])
  })

  test('balances different subscriptions topic by topic', () => {
    const after = assign({ t: 2, u: 2 }, { a: ['t'], b: ['t', 'u'], c: ['u'] })
    expect(Object.keys(after.a!)).toEqual(['t'])
    expect(after.b!.t).toHaveLength(1)
    expect(after.b!.u).toHaveLength(1)
    expect(Object.keys(after.c!)).toEqual(['u'])
  })

  test('gives nothing without topics', () => {
    expect(assign({}, { a: [] })).toEqual({})
  })

  test.each(newSeeds())(
    'every partition has a member, none has too many (ODRADEK_SEED=%d)',
    (seed) => {
      const next = seededWords(seed)
      const below = (max: number) => next() % max
      let before: Targets = {}
      for (let round = 0; round < 200; round++) {
        const counts = { t: 1 + below(7), u: 1 + below(3) }
        const isMixed = below(2) === 0
        const names = Array.from({ length: 1 + below(9) }, (_, index) => `m${index}`)
        const subscriptions = Object.fromEntries(
          names.map((name) => [name, isMixed && below(2) === 0 ? ['t'] : ['t', 'u']]),
        )
        const kept = Object.fromEntries(
          Object.entries(before).map(([name, target]) => [
            name,
            Object.fromEntries(
              Object.entries(target).map(([topic, partitions]) => [
                topic,
                partitions.filter((one) => one < counts[topic as 't' | 'u']),
              ]),
            ),
          ]),
        )
        const after = assign(counts, subscriptions, below(3) === 0 ? {} : kept)
        for (const topic of ['t', 'u'] as const) {
          const takers = names.filter((name) => subscriptions[name]!.includes(topic))
          if (takers.length === 0) continue
          const all = takers.flatMap((name) => after[name]![topic] ?? [])
          expect(new Set(all).size, `round ${round} ${topic}`).toBe(counts[topic])
        }
        before = after
      }
    },
  )
})

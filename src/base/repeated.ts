import { mapInTurns, type Turns } from './turns.ts'

/** Returns the keys that occur in more than one item. */
export function repeated<T, K>(items: Iterable<T>, keyOf: (item: T) => K): ReadonlySet<K> {
  const seen = new Set<K>()
  const twice = new Set<K>()
  for (const item of items) {
    const key = keyOf(item)
    if (seen.has(key)) twice.add(key)
    else seen.add(key)
  }
  return twice
}

/** Like `repeated`, for many items: returns the last item of each key, and the repeated keys. */
export async function distinctInTurns<T, K>(
  turns: Turns,
  items: readonly T[],
  keyOf: (item: T) => K,
): Promise<{ readonly distinct: readonly T[]; readonly twice: ReadonlySet<K> }> {
  const byKey = new Map<K, T>()
  const twice = new Set<K>()
  await mapInTurns(turns, items, (item) => {
    const key = keyOf(item)
    if (byKey.has(key)) twice.add(key)
    byKey.set(key, item)
  })
  return { distinct: [...byKey.values()], twice }
}

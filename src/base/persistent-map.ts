/**
 * An immutable map by string: changing one key copies only a small part. Two levels of 64 slots,
 * each with a small Map: with ten thousand topics a change copies a few hundred bytes.
 */
export class PersistentMap<V> implements Iterable<readonly [string, V]> {
  private readonly root: readonly (readonly (ReadonlyMap<string, V> | undefined)[] | undefined)[]
  readonly size: number

  private constructor(root: PersistentMap<V>['root'], size: number) {
    this.root = root
    this.size = size
  }

  static empty<V>(): PersistentMap<V> {
    return new PersistentMap<V>([], 0)
  }

  get(key: string): V | undefined {
    const hash = hashOf(key)
    return this.root[hash >>> 6]?.[hash & 63]?.get(key)
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  set(key: string, value: V): PersistentMap<V> {
    const { leaf, replace } = this.path(key)
    const grown = leaf === undefined || !leaf.has(key)
    return replace(new Map(leaf).set(key, value), this.size + (grown ? 1 : 0))
  }

  delete(key: string): PersistentMap<V> {
    const { leaf, replace } = this.path(key)
    if (leaf === undefined || !leaf.has(key)) return this
    const rest = new Map(leaf)
    rest.delete(key)
    return replace(rest, this.size - 1)
  }

  *[Symbol.iterator](): Iterator<readonly [string, V]> {
    for (const branch of this.root) {
      if (branch === undefined) continue
      for (const leaf of branch) if (leaf !== undefined) yield* leaf
    }
  }

  *keys(): Iterable<string> {
    for (const [key] of this) yield key
  }

  *values(): Iterable<V> {
    for (const [, value] of this) yield value
  }

  private path(key: string) {
    const hash = hashOf(key)
    const branch = this.root[hash >>> 6]
    const replace = (changed: ReadonlyMap<string, V>, size: number) => {
      const newBranch = branch === undefined ? [] : branch.slice()
      newBranch[hash & 63] = changed
      const newRoot = this.root.slice()
      newRoot[hash >>> 6] = newBranch
      return new PersistentMap<V>(newRoot, size)
    }
    return { leaf: branch?.[hash & 63], replace }
  }
}

/** FNV-1a, reduced to 12 bits. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return ((hash >>> 12) ^ hash) & 0xfff
}

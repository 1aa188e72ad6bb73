/** Returns Java's `String.hashCode` (over UTF-16 units). */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}

/**
 * Sorts keys in the iteration order of a small `java.util.HashMap`: by bucket, then by insertion.
 */
export function javaHashMapOrder(keys: Iterable<string>): string[] {
  return javaHashMapOrderBy([...keys], javaHashCode)
}

/**
 * @param bucketsMin initial number of buckets in Kafka: 16 by default, 1 for one sized to its keys.
 */
export function javaHashMapOrderBy<T>(
  all: readonly T[],
  hashOf: (one: T) => number,
  bucketsMin = 16,
): T[] {
  let buckets = bucketsMin
  while (all.length > buckets * 0.75) buckets *= 2
  const keyed = all.map((one) => {
    const hash = hashOf(one)
    return { one, bucket: (hash ^ (hash >>> 16)) & (buckets - 1) }
  })
  return keyed.sort((a, b) => a.bucket - b.bucket).map(({ one }) => one)
}

/** Returns the number of buckets of a `java.util.HashMap` that is sized for `count` entries. */
export function hashMapBuckets(count: number): number {
  let buckets = 1
  while (buckets < Math.floor(count / 0.75 + 1)) buckets *= 2
  return buckets
}

/** Returns the hash code of Kafka's `Uuid`, given as text. */
export function uuidHash(id: string): number {
  const bytes = Buffer.from(id, 'base64url')
  const high = bytes.readInt32BE(0) ^ bytes.readInt32BE(8)
  const low = bytes.readInt32BE(4) ^ bytes.readInt32BE(12)
  return high ^ low
}

/**
 * Returns a function from a topic's partition to the hash code of its `TopicIdPartition`, the key
 * for partitions of a Produce request in Kafka.
 */
export function topicIdPartitionHash(
  topicId: string,
  topic: string,
): (partition: number) => number {
  const ofId = Math.imul(31, 31 + uuidHash(topicId))
  const ofTopic = javaHashCode(topic)
  return (partition) => (ofId + Math.imul(31, 31 + partition) + ofTopic) | 0
}

/**
 * Sorts keys in the iteration order of a `scala.collection.mutable.HashMap` that started empty and
 * has so few keys that it never grew.
 */
export function scalaHashMapOrder<T>(all: readonly T[], hashOf: (one: T) => number): T[] {
  const keyed = all.map((one) => {
    const hash = hashOf(one)
    return { one, hash: hash ^ (hash >>> 16) }
  })
  const bucketOf = ({ hash }: { readonly hash: number }) => hash & 15
  return keyed.sort((a, b) => bucketOf(a) - bucketOf(b) || a.hash - b.hash).map(({ one }) => one)
}

/** Mixes a hash as `scala.collection.immutable.HashMap` does. */
function improved(hash: number): number {
  let h = (hash + ~(hash << 9)) | 0
  h ^= h >>> 14
  h = (h + (h << 4)) | 0
  return h ^ (h >>> 10)
}

interface Hashed<T> {
  readonly one: T
  readonly hash: number
}

/**
 * Sorts keys in iteration order of a `scala.collection.immutable.HashMap` with more than 4 keys.
 */
export function scalaTrieOrder<T>(all: readonly T[], hashOf: (one: T) => number): T[] {
  const ordered: T[] = []
  addInTrieOrder(
    all.map((one) => ({ one, hash: improved(hashOf(one)) })),
    0,
    ordered,
  )
  return ordered
}

/** Adds the keys of a trie node: first those alone at their five bits, then the child nodes. */
function addInTrieOrder<T>(all: readonly Hashed<T>[], shift: number, to: T[]): void {
  if (shift > 30) {
    for (const { one } of all) to.push(one)
    return
  }
  const branches: (Hashed<T>[] | undefined)[] = new Array(32).fill(undefined)
  for (const one of all) {
    const bits = (one.hash >>> shift) & 31
    const branch = branches[bits]
    if (branch === undefined) branches[bits] = [one]
    else branch.push(one)
  }
  for (const branch of branches) if (branch?.length === 1) to.push(branch[0]!.one)
  for (const branch of branches) {
    if (branch !== undefined && branch.length > 1) addInTrieOrder(branch, shift + 5, to)
  }
}

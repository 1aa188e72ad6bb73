/** Java's `String.hashCode`, over UTF-16 units. */
function javaHashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}

/** The order in which a small `java.util.HashMap` iterates its keys: by bucket, then as inserted. */
export function javaHashMapOrder(keys: Iterable<string>): string[] {
  const all = [...keys]
  let buckets = 16
  while (all.length > buckets * 0.75) buckets *= 2
  const bucketOf = (key: string) => {
    const hash = javaHashCode(key)
    return (hash ^ (hash >>> 16)) & (buckets - 1)
  }
  return all.sort((a, b) => bucketOf(a) - bucketOf(b))
}

/**
 * Returns the partition of a coordinator's topic for a key: Java's `String.hashCode` over UTF-16
 * units, made positive as Kafka's `Utils.abs` does (the minimum integer becomes 0).
 */
export function keyPartition(key: string, partitionCount: number): number {
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = (Math.imul(31, hash) + key.charCodeAt(i)) | 0
  const positive = hash === -0x8000_0000 ? 0 : Math.abs(hash)
  return positive % partitionCount
}

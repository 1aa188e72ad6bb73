/** Partition indexes by topic name. */
export type PartitionSet = ReadonlyMap<string, ReadonlySet<number>>

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

export function partitionSet(topics: Iterable<TopicPartitions>): PartitionSet {
  const all = new Map<string, Set<number>>()
  for (const { topic, partitions } of topics) {
    const known = all.get(topic) ?? new Set()
    for (const partition of partitions) known.add(partition)
    all.set(topic, known)
  }
  return all
}

export function topicsOf(set: PartitionSet): TopicPartitions[] {
  return [...set].map(([topic, partitions]) => ({ topic, partitions: [...partitions] }))
}

export function has(set: PartitionSet, topic: string, partition: number): boolean {
  return set.get(topic)?.has(partition) === true
}

export function includes(set: PartitionSet, others: PartitionSet): boolean {
  for (const [topic, partitions] of others) {
    for (const partition of partitions) if (!has(set, topic, partition)) return false
  }
  return true
}

export function union(a: PartitionSet, b: PartitionSet): PartitionSet {
  return partitionSet([...topicsOf(a), ...topicsOf(b)])
}

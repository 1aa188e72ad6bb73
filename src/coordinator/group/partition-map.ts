/** Values by group, topic and partition. Empty inner maps are removed. */
export class PartitionMap<T> {
  private readonly groups = new Map<string, Map<string, Map<number, T>>>()

  get(group: string, topic: string, partition: number): T | undefined {
    return this.groups.get(group)?.get(topic)?.get(partition)
  }

  set(group: string, topic: string, partition: number, value: T): void {
    let topics = this.groups.get(group)
    if (topics === undefined) this.groups.set(group, (topics = new Map()))
    let partitions = topics.get(topic)
    if (partitions === undefined) topics.set(topic, (partitions = new Map()))
    partitions.set(partition, value)
  }

  delete(group: string, topic: string, partition: number): void {
    const topics = this.groups.get(group)
    const partitions = topics?.get(topic)
    if (topics === undefined || partitions === undefined) return
    partitions.delete(partition)
    if (partitions.size === 0) topics.delete(topic)
    if (topics.size === 0) this.groups.delete(group)
  }

  has(group: string): boolean {
    return this.groups.has(group)
  }

  topicsOf(group: string): ReadonlyMap<string, ReadonlyMap<number, T>> {
    return this.groups.get(group) ?? empty
  }

  groupIds(): IterableIterator<string> {
    return this.groups.keys()
  }

  *entries(): IterableIterator<{ group: string; topic: string; partition: number; value: T }> {
    for (const [group, topics] of this.groups) {
      for (const [topic, partitions] of topics) {
        for (const [partition, value] of partitions) yield { group, topic, partition, value }
      }
    }
  }
}

const empty: ReadonlyMap<string, ReadonlyMap<number, never>> = new Map()

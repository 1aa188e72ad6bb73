/** One partition of a request, with the topic it was listed under. */
export interface AskedPartition<P> {
  readonly topic: string
  readonly asked: P
}

/** Partitions looked at between two yields. */
const partitionsBetween = 256

/** Returns the partitions of a request one by one. */
export function* askedPartitions<P>(
  topics: Iterable<{ readonly name: string; readonly partitions: readonly P[] }>,
): Generator<AskedPartition<P>> {
  for (const { name, partitions } of topics) {
    for (const asked of partitions) yield { topic: name, asked }
  }
}

/**
 * Returns each partition once: the position of its first occurrence, the contents of its last, as
 * in Kafka's maps keyed by topic and partition. Drops topics without partitions. Yields for
 * `runInTurns`.
 */
export function* distinctPartitions<P>(
  all: Iterable<AskedPartition<P>>,
  indexOf: (asked: P) => number,
): Generator<void, (AskedPartition<P> & { readonly isRepeated: boolean })[]> {
  const distinct: (AskedPartition<P> & { readonly isRepeated: boolean })[] = []
  const places = new Map<string, Map<number, number>>()
  let count = 0
  for (const { topic, asked } of all) {
    const index = indexOf(asked)
    let ofTopic = places.get(topic)
    if (ofTopic === undefined) places.set(topic, (ofTopic = new Map()))
    const place = ofTopic.get(index)
    if (place !== undefined) distinct[place] = { topic, asked, isRepeated: true }
    else {
      ofTopic.set(index, distinct.length)
      distinct.push({ topic, asked, isRepeated: false })
    }
    if (++count % partitionsBetween === 0) yield
  }
  return distinct
}

/** Groups partition responses by topic, in the order in which topics first occur. */
export function byTopic<A>(
  answers: Iterable<{ readonly topic: string; readonly answer: A }>,
): { readonly name: string; readonly partitions: A[] }[] {
  const topics = new Map<string, A[]>()
  for (const { topic, answer } of answers) {
    const known = topics.get(topic)
    if (known === undefined) topics.set(topic, [answer])
    else known.push(answer)
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }))
}

interface TopicAnswer {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly {
    readonly partitionIndex: number
    readonly errorCode: number
  }[]
}

/**
 * Merges the response topics of OffsetCommit and TxnOffsetCommit: refused ones come first, one
 * entry per topic, followed by the committed partitions of the same topic. Without refusals,
 * returns the committed topics as requested.
 */
export function mergeCommits(
  refused: readonly TopicAnswer[],
  committed: readonly TopicAnswer[],
  usesIds: boolean,
): readonly TopicAnswer[] {
  if (refused.length === 0) return committed
  const merged = new Map<string, TopicAnswer>()
  for (const answer of [...refused, ...committed]) {
    const key = usesIds ? answer.topicId : answer.name
    const before = merged.get(key)
    const partitions = [...(before?.partitions ?? []), ...answer.partitions]
    merged.set(key, { ...(before ?? answer), partitions })
  }
  return [...merged.values()]
}

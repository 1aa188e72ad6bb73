/** A partition of a topic as a share group sees it. Kafka: `SharePartitionKey`. */
export interface ShareKey {
  readonly groupId: string
  readonly topicId: string
  readonly partition: number
}

/** Returns the name by which a coordinator is found, `group:topicId:partition`. */
export function coordinatorKey({ groupId, topicId, partition }: ShareKey): string {
  return `${groupId}:${topicId}:${partition}`
}

const intMax = 2 ** 31 - 1

/**
 * Returns the share partition that a coordinator is looked for, null if the text names none. The
 * group id may have colons, and as in Kafka those at the end of the text do not count.
 */
export function shareKeyOf(text: string): ShareKey | null {
  const tokens = text.replace(/:+$/, '').split(':')
  const partitionText = tokens.pop() ?? ''
  const topicId = tokens.pop() ?? ''
  const groupId = tokens.join(':')
  if (groupId.trim() === '' || !/^[A-Za-z0-9_-]{22}(==)?$/.test(topicId)) return null
  const partition = /^[+-]?\d+$/.test(partitionText) ? Number(partitionText) : Number.NaN
  if (!(partition >= -intMax - 1 && partition <= intMax)) return null
  return { groupId, topicId: topicId.slice(0, 22), partition }
}

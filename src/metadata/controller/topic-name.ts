/** Maximum length of a topic name (`org.apache.kafka.common.internals.Topic`). */
export const topicNameLengthMax = 249

/** Returns why a name is not allowed, in Kafka's words, or null. */
export function topicNameFault(name: string): string | null {
  if (name === '') return 'the empty string is not allowed'
  if (name === '.' || name === '..') return `'${name}' is not allowed`
  if (name.length > topicNameLengthMax) {
    return `the length of '${name}' is longer than the max allowed length ${topicNameLengthMax}`
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  }
  return null
}

/** Returns the key in which topic names must differ: `.` and `_` are equal in metric names. */
export function collisionKey(name: string): string {
  return name.replaceAll('.', '_')
}

export const internalTopics: ReadonlySet<string> = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
])

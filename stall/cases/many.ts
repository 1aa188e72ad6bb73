/** The number of topics or other items in a large cluster and in a large request. */
export const many = 10_000
/**
 * The number of small parts in a hostile request; 100 MB would hold more, see the table's notes.
 */
export const hostile = 100_000
/** About the maximum of partitions per request (`MAX_RECORDS_PER_USER_OP`: 10,000 records). */
export const mostRecords = 9_900

export const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))

/** Topics of one partition that exist before the first case. */
export const topicName = (i: number) => `stall-${i}`
/** A topic with as many partitions. */
export const wideTopic = 'stall-wide'
/** A topic that accepts batches of 100 MB. */
export const largeTopic = 'stall-large'
/** A topic that recompresses all batches with zstd. */
export const zstdTopic = 'stall-zstd'

import type { Look } from '../../fuzz/directories/look.ts'

/**
 * Differences of two brokers that were started on the same directory; null is one that did not
 * start.
 */
export function differencesOf(ours: Look | null, theirs: Look | null): string[] {
  if (ours === null || theirs === null) {
    const how = (look: Look | null) => (look === null ? 'refused' : 'started')
    return ours === theirs ? [] : [`ours ${how(ours)}, Apache Kafka ${how(theirs)}`]
  }
  const found: string[] = []
  for (const [name, mine] of ours.partitions) {
    const other = theirs.partitions.get(name)!
    const brief = ({ error, start, end }: typeof mine) => `${error} ${start}..${end}`
    if (brief(mine) !== brief(other))
      found.push(`${name}: ours ${brief(mine)}, Kafka ${brief(other)}`)
    const missing = [...other.records].filter(
      ([offset, value]) => mine.records.get(offset) !== value,
    )
    const more = [...mine.records].filter(([offset, value]) => other.records.get(offset) !== value)
    const list = (records: typeof more) => records.map(([offset]) => offset).join(',')
    if (missing.length > 0) found.push(`${name}: only Kafka reads ${list(missing)}`)
    if (more.length > 0) found.push(`${name}: only ours reads ${list(more)}`)
  }
  for (const [group, offset] of ours.groups) {
    const other = theirs.groups.get(group)
    if (other !== offset) found.push(`group ${group}: ours ${offset}, Kafka ${other}`)
  }
  return found
}

/** Files that are rebuilt from the log if they are damaged. */
const derived = /\.(index|timeindex|txnindex|snapshot)$|leader-epoch-checkpoint$/

/**
 * The reason why two brokers may differ on a directory; null if there is none.
 * @param touched the files that were changed.
 * @param isTold whether our log says that a segment is damaged.
 */
export function knownDifference(
  touched: readonly string[],
  ours: Look | null,
  theirs: Look | null,
  isTold: boolean,
): string | null {
  if (touched.some((path) => derived.test(path)) && showsAll(ours, theirs)) {
    return 'what can be made again from the log is made again'
  }
  const isSnapshot = (path: string) => /metadata-0\/.*\.checkpoint$/.test(path)
  if (touched.some(isSnapshot) && ours === null) return 'half a snapshot of the metadata is refused'
  if (touched.some((path) => path.endsWith('partition.metadata')) && leavesLeaderless(theirs)) {
    return 'a partition under the id of another topic is set aside; Kafka gives it up, and others with it'
  }
  const isCoordinator = (path: string) => /^__(consumer|transaction).*\.log$/.test(path)
  if (
    touched.some(isCoordinator) &&
    [...(ours?.groups.values() ?? [])].includes('NOT_COORDINATOR')
  ) {
    return 'what a coordinator loads must have the right checksum; Kafka does not look at it there'
  }
  if (isTold && isForeign(ours, theirs)) {
    return 'what stands in a segment under offsets of another one is refused, and told of'
  }
  return null
}

/**
 * Whether all records that only Kafka returns were written to another partition (a segment was
 * swapped or renamed), or have offsets outside the log: no checksum covers the offset of a batch.
 */
function isForeign(ours: Look | null, theirs: Look | null): boolean {
  if (ours === null || theirs === null) return false
  return [...theirs.partitions].every(([name, { records, end }]) => {
    const words = name === 'plain-0' || name === 'plain-1' ? name.split('-') : [name.slice(0, -2)]
    const mine = ours.partitions.get(name)!.records
    const more = [...records].filter(([offset]) => !mine.has(offset))
    return more.every(
      ([offset, value]) => offset >= end || !value.startsWith(`${words.join(' ')} `),
    )
  })
}

/** Kafka ends its loop over the partitions that it leads at an InconsistentTopicIdException. */
const leavesLeaderless = (theirs: Look | null) =>
  theirs !== null && [...theirs.partitions.values()].some(({ error }) => /NOT_LEADER/.test(error))

/** Whether ours returns everything that the other one returns. */
function showsAll(ours: Look | null, theirs: Look | null): boolean {
  if (ours === null || theirs === null) return ours !== null
  return [...theirs.partitions].every(([name, { records }]) =>
    [...records].every(
      ([offset, value]) => ours.partitions.get(name)!.records.get(offset) === value,
    ),
  )
}

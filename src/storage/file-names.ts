/** File suffixes of a partition (`org.apache.kafka.storage.internals.log.LogFileUtils`). */
export const suffixes = {
  log: '.log',
  offsetIndex: '.index',
  timeIndex: '.timeindex',
  txnIndex: '.txnindex',
  snapshot: '.snapshot',
  /** A file that will be removed. */
  deleted: '.deleted',
  /** A segment that the cleaner is writing. */
  cleaned: '.cleaned',
  /** A segment that the cleaner has written, while it replaces the old segments. */
  swap: '.swap',
} as const

export const leaderEpochFile = 'leader-epoch-checkpoint'
export const partitionMetadataFile = 'partition.metadata'
/** Marks a log directory as cleanly shut down. */
export const cleanShutdownFile = '.kafka_cleanshutdown'

/** Whether a subdirectory of a log directory has the name of a partition. */
export const isPartitionName = (name: string) => /-\d+$/.test(name)

/** Where Kafka stores the indexes of tiered segments: not a partition, but a known directory. */
const remoteIndexDirectory = 'remote-log-index-cache'
const int32Max = 0x7fffffff

/**
 * Whether a subdirectory of a log directory has a name that Kafka accepts; Kafka does not start if
 * there is any other (`LocalLog.parseTopicPartitionName`).
 */
export function isOfKafka(name: string): boolean {
  if (name === remoteIndexDirectory) return true
  const isAside = /-(delete|future|stray)$/.test(name)
  if (isAside && !/^\S+-\S+\.\S+-[a-z]+$/.test(name)) return false
  const ofPartition = isAside ? name.slice(0, name.lastIndexOf('.')) : name
  const [, index] = /^.+-(\+?\d+)$/.exec(ofPartition) ?? []
  return index !== undefined && Number(index) <= int32Max
}

/** Returns e.g. `dir/00000000000000000042.log`: offsets in file names have twenty digits. */
export function segmentPath(dir: string, baseOffset: number, suffix: string): string {
  return `${dir}/${String(baseOffset).padStart(20, '0')}${suffix}`
}

/** Returns the offset in a file name; null if the name is not twenty digits and `suffix`. */
export function offsetOfName(name: string, suffix: string): number | null {
  if (name.length !== 20 + suffix.length || !name.endsWith(suffix)) return null
  const digits = name.slice(0, 20)
  return /^\d{20}$/.test(digits) ? Number(digits) : null
}

/** A partition directory that is deleted or not yet complete; removed at the next start. */
export const deletedDirectorySuffix = '-delete'
/** A partition directory that is not in the cluster's metadata; left to the operator. */
export const strayDirectorySuffix = '-stray'

/**
 * A damaged file of a partition, or one behind the damage. It is no longer part of the log; neither
 * odradek nor Apache Kafka reads or removes it at a start.
 */
export const setAsideSuffix = '.set-aside'

/** Most file systems limit file names to 255 bytes. */
const nameLengthMax = 255

/**
 * Returns the path of a sibling of a partition's directory with a name that no partition has. A
 * topic name that is too long is shortened, but the partition is kept: Kafka does not start if a
 * name lacks it (`UnifiedLog.logDeleteDirName`).
 */
export function asideOf(
  path: string,
  unique: string,
  suffix: string = deletedDirectorySuffix,
): string {
  const at = path.lastIndexOf('/') + 1
  const partitionAt = Math.max(at, path.lastIndexOf('-'))
  const tail = `${path.slice(partitionAt)}.${unique}${suffix}`
  return (
    path.slice(0, at) + path.slice(at, partitionAt).slice(0, nameLengthMax - tail.length) + tail
  )
}

/** The names of the files of a partition (`org.apache.kafka.storage.internals.log.LogFileUtils`). */
export const suffixes = {
  log: '.log',
  offsetIndex: '.index',
  timeIndex: '.timeindex',
  txnIndex: '.txnindex',
  snapshot: '.snapshot',
  /** Of a file that is about to be removed. */
  deleted: '.deleted',
  /** Of what the cleaner is writing. */
  cleaned: '.cleaned',
  /** Of what the cleaner has written, while it takes the place of the old segments. */
  swap: '.swap',
} as const

export const leaderEpochFile = 'leader-epoch-checkpoint'
export const partitionMetadataFile = 'partition.metadata'

/** `dir/00000000000000000042.log` and the like: offsets in file names have twenty digits. */
export function segmentPath(dir: string, baseOffset: number, suffix: string): string {
  return `${dir}/${String(baseOffset).padStart(20, '0')}${suffix}`
}

/** The offset in a file's name, or null if the name is not twenty digits and `suffix`. */
export function offsetOfName(name: string, suffix: string): number | null {
  if (name.length !== 20 + suffix.length || !name.endsWith(suffix)) return null
  const digits = name.slice(0, 20)
  return /^\d{20}$/.test(digits) ? Number(digits) : null
}

/** Of a partition's directory that is not one any more, or not yet: it is cleared away at the next start. */
export const deletedDirectorySuffix = '-delete'

/** Names have at most 255 bytes on most file systems; Kafka's own have no more than 249. */
const nameLengthMax = 249

/** A name beside a partition's directory that no partition has (`LogManager.logDeleteDirName`). */
export function asideOf(path: string, unique: string): string {
  const at = path.lastIndexOf('/') + 1
  const tail = `.${unique}${deletedDirectorySuffix}`
  return path.slice(0, at) + path.slice(at).slice(0, nameLengthMax - tail.length) + tail
}

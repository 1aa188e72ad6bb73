import { DiskError } from './disk.ts'
import { setAsideSuffix } from './file-names.ts'
import type { LogOptions } from './log-contract.ts'
import type { Segment } from './segment.ts'

const copyBytes = 1024 * 1024

/**
 * Removes a segment from the log by renaming its log file to a name that neither odradek nor Apache
 * Kafka reads. An operator may examine or delete the file.
 */
export async function setSegmentAside(
  options: LogOptions,
  segment: Segment,
  why: string,
): Promise<void> {
  const file = segment.log.path
  const keptAs = await freeName(options, file)
  await segment.setAside(keptAs)
  options.logger.warn('set a segment aside: its records are not in the log any more', {
    ...{ partition: options.name, file, bytes: segment.sizeBytes, why, keptAs },
  })
}

/**
 * Copies the bytes of a segment from `position` on to a separate file before they are truncated. A
 * full disk has no space for the copy and must not prevent the log from being opened: Kafka only
 * truncates, too.
 *
 * @returns the path of the copy; null if there are only zeros (preallocated space), or no space.
 */
export async function setPartAside(
  options: LogOptions,
  segment: Segment,
  position: number,
): Promise<string | null> {
  const keptAs = await freeName(options, `${segment.log.path}.${position}`)
  try {
    return await copyPart(options, segment, position, keptAs)
  } catch (error) {
    if (!(error instanceof DiskError) || !noRoom.includes(error.code)) throw error
    await options.disk.remove(keptAs)
    options.logger.warn('what is cut off a segment could not be set aside: the disk is full', {
      ...{ partition: options.name, file: segment.log.path, position, error: error.message },
    })
    return null
  }
}

/** Error codes of the operating system for a full disk or an exceeded quota. */
const noRoom: readonly string[] = ['ENOSPC', 'EDQUOT']

async function copyPart(
  options: LogOptions,
  segment: Segment,
  position: number,
  keptAs: string,
): Promise<string | null> {
  const { log, sizeBytes } = segment
  const copy = options.disk.file(keptAs)
  let isBegun = false
  try {
    for (let at = position; at < sizeBytes; ) {
      const bytes = await log.read(at, Math.min(copyBytes, sizeBytes - at))
      if (bytes.length === 0) break
      isBegun ||= bytes.some((byte) => byte !== 0)
      if (isBegun) await copy.write([bytes], at - position)
      at += bytes.length
    }
    if (isBegun) await copy.sync()
  } finally {
    await copy.close()
  }
  return isBegun ? keptAs : null
}

/** Returns an unused name: earlier files are kept, as the same segment may be damaged twice. */
async function freeName({ disk, dir }: LogOptions, path: string): Promise<string> {
  const names = new Set(((await disk.list(dir)) ?? []).map(({ name }) => `${dir}/${name}`))
  for (let n = 1; ; n++) {
    const name = path + setAsideSuffix + (n === 1 ? '' : `-${n}`)
    if (!names.has(name)) return name
  }
}

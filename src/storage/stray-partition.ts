import type { Logger } from '../base/logger.ts'
import type { Disk } from './disk.ts'
import { asideOf, strayDirectorySuffix } from './file-names.ts'

/**
 * Renames a partition's directory so that no start opens it as one, as Apache Kafka does with
 * partitions that are not in the metadata (`UnifiedLog.logStrayDirName`).
 *
 * @param unique a unique word for the new name.
 * @throws DiskError
 */
export async function setStrayAside(
  { disk, logger, path }: { disk: Disk; logger: Logger; path: string },
  partition: string,
  unique: string,
  why: string,
): Promise<void> {
  const keptAs = asideOf(`${path}/${partition}`, unique, strayDirectorySuffix)
  await disk.rename(`${path}/${partition}`, keptAs)
  logger.warn('a stray partition is set aside; nothing removes it', { partition, why, keptAs })
}

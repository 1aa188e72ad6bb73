import {
  cleanerOffsetFile,
  highWatermarkFile,
  logStartOffsetFile,
  recoveryPointFile,
} from './checkpoints.ts'
import { DamagedFile } from './damaged-file.ts'
import type { Disk } from './disk.ts'
import { cleanShutdownFile, isOfKafka, isPartitionName } from './file-names.ts'
import { metaPropertiesFile, readMetaProperties, writeMetaProperties } from './meta-properties.ts'

/** A log directory that this broker must not or cannot use, e.g. one of another node or cluster. */
export class CannotUseDirectory extends Error {
  override readonly name = 'CannotUseDirectory'
}

/**
 * Reads the cluster id and directory id of a log directory; writes them if the directory is new.
 *
 * @param clusterId of the broker's other directories; null to use the stored one, or `fresh`.
 * @param fresh generates an id for a cluster or a directory without one.
 * @throws CannotUseDirectory if the directory belongs to another node or cluster; DamagedFile if it
 * has data but no `meta.properties`.
 */
export async function identify(
  { disk, path, nodeId }: { disk: Disk; path: string; nodeId: number },
  clusterId: string | null,
  fresh: () => string,
): Promise<{ clusterId: string; directoryId: string }> {
  const found = await readMetaProperties(disk, path)
  if (found === null) await checkIsNew(disk, path)
  if (found !== null && found.nodeId !== nodeId) {
    throw new CannotUseDirectory(`${path} belongs to node ${found.nodeId}, this is node ${nodeId}`)
  }
  if (found !== null && clusterId !== null && found.clusterId !== clusterId) {
    throw new CannotUseDirectory(
      `${path} belongs to cluster ${found.clusterId}, this is cluster ${clusterId}`,
    )
  }
  const identity = {
    clusterId: found?.clusterId ?? clusterId ?? fresh(),
    directoryId: found?.directoryId ?? fresh(),
  }
  if (found === null || found.directoryId === null) {
    await writeMetaProperties(disk, path, { ...identity, nodeId })
  }
  return identity
}

/** Files that are written only by a broker whose directory has an identity. */
const leftFiles = [
  ...[cleanShutdownFile, recoveryPointFile, logStartOffsetFile],
  ...[highWatermarkFile, cleanerOffsetFile],
]

/**
 * Checks that no broker has used the directory.
 *
 * @throws DamagedFile
 */
async function checkIsNew(disk: Disk, path: string): Promise<void> {
  const entries = (await disk.list(path)) ?? []
  const left = entries.find(({ name, isDirectory }) =>
    isDirectory ? isPartitionName(name) : leftFiles.includes(name),
  )
  if (left === undefined) return
  throw new DamagedFile(
    `${path}/${metaPropertiesFile}`,
    `it is missing, but ${left.name} is of a broker that was here`,
  )
}

/**
 * Lists the subdirectories of a log directory.
 *
 * @throws CannotUseDirectory if one of them is not Kafka's: it might be mistaken for a partition
 * and removed.
 */
export async function directoriesIn(disk: Disk, path: string): Promise<string[]> {
  const entries = (await disk.list(path)) ?? []
  const names = entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name)
  const stranger = names.find((name) => !isOfKafka(name))
  if (stranger === undefined) return names
  throw new CannotUseDirectory(
    `${path} holds the directory ${JSON.stringify(stranger)}, and it is of no partition; only those ` +
      'may be in a log directory: move it, or name another directory for the data',
  )
}

import type { Disk } from './disk.ts'
import { readMetaProperties, writeMetaProperties } from './meta-properties.ts'

/** A directory that this broker may not or cannot work in. */
export class CannotUseDirectory extends Error {
  override readonly name = 'CannotUseDirectory'
}

/**
 * Whose a directory is, written down there where it is new.
 *
 * @param clusterId of the broker's other directories; null to take what stands here, or `fresh`.
 * @param fresh makes an id for a cluster or a directory that has none yet.
 * @throws CannotUseDirectory for another node's or cluster's directory.
 */
export async function identify(
  { disk, path, nodeId }: { disk: Disk; path: string; nodeId: number },
  clusterId: string | null,
  fresh: () => string,
): Promise<{ clusterId: string; directoryId: string }> {
  const found = await readMetaProperties(disk, path)
  if (found?.nodeId !== undefined && found.nodeId !== nodeId) {
    throw new CannotUseDirectory(`${path} belongs to node ${found.nodeId}, this is node ${nodeId}`)
  }
  if (found?.clusterId !== undefined && clusterId !== null && found.clusterId !== clusterId) {
    throw new CannotUseDirectory(
      `${path} belongs to cluster ${found.clusterId}, this is cluster ${clusterId}`,
    )
  }
  const identity = {
    clusterId: found?.clusterId ?? clusterId ?? fresh(),
    directoryId: found?.directoryId ?? fresh(),
  }
  if (found?.clusterId === undefined || found.directoryId === undefined) {
    await writeMetaProperties(disk, path, { ...identity, nodeId })
  }
  return identity
}

import type { BrokerSettings } from '../metadata/config/settings.ts'
import { randomUuid } from '../metadata/controller/controller.ts'
import { DamagedFile } from '../storage/damaged-file.ts'
import { CannotUseDirectory } from '../storage/directory-identity.ts'
import { DiskError } from '../storage/disk.ts'
import { LogDir } from '../storage/log-dir.ts'
import { logDirPaths } from './config/log-dir-paths.ts'
import { allOrNothing, type SharedRooms } from './shared-rooms.ts'

/**
 * Opens, locks and identifies the directories of `log.dirs`; formats new ones. A directory with a
 * disk error, or without a valid identity, starts offline, unless it is to hold the metadata log.
 * @param clusterId the expected cluster id; null to accept the one found.
 * @throws DirectoryLocked, DiskError, CannotUseDirectory, DamagedFile
 */
export function openLogDirs(
  settings: BrokerSettings,
  clusterId: string | null,
  { clock, random, logger, disk, tailCacheBudget }: SharedRooms,
): Promise<LogDir[]> {
  const nodeId = settings.int('node.id')
  const paths = logDirPaths(settings)
  return allOrNothing(async (undo) => {
    const opened: LogDir[] = []
    for (const path of paths) {
      const options = { disk, path, nodeId, clock, random, logger, tailCacheBudget }
      const known = opened.find((dir) => !dir.isOffline)?.clusterId ?? clusterId
      const isNeeded = path === metadataDirOf(settings, paths)
      const logDir = await LogDir.open(options, known, () => randomUuid(random)).catch(
        (error: Error) => {
          const isLost = error instanceof DiskError || error instanceof DamagedFile
          if (isNeeded || !isLost) throw error
          return LogDir.unusable(options, error)
        },
      )
      undo.push(() => logDir.release())
      checkIdentity(logDir, opened)
      opened.push(logDir)
    }
    return opened
  })
}

/**
 * Detects a copied directory by its duplicate id (`MetaPropertiesEnsemble.verify`).
 * @throws CannotUseDirectory
 */
function checkIdentity(logDir: LogDir, others: readonly LogDir[]): void {
  if (logDir.isOffline) return
  const twin = others.find((one) => !one.isOffline && one.directoryId === logDir.directoryId)
  if (twin === undefined) return
  throw new CannotUseDirectory(
    `${logDir.path} and ${twin.path} have one directory.id, ${logDir.directoryId}, in their meta.properties`,
  )
}

/** Returns the open directory that holds the metadata log. */
export function metadataLogDir(settings: BrokerSettings, logDirs: readonly LogDir[]): LogDir {
  const where = metadataDirOf(
    settings,
    logDirs.map(({ path }) => path),
  )
  return logDirs.find(({ path }) => path === where)!
}

/** Returns the directory of the metadata log: `metadata.log.dir`, else the first of `log.dirs`. */
function metadataDirOf(settings: BrokerSettings, paths: readonly string[]): string {
  const where = settings.string('metadata.log.dir')
  return where !== null && paths.includes(where) ? where : paths[0]!
}

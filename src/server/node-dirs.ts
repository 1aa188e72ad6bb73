import type { BrokerSettings } from '../metadata/config/settings.ts'
import { randomUuid } from '../metadata/controller/controller.ts'
import { DiskError } from '../storage/disk.ts'
import { LogDir } from '../storage/log-dir.ts'
import { allOrNothing, type SharedRooms } from './shared-rooms.ts'

/**
 * The directories of `log.dirs`, locked and identified; formatted where they are new.
 *
 * @param clusterId of the cluster that they must belong to; null to take what stands there.
 * One that the disk fails to give is offline from the start, unless the metadata log is to lie there.
 *
 * @throws DirectoryLocked, DiskError, CannotUseDirectory
 */
export function openLogDirs(
  settings: BrokerSettings,
  clusterId: string | null,
  { clock, random, logger, disk, tailMemory }: SharedRooms,
): Promise<LogDir[]> {
  const nodeId = settings.int('node.id')
  const paths = settings.list(settings.isSet('log.dirs') ? 'log.dirs' : 'log.dir')
  return allOrNothing(async (undo) => {
    const opened: LogDir[] = []
    for (const path of paths) {
      const options = { disk, path, nodeId, clock, random, logger, tailMemory }
      const known = opened.find((dir) => !dir.isOffline)?.clusterId ?? clusterId
      const isNeeded = path === metadataDirOf(settings, paths)
      const logDir = await LogDir.open(options, known, () => randomUuid(random)).catch(
        (error: Error) => {
          if (isNeeded || !(error instanceof DiskError)) throw error
          return LogDir.unusable(options, error)
        },
      )
      undo.push(() => logDir.release())
      opened.push(logDir)
    }
    return opened
  })
}

/** Where the metadata log lies, or would: `metadata.log.dir`, else the first of `log.dirs`. */
function metadataDirOf(settings: BrokerSettings, paths: readonly string[]): string {
  const where = settings.string('metadata.log.dir')
  return where !== null && paths.includes(where) ? where : paths[0]!
}

import type { BrokerSettings } from '../metadata/config/settings.ts'
import { randomUuid } from '../metadata/controller/controller.ts'
import { LogDir } from '../storage/log-dir.ts'
import { allOrNothing, type SharedRooms } from './shared-rooms.ts'

/**
 * The directories of `log.dirs`, locked and identified; formatted where they are new.
 *
 * @param clusterId of the cluster that they must belong to; null to take what stands there.
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
      const known = opened[0]?.clusterId ?? clusterId
      const logDir = await LogDir.open(options, known, () => randomUuid(random))
      undo.push(() => logDir.release())
      opened.push(logDir)
    }
    return opened
  })
}

import type { BrokerSettings } from '../metadata/config/settings.ts'
import { randomUuid } from '../metadata/controller/controller.ts'
import { readMetaProperties } from '../storage/meta-properties.ts'
import { logDirPaths } from './config/log-dir-paths.ts'
import { quorumAddresses } from './config/roles.ts'
import { format } from './format/format.ts'
import { nodeCarriers } from './node-carriers.ts'
import { quorumClusterId } from './quorum-cluster-id.ts'
import type { SharedRooms } from './shared-rooms.ts'

/**
 * Returns the id of the cluster that a broker joins, for its new directories; null if it has
 * directories of that cluster already.
 * @throws (rejects) CannotUseDirectory if no controller names the id in time; BadConfig
 */
export async function joinedClusterId(
  settings: BrokerSettings,
  rooms: SharedRooms,
): Promise<string | null> {
  if (await hasIdentity(settings, rooms)) return null
  const { controllers } = await nodeCarriers(settings, false, rooms)
  const timeoutMs = settings.int('initial.broker.registration.timeout.ms')
  return quorumClusterId(quorumAddresses(settings), controllers, timeoutMs, rooms.clock)
}

/**
 * Formats new directories of a controller that brokers of other processes are to find: its voters
 * must name its address, unless they are in the settings.
 * @throws (rejects) BadFormat, DamagedFile, DiskError
 */
export async function formatController(
  settings: BrokerSettings,
  rooms: SharedRooms,
): Promise<void> {
  if (await hasIdentity(settings, rooms)) return
  const isStatic = settings.list('controller.quorum.voters').length > 0
  await format(
    {
      settings,
      clusterId: randomUuid(rooms.random),
      voters: isStatic ? 'static' : 'standalone',
      ...{ releaseVersion: null, features: new Map(), scram: [], ignoreFormatted: false },
    },
    rooms,
  )
}

/** Whether a directory of the node belongs to a cluster. */
async function hasIdentity(settings: BrokerSettings, { disk }: SharedRooms): Promise<boolean> {
  for (const path of logDirPaths(settings)) {
    // An unreadable directory is handled when it is opened.
    if ((await readMetaProperties(disk, path).catch(() => null)) !== null) return true
  }
  return false
}

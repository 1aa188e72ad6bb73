import type { Logger } from '../base/logger.ts'
import {
  assignDirectories,
  loseReplicas,
  type PlacedPartition,
} from '../metadata/controller/directories.ts'
import type { Metadata } from '../metadata/metadata.ts'
import { metadataTopic } from '../replication/metadata-partition.ts'
import type { Partitions } from '../replication/partitions.ts'
import type { LogDir } from '../storage/log-dir.ts'

/** A broker's directories, and who is told of what becomes of them. */
export interface WatchedDirs {
  readonly brokerId: number
  readonly logDirs: readonly LogDir[]
  readonly partitions: Partitions
  readonly metadata: Metadata
  readonly logger: Logger
  /** Ends the broker: it has no directory left, or lost the metadata log. */
  readonly halt: (why: string) => void
}

/** From now on a directory that fails takes its partitions out of service, and the last one the broker. */
export function watchLogDirs(o: WatchedDirs): void {
  for (const dir of o.logDirs) {
    dir.onFailure = () => {
      if (dir.has(`${metadataTopic}-0`))
        return o.halt(`the directory of the metadata log has failed`)
      if (onlineIds(o.logDirs).length === 0) return o.halt('all log directories have failed')
      const lost = o.partitions.lose(dir)
      tell(o, lossOf(o, lost, true))
    }
  }
}

/** Tells the cluster where partitions lie that were opened since this was last called. */
export function reportPlaces(o: WatchedDirs): Promise<void> {
  const { assigned, lost } = o.partitions.takeMisplaced()
  const told: Promise<void>[] = []
  if (assigned.length > 0) told.push(tell(o, assignDirectories(o.brokerId, assigned)))
  if (lost.length > 0) told.push(tell(o, lossOf(o, lost, false)))
  return Promise.all(told).then(() => {})
}

export function onlineIds(logDirs: readonly LogDir[]): string[] {
  return logDirs.filter((dir) => !dir.isOffline).map(({ directoryId }) => directoryId)
}

function lossOf({ brokerId, logDirs }: WatchedDirs, lost: PlacedPartition[], isEligible: boolean) {
  return loseReplicas({ brokerId, online: onlineIds(logDirs), lost, isEligible })
}

function tell({ metadata, logger }: WatchedDirs, command: Parameters<Metadata['submit']>[0]) {
  return metadata.submit(command).then(
    () => {},
    (error: Error) =>
      logger.error('the cluster could not be told in which directories partitions lie', {
        error: error.message,
      }),
  )
}

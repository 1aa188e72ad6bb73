import type { Logger } from '../base/logger.ts'
import {
  assignDirectories,
  loseReplicas,
  type PlacedPartition,
} from '../metadata/controller/directories.ts'
import type { Metadata } from '../metadata/metadata.ts'
import { metadataTopic } from '../quorum/metadata-partition.ts'
import type { Partitions } from '../replication/partitions.ts'
import type { LogDir } from '../storage/log-dir.ts'

/** A broker's log directories, and the parts affected when one fails. */
export interface WatchedDirs {
  readonly brokerId: number
  readonly logDirs: readonly LogDir[]
  readonly partitions: Partitions
  readonly metadata: Metadata
  readonly logger: Logger
  /** Stops the broker: no log directory is left, or the metadata log is lost. */
  readonly halt: (why: string) => void
}

/**
 * Watches for failing log directories: one that fails takes its partitions offline; without any
 * left, or without the metadata log, the broker halts.
 */
export function watchLogDirs(options: WatchedDirs): void {
  for (const dir of options.logDirs) {
    dir.onFailure = () => {
      if (dir.has(`${metadataTopic}-0`))
        return options.halt(`the directory of the metadata log has failed`)
      if (onlineIds(options.logDirs).length === 0)
        return options.halt('all log directories have failed')
      const lost = options.partitions.lose(dir)
      void tell(options, lossOf(options, lost, true))
    }
  }
}

/** Reports the log directories of partitions opened since the last call to the controller. */
export function reportPlaces(options: WatchedDirs): Promise<void> {
  const { assigned, lost } = options.partitions.takeMisplaced()
  const told: Promise<void>[] = []
  if (assigned.length > 0) told.push(tell(options, assignDirectories(options.brokerId, assigned)))
  if (lost.length > 0) told.push(tell(options, lossOf(options, lost, false)))
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

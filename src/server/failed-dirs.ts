import { metadataTopic } from '../quorum/metadata-partition.ts'
import type { Partitions } from '../replication/partitions.ts'
import type { LogDir } from '../storage/log-dir.ts'

/** A broker's log directories, and the parts affected when one fails. */
export interface WatchedDirs {
  readonly logDirs: readonly LogDir[]
  readonly partitions: Partitions
  /** Tells the controller that a directory is offline; it elects other leaders. */
  readonly report: (directoryId: string) => void
  /** Stops the broker: no log directory is left, or the metadata log is lost. */
  readonly halt: (why: string) => void
}

/**
 * Watches for failing log directories: one that fails takes its partitions offline; without any
 * left, or without the metadata log, the broker halts.
 */
export function watchLogDirs({ logDirs, partitions, report, halt }: WatchedDirs): void {
  for (const dir of logDirs) {
    dir.onFailure = () => {
      if (dir.has(`${metadataTopic}-0`)) return halt(`the directory of the metadata log has failed`)
      if (onlineIds(logDirs).length === 0) return halt('all log directories have failed')
      partitions.lose(dir)
      report(dir.directoryId)
    }
  }
}

export function onlineIds(logDirs: readonly LogDir[]): string[] {
  return logDirs.filter((dir) => !dir.isOffline).map(({ directoryId }) => directoryId)
}

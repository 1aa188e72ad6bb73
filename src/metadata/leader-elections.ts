import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import {
  type Election,
  electionsMax,
  electPreferredLeaders,
  electUncleanLeaders,
} from './controller/periodic-elections.ts'
import type { MetadataController } from './metadata.ts'
import { PeriodicRecords } from './periodic-records.ts'

interface ElectionOptions {
  readonly clock: Clock
  readonly metadata: MetadataController
  readonly intervalMs: number
}

/** Gives leaderships back to preferred replicas (`auto.leader.rebalance.enable`). */
export function startPreferredElections({
  clock,
  metadata,
  intervalMs,
}: ElectionOptions): PeriodicRecords {
  const write = async () => {
    let elected: readonly Election[]
    do elected = await metadata.submit(electPreferredLeaders())
    while (elected.length >= electionsMax)
  }
  return new PeriodicRecords({ clock, intervalMs, write })
}

/** Elects leaders that lack records, where `unclean.leader.election.enable` permits it. */
export function startUncleanElections(
  { clock, metadata, intervalMs }: ElectionOptions,
  logger: Logger,
): PeriodicRecords {
  const write = async () => {
    let elected: readonly Election[]
    do {
      elected = await metadata.submit(electUncleanLeaders())
      for (const { topic, partition } of elected) {
        logger.warn('a partition has a leader again that may lack records', { topic, partition })
      }
    } while (elected.length >= electionsMax)
  }
  return new PeriodicRecords({ clock, intervalMs, write })
}

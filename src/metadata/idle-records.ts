import type { Clock } from '../base/clock.ts'
import type { MetadataController } from './metadata.ts'
import { PeriodicRecords } from './periodic-records.ts'

/**
 * Appends a NoOpRecord while the metadata log is idle, so that its followers can tell that it is
 * alive (KIP-835, `metadata.max.idle.interval.ms`).
 */
export function startIdleRecords(options: {
  readonly clock: Clock
  readonly metadata: MetadataController
  readonly intervalMs: number
}): PeriodicRecords {
  const { metadata } = options
  let lastOffset = metadata.image.offset
  const write = async () => {
    if (metadata.image.offset === lastOffset) await metadata.writeNoOp()
    lastOffset = metadata.image.offset
  }
  return new PeriodicRecords({ ...options, write })
}

import type { Clock } from '../base/clock.ts'
import { sweepTokens } from './controller/delegation-tokens.ts'
import type { MetadataController } from './metadata.ts'
import { PeriodicRecords } from './periodic-records.ts'

/**
 * Removes expired delegation tokens at an interval (`delegation.token.expiry.check.interval.ms`).
 * Until then they are described, and can log in.
 */
export function startTokenSweep(options: {
  readonly clock: Clock
  readonly metadata: MetadataController
  readonly intervalMs: number
}): PeriodicRecords {
  const { metadata } = options
  return new PeriodicRecords({ ...options, write: () => metadata.submit(sweepTokens) })
}

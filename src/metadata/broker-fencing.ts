import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { BrokerSessions } from './controller/broker-sessions.ts'
import { fenceSilentBroker } from './controller/heartbeat.ts'
import type { MetadataController } from './metadata.ts'
import { PeriodicRecords } from './periodic-records.ts'

/** How often sessions are checked within the time after which they end. */
const checksPerSession = 8

/** Fences brokers that have sent no heartbeat for `broker.session.timeout.ms` (KIP-631). */
export function startBrokerFencing(options: {
  readonly clock: Clock
  readonly logger: Logger
  readonly metadata: MetadataController
  readonly sessions: BrokerSessions
  readonly sessionTimeoutMs: number
}): PeriodicRecords {
  const { clock, logger, metadata, sessions, sessionTimeoutMs } = options
  const write = async () => {
    for (;;) {
      const fenced = await metadata.submit(fenceSilentBroker(sessions))
      if (fenced === null) return
      if (fenced.wasAlive) {
        logger.warn('a broker is fenced: it has sent no heartbeat in time', {
          broker: fenced.id,
          sessionTimeoutMs,
        })
      }
    }
  }
  return new PeriodicRecords({
    clock,
    intervalMs: Math.max(1, sessionTimeoutMs / checksPerSession),
    write,
  })
}

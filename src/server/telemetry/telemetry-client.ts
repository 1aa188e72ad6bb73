import type { RequestContext } from '../handler.ts'
import type { TelemetryClient } from './client-telemetry.ts'

/** Returns the client properties of a telemetry request. */
export function telemetryClient({ clientId, session }: RequestContext): TelemetryClient {
  const { clientHost, clientPort, softwareName, softwareVersion } = session
  return { clientId, clientHost, clientPort, softwareName, softwareVersion }
}

import type { RequestContext } from '../handler.ts'
import type { TelemetryClient } from './client-telemetry.ts'

/** Whose metrics a request is about. */
export function telemetryClient({
  clientId,
  clientHost,
  clientPort,
  connection,
}: RequestContext): TelemetryClient {
  const { softwareName, softwareVersion } = connection
  return { clientId, clientHost, clientPort, softwareName, softwareVersion }
}

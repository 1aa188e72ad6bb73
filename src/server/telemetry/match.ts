import type { TelemetryClient } from './client-telemetry.ts'

/** What a subscription can choose clients by (`ClientMetricsConfigs`). */
function propertyOf(
  key: string,
  client: TelemetryClient & { readonly clientInstanceId: string },
): string | null {
  switch (key) {
    case 'client_instance_id':
      return client.clientInstanceId
    case 'client_id':
      return client.clientId
    case 'client_software_name':
      return client.softwareName
    case 'client_software_version':
      return client.softwareVersion
    case 'client_source_address':
      return client.clientHost.replace(/^\//, '')
    default:
      return null
  }
}

/**
 * Whether a client is meant: every `KEY=PATTERN` of a comma-separated list must fit the whole value.
 * An empty list means every client.
 */
export function matchesClient(
  match: string,
  client: TelemetryClient & { readonly clientInstanceId: string },
): boolean {
  const parts = match.split(',').filter((part) => part.trim() !== '')
  return parts.every((part) => {
    const at = part.indexOf('=')
    const value = propertyOf(part.slice(0, at).trim(), client)
    return value !== null && fits(part.slice(at + 1).trim(), value)
  })
}

function fits(pattern: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`).test(value)
  } catch {
    return false
  }
}

import { errorName } from '../protocol/errors.ts'
import { apiVersions } from '../protocol/messages/18-api-versions.ts'
import type { AnyApi } from '../protocol/schema.ts'
import { ChannelFault, type ServedVersions } from './channel.ts'
import type { NodeConnection } from './node-connection.ts'

/** The name that a node sees in ApiVersions. */
const clientSoftware = { clientSoftwareName: 'odradek', clientSoftwareVersion: '0.1.0' }

/**
 * Asks what a node serves. As Kafka's clients, begins with the newest version of ApiVersions and
 * goes down to that which the node names.
 * @throws (rejects) ChannelFault
 */
export async function askVersions(connection: NodeConnection): Promise<ServedVersions> {
  let version = apiVersions.stableMax
  for (;;) {
    const answer = await connection.request(apiVersions, version, clientSoftware)
    const error = errorName(answer.errorCode)
    if (error === 'NONE') {
      return new Map(
        answer.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [
          apiKey,
          [minVersion, maxVersion],
        ]),
      )
    }
    const lower = answer.apiKeys.find(({ apiKey }) => apiKey === apiVersions.key)?.maxVersion ?? 0
    if (error !== 'UNSUPPORTED_VERSION' || lower < 0 || lower >= version) {
      throw new ChannelFault('disconnected', `ApiVersions v${version} was answered with ${error}`)
    }
    version = lower
  }
}

/** Returns the reason why a node does not take a request in this version; null if it does. */
export function refusalOf(served: ServedVersions, api: AnyApi, version: number): string | null {
  const range = served.get(api.key)
  if (range === undefined) return `${api.name} v${version} is not served at all`
  const [min, max] = range
  if (version >= min && version <= max) return null
  return `${api.name} v${version} is not served, but v${min} to v${max}`
}

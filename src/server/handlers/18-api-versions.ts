import { supportedFeatures } from '../../metadata/controller/features.ts'
import type { Image } from '../../metadata/image.ts'
import { errorCode } from '../../protocol/errors.ts'
import { type ApiVersionsRequest, apiVersions } from '../../protocol/messages/18-api-versions.ts'
import type { AnyApi } from '../../protocol/schema.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'

/** Kafka sends 0: librdkafka takes a higher minimum for a broker without Produce (KAFKA-18659). */
const advertisedMin: Readonly<Record<number, number>> = { 0: 0 }

/** Allowed client software names and versions (KIP-511). */
const softwarePattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/** The services of a node, as far as ApiVersions needs them. */
interface Versioned {
  readonly advertised: readonly AnyApi[]
  readonly metadata: { readonly image: Image }
  readonly identity: { readonly clusterId: string }
}

interface OfferedVersions {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

/**
 * ApiVersions: derived from the table of handlers, so that it lists only what has one.
 * @param offered what the node offers at this moment.
 */
export function apiVersionsHandler<S extends Versioned>(
  nodeIdOf: (services: S) => number,
  offered = ({ advertised }: S): OfferedVersions[] => advertised.map(versionsOf),
) {
  return handler(
    apiVersions,
    (request, context, services: S) => {
      const own = { clusterId: services.identity.clusterId, nodeId: nodeIdOf(services) }
      const fault = faultOf(request, context.apiVersion, own)
      if (fault !== null) return { errorCode: errorCode(fault), apiKeys: [] }
      if (context.apiVersion >= 3) {
        context.session.softwareName = request.clientSoftwareName
        context.session.softwareVersion = request.clientSoftwareVersion
      }
      return {
        errorCode: 0,
        apiKeys: offered(services),
        ...features(context, services),
      }
    },
    (_request, _context, code) => ({
      errorCode: code,
      // The client learns which ApiVersions versions are served (KIP-511).
      apiKeys: code === errorCode('UNSUPPORTED_VERSION') ? [versionsOf(apiVersions)] : [],
    }),
  )
}

export const handleApiVersions = apiVersionsHandler<Services>(
  ({ identity }) => identity.brokerId,
  offeredWithController,
)

/**
 * Returns what a broker offers: of the requests that it forwards, as far as it knows, only what the
 * active controller serves, too (Kafka's `ApiVersionsResponse.intersectForwardableApis`).
 */
function offeredWithController({
  advertised,
  forwardable,
  forwarder,
}: Services): OfferedVersions[] {
  const { controllerVersions } = forwarder
  return advertised.flatMap((api) => {
    const own = versionsOf(api)
    if (controllerVersions === null || !forwardable.has(api.key)) return [own]
    const range = controllerVersions.get(api.key)
    if (range === undefined) return []
    const minVersion = Math.max(own.minVersion, range[0])
    const maxVersion = Math.min(own.maxVersion, range[1])
    return minVersion <= maxVersion ? [{ apiKey: api.key, minVersion, maxVersion }] : []
  })
}

function versionsOf(api: AnyApi): OfferedVersions {
  return {
    apiKey: api.key,
    minVersion: advertisedMin[api.key] ?? api.versions[0],
    maxVersion: api.stableMax,
  }
}

/** Returns an error if the client names another cluster or node (KIP-1242). */
function faultOf(
  request: ApiVersionsRequest,
  version: number,
  own: { readonly clusterId: string; readonly nodeId: number },
) {
  if (version < 3) return null
  const { clientSoftwareName, clientSoftwareVersion, clusterId, nodeId } = request
  if (!softwarePattern.test(clientSoftwareName)) return 'INVALID_REQUEST'
  if (!softwarePattern.test(clientSoftwareVersion)) return 'INVALID_REQUEST'
  if (version < 5 || (clusterId === null && nodeId === -1)) return null
  if (clusterId === null || nodeId === -1) return 'INVALID_REQUEST'
  const isUs = clusterId === own.clusterId && nodeId === own.nodeId
  return isUs ? null : 'REBOOTSTRAP_REQUIRED'
}

/** Returns finalized features; adds kraft.version, which the image's features lack, if above 0. */
function finalizedFeatures({ features: levels, quorum }: Image): Iterable<[string, number]> {
  const { kraftVersion } = quorum
  return kraftVersion > 0 ? [...levels, ['kraft.version', kraftVersion]] : levels
}

function features({ apiVersion }: RequestContext, { metadata }: Versioned) {
  if (apiVersion < 3) return {}
  const { image } = metadata
  return {
    // Before v4 a client could not read a level of 0 (KIP-1022).
    supportedFeatures: supportedFeatures
      .filter(({ min }) => apiVersion >= 4 || min > 0)
      .map(({ name, min, max }) => ({ name, minVersion: min, maxVersion: max })),
    finalizedFeaturesEpoch: image.offset,
    finalizedFeatures: [...finalizedFeatures(image)].map(([name, level]) => ({
      name,
      maxVersionLevel: level,
      minVersionLevel: level,
    })),
  }
}

import { addressBytes, addressText } from '../base/ip-address.ts'
import { decodeData, encodeData } from '../protocol/codec.ts'
import { ApiError } from '../protocol/errors.ts'
import type { EnvelopeRequest } from '../protocol/messages/58-envelope.ts'
import { Reader } from '../protocol/reader.ts'
import { Malformed } from '../protocol/schema.ts'
import { defaultPrincipalData } from '../protocol/stored/header/default-principal-data.ts'
import { newSession, type Session } from './session.ts'

/** The version of a principal that stands before its fields (`DefaultKafkaPrincipalBuilder`). */
const principalVersion = 0
const versionBytes = 2

/** Returns the client of a request as an Envelope names it (KIP-590). */
export function enveloped({ principal, login, clientHost }: Session) {
  const { type, name } = principal
  const version = Buffer.alloc(versionBytes)
  version.writeInt16BE(principalVersion)
  const fields = { type, name, tokenAuthenticated: login?.isByToken === true }
  return {
    requestPrincipal: Buffer.concat([
      version,
      encodeData(defaultPrincipalData, principalVersion, fields),
    ]),
    clientHostAddress: addressBytes(clientHost.replace(/^\//, '')) ?? Buffer.alloc(4),
  }
}

/**
 * Returns the session of the client that an Envelope names.
 * @throws ApiError PRINCIPAL_DESERIALIZATION_FAILURE, INVALID_REQUEST for a wrong address.
 */
export function forwardedSession(request: EnvelopeRequest, broker: Session): Session {
  const { type, name, tokenAuthenticated } = principalOf(request.requestPrincipal)
  const host = addressText(request.clientHostAddress)
  if (host === null) throw new ApiError('INVALID_REQUEST', 'The address of the client is invalid.')
  const session = newSession({
    id: broker.id,
    listenerName: broker.listenerName,
    dialled: null,
    clientHost: `/${host}`,
    clientPort: 0,
    principal: { type, name },
    isAuthenticated: true,
    closed: broker.closed,
    mute: () => {},
  })
  session.login = tokenAuthenticated ? { name, isByToken: true, expiresAtMs: null } : null
  return session
}

function principalOf(bytes: Buffer | null) {
  if (bytes !== null && bytes.byteLength >= versionBytes) {
    const version = bytes.readInt16BE(0)
    try {
      if (version === principalVersion) {
        return decodeData(defaultPrincipalData, version, new Reader(bytes.subarray(versionBytes)))
      }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
    }
  }
  throw new ApiError('PRINCIPAL_DESERIALIZATION_FAILURE')
}

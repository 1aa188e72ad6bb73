import { messageOf } from '../base/error-text.ts'
import { errorName } from '../protocol/errors.ts'
import { saslHandshake } from '../protocol/messages/17-sasl-handshake.ts'
import { saslAuthenticate } from '../protocol/messages/36-sasl-authenticate.ts'
import type { AnyApi } from '../protocol/schema.ts'
import type { SaslClient, SaslLogin } from '../security/sasl/client.ts'
import { ChannelFault, type ServedVersions } from './channel.ts'
import type { NodeConnection } from './node-connection.ts'
import { refusalOf } from './served-versions.ts'

/** SaslHandshake before version 1 is followed by tokens that are no requests. */
const handshakeVersionMin = 1

/**
 * Logs in on a connection, for the first time or again (Kafka's `SaslClientAuthenticator`).
 *
 * @returns the time in ms for which the node takes requests; null for ever.
 * @throws (rejects) ChannelFault
 */
export async function logIn(
  connection: NodeConnection,
  served: ServedVersions,
  login: SaslLogin,
): Promise<number | null> {
  const { mechanism } = login
  const version = versionOf(served, saslHandshake as AnyApi, handshakeVersionMin)
  const answer = await connection.request(saslHandshake, version, { mechanism })
  const error = errorName(answer.errorCode)
  if (error !== 'NONE') {
    const what =
      error === 'UNSUPPORTED_SASL_MECHANISM'
        ? `Client SASL mechanism '${mechanism}' not enabled in the server`
        : `${error} for the SASL mechanism ${mechanism}`
    throw refused(`${what}, enabled mechanisms are [${answer.mechanisms.join(', ')}]`)
  }
  return converse(connection, versionOf(served, saslAuthenticate as AnyApi, 0), login.begin())
}

async function converse(
  connection: NodeConnection,
  version: number,
  client: SaslClient,
): Promise<number | null> {
  let challenge: Buffer = Buffer.alloc(0)
  let lifetimeMs: number | null = null
  for (;;) {
    const authBytes = await answerOf(client, challenge)
    if (authBytes === null) return lifetimeMs
    const response = await connection.request(saslAuthenticate, version, { authBytes })
    const error = errorName(response.errorCode)
    if (error !== 'NONE') throw refused(response.errorMessage ?? error)
    if (response.sessionLifetimeMs > 0) lifetimeMs = response.sessionLifetimeMs
    challenge = response.authBytes
  }
}

async function answerOf(client: SaslClient, challenge: Buffer): Promise<Buffer | null> {
  try {
    return await client.answer(challenge)
  } catch (error) {
    throw refused(messageOf(error))
  }
}

/** Returns the newest version of ours that the node serves, too. @throws ChannelFault */
function versionOf(served: ServedVersions, api: AnyApi, min: number): number {
  const version = Math.min(served.get(api.key)?.[1] ?? min, api.stableMax)
  const refusal = refusalOf(served, api, Math.max(version, min))
  if (refusal !== null) throw new ChannelFault('unsupported', refusal)
  return version
}

const refused = (reason: string) => new ChannelFault('authentication', reason)

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Random } from '../base/random.ts'
import { parsePrincipal } from '../metadata/delegation-tokens.ts'
import type { Image } from '../metadata/image.ts'
import type { DelegationTokenRecord } from '../protocol/stored/metadata/10-delegation-token-record.ts'
import type { ScramCredential, TokenCredential } from './sasl/scram.ts'
import { saltPassword, scramKeys } from './scram.ts'

const iterations = 4096
const saltBytes = 20

/** Returns the HMAC of a token, in base64 its password (KIP-48). */
export function tokenHmac(secretKey: string, tokenId: string): Buffer {
  return createHmac('sha512', secretKey).update(tokenId).digest()
}

/** HMACs that were computed already: a client without rights may have all tokens searched. */
const known = new WeakMap<DelegationTokenRecord, { secretKey: string; hmac: Buffer }>()

/** Returns the HMAC of a token that exists. */
export function knownHmac(secretKey: string, token: DelegationTokenRecord): Buffer {
  const found = known.get(token)
  if (found?.secretKey === secretKey) return found.hmac
  const hmac = tokenHmac(secretKey, token.tokenId)
  known.set(token, { secretKey, hmac })
  return hmac
}

/** Returns a function that recognizes the token of an HMAC, in a time that tells nothing of it. */
export function ownsHmac(
  hmac: Buffer,
): (secretKey: string, token: DelegationTokenRecord) => boolean {
  return (secretKey, token) => {
    const own = knownHmac(secretKey, token)
    return hmac.length === own.length && timingSafeEqual(hmac, own)
  }
}

/**
 * Returns the delegation tokens of the newest image as credentials of a SCRAM mechanism. They are
 * derived at the first login, and kept with the token's record: a changed token gets a new salt.
 *
 * @param mechanism a code of `ScramMechanism`.
 */
export function tokenCredentials(options: {
  readonly secretKey: string
  readonly mechanism: number
  readonly image: () => Image
  readonly random: Random
}): (tokenId: string) => TokenCredential | undefined {
  const { secretKey, mechanism, image, random } = options
  const derived = new WeakMap<DelegationTokenRecord, ScramCredential>()
  const derive = (token: DelegationTokenRecord) => {
    const salt = random.bytes(saltBytes)
    const password = knownHmac(secretKey, token).toString('base64')
    const salted = saltPassword(mechanism, password, salt, iterations)
    return { salt, iterations, ...scramKeys(mechanism, salted) }
  }
  return (tokenId) => {
    const token = image().delegationTokens.get(tokenId)
    if (token === undefined) return undefined
    const credential = derived.get(token) ?? derive(token)
    derived.set(token, credential)
    const owner = parsePrincipal(token.owner).name
    return { owner, expiresAtMs: token.expirationTimestamp, credential }
  }
}

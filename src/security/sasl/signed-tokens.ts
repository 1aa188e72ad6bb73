import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import { messageOf } from '../../base/error-text.ts'
import type { Logger } from '../../base/logger.ts'
import type { BearerToken, RefusedToken, TokenValidator } from './oauthbearer.ts'

/** Asymmetric ones only: a key that verifies must not be one that signs, and `none` is none. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512']

export interface SignedTokenOptions {
  /** The keys: `http(s):` or `file:` (`sasl.oauthbearer.jwks.endpoint.url`). */
  readonly jwksUrl: URL
  readonly readFile: (path: URL) => string
  /** When the file was modified, in ms. */
  readonly modifiedMs: (path: URL) => number
  /** How long keys are kept before they are fetched again, in ms. */
  readonly refreshMs: number
  /** The least time between two fetches, in ms, when a key is not found. */
  readonly retryBackoffMs: number
  readonly expectedIssuer: string | null
  /** One of them must be the token's; empty: any. */
  readonly expectedAudiences: readonly string[]
  readonly clockSkewSeconds: number
  readonly principalClaim: string
  readonly nowMs: () => number
  readonly logger: Logger
}

/** Accepts JWTs signed by a key of a JWK set (Kafka's `OAuthBearerValidatorCallbackHandler`). */
export function signedTokens(options: SignedTokenOptions): TokenValidator {
  const keys = keysOf(options)
  const { expectedIssuer, expectedAudiences, clockSkewSeconds, principalClaim } = options
  return async (token): Promise<BearerToken | RefusedToken> => {
    try {
      const { payload } = await jwtVerify(token.trim(), keys, {
        algorithms,
        requiredClaims: ['exp', 'iat'],
        clockTolerance: clockSkewSeconds,
        currentDate: new Date(options.nowMs()),
        ...(expectedIssuer === null ? {} : { issuer: expectedIssuer }),
        ...(expectedAudiences.length === 0 ? {} : { audience: [...expectedAudiences] }),
      })
      const principalName = payload[principalClaim]
      if (typeof principalName !== 'string' || principalName.trim() === '') {
        throw new errors.JWTInvalid(`no principal name in the claim ${principalClaim}`)
      }
      return { principalName: principalName.trim(), expiresAtMs: payload.exp! * 1000 }
    } catch (error) {
      options.logger.warn('Could not validate the access token', { reason: messageOf(error) })
      return { status: 'invalid_token', scope: null }
    }
  }
}

function keysOf(options: SignedTokenOptions): JWTVerifyGetKey {
  const { jwksUrl, refreshMs, retryBackoffMs } = options
  if (jwksUrl.protocol === 'file:') return keysOfFile(options)
  const keys: JWTVerifyGetKey = createRemoteJWKSet(jwksUrl, {
    cacheMaxAge: refreshMs,
    cooldownDuration: retryBackoffMs,
  })
  return keys
}

/** Reads the file again when it was modified: a key that was taken out must not be accepted. */
function keysOfFile({ jwksUrl, readFile, modifiedMs }: SignedTokenOptions): JWTVerifyGetKey {
  const read = () => ({
    modifiedMs: modifiedMs(jwksUrl),
    keys: createLocalJWKSet(JSON.parse(readFile(jwksUrl))),
  })
  let known = read()
  return (header, token) => {
    if (modifiedMs(jwksUrl) !== known.modifiedMs) known = read()
    return known.keys(header, token)
  }
}

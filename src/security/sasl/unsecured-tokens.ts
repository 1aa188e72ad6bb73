import { Malformed } from '../../protocol/schema.ts'
import type { BearerToken, RefusedToken, TokenValidator } from './oauthbearer.ts'

const refused: RefusedToken = { status: 'invalid_token', scope: null }

export interface UnsecuredOptions {
  /** Options of the login module: `unsecuredValidator…` (Kafka's names). */
  readonly options: ReadonlyMap<string, string>
  readonly nowMs: () => number
}

/**
 * Accepts tokens without a signature, as Kafka does where no callback handler is configured
 * (`OAuthBearerUnsecuredValidatorCallbackHandler`): for development only.
 *
 * @throws Error if an option is invalid.
 */
export function unsecuredTokens({ options, nowMs }: UnsecuredOptions): TokenValidator {
  const option = (name: string) => options.get(`unsecuredValidator${name}`)?.trim() ?? ''
  const principalClaim = option('PrincipalClaimName') || 'sub'
  const scopeClaim = option('ScopeClaimName') || 'scope'
  const requiredScope = option('RequiredScope')
    .split(/\s+/)
    .filter((one) => one !== '')
  const skewMs = Number(option('AllowableClockSkewMs') || 0)
  if (!Number.isInteger(skewMs) || skewMs < 0) {
    throw new Error(`Allowable clock skew millis must not be negative: ${skewMs}`)
  }
  return (token): BearerToken | RefusedToken => {
    const claims = claimsOf(token)
    if (claims === null) return refused
    const { exp, iat, [principalClaim]: principal, [scopeClaim]: scope } = claims
    if (typeof exp !== 'number' || (iat !== undefined && typeof iat !== 'number')) return refused
    if (typeof principal !== 'string' || principal.trim() === '') return refused
    if (iat !== undefined && (1000 * iat > nowMs() + skewMs || exp <= iat)) return refused
    if (nowMs() - skewMs >= 1000 * exp) return refused
    const given = scope ?? []
    if (typeof given !== 'string' && !Array.isArray(given)) return refused
    const scopes = new Set(
      [given]
        .flat()
        .filter(isString)
        .map((one) => one.trim()),
    )
    if (!requiredScope.every((one) => scopes.has(one))) {
      return { status: 'insufficient_scope', scope: `[${requiredScope.join(', ')}]` }
    }
    return { principalName: principal, expiresAtMs: Math.round(exp * 1000) }
  }
}

const isString = (value: unknown): value is string => typeof value === 'string'

/** Returns the claims of an unsigned token; null if it is malformed, or signed. */
function claimsOf(token: string): Readonly<Record<string, unknown>> | null {
  const [header, claims, signature, ...more] = token.split('.')
  if (signature !== '' || more.length > 0) return null
  const parsedHeader = jsonOf(header)
  // As in Kafka, which does not expect it, and closes the connection without an answer.
  if (parsedHeader !== null && !('alg' in parsedHeader)) throw new Malformed('a token without alg')
  return parsedHeader?.alg === 'none' ? jsonOf(claims) : null
}

function jsonOf(part = ''): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(part, 'base64').toString('utf8'))
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : null
  } catch {
    return null
  }
}

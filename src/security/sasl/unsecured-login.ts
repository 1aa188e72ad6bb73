import type { TokenSource } from './oauthbearer-client.ts'
import { extensionsOf, withPrefix } from './token-extensions.ts'

export interface UnsecuredLoginOptions {
  /** Options of the login module: `unsecuredLogin…` (Kafka's names). */
  readonly options: ReadonlyMap<string, string>
  readonly nowMs: () => number
}

const reserved: ReadonlySet<string> = new Set(['iat', 'exp'])

/**
 * Makes tokens without a signature, as Kafka does where no callback handler is configured
 * (`OAuthBearerUnsecuredLoginCallbackHandler`): for development only.
 *
 * @throws Error if an option is invalid.
 */
export function unsecuredLogin({ options, nowMs }: UnsecuredLoginOptions): TokenSource {
  const option = (name: string) => options.get(`unsecuredLogin${name}`)
  const extensions = extensionsOf(options, 'unsecuredLoginExtension_')
  const lifetimeText = option('LifetimeSeconds') ?? '3600'
  if (!/^[+-]?\d+$/.test(lifetimeText)) {
    throw new Error(`unsecuredLoginLifetimeSeconds is not an integer: ${lifetimeText}`)
  }
  const claims = claimsOf(options)
  const principalClaim = option('PrincipalClaimName')?.trim() || 'sub'
  const principal = claims[principalClaim]
  if (typeof principal !== 'string' || principal.trim() === '') {
    throw new Error(`unsecuredLoginStringClaim_${principalClaim} must name the principal`)
  }
  return () => {
    const iat = nowMs() / 1000
    const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url')
    const body = { exp: iat + Number(lifetimeText), iat, ...claims }
    return { token: `${part({ alg: 'none' })}.${part(body)}.`, extensions }
  }
}

function claimsOf(options: ReadonlyMap<string, string>): Readonly<Record<string, unknown>> {
  const claims: Record<string, unknown> = {}
  const add = (kind: string, parse: (text: string) => unknown) => {
    for (const [name, text] of withPrefix(options, `unsecuredLogin${kind}Claim_`)) {
      if (name === '') continue
      if (reserved.has(name)) throw new Error(`Cannot explicitly set the '${name}' claim`)
      claims[name] = parse(text)
    }
  }
  add('String', (text) => text)
  add('Number', (text) => {
    const number = text.trim() === '' ? Number.NaN : Number(text)
    if (!Number.isFinite(number)) throw new Error(`not a number in a claim: ${text}`)
    return number
  })
  add('List', listOf)
  return claims
}

/** Splits at the delimiter, which is the first character. Kafka moves empty elements to the end. */
function listOf(text: string): readonly string[] {
  const [delimiter, rest] = [text.slice(0, 1), text.slice(1)]
  if (rest === '') return []
  const elements = rest.split(delimiter)
  const hasEmpty = elements.includes('')
  while (elements.at(-1) === '') elements.pop()
  return hasEmpty ? [...elements, ''] : elements
}

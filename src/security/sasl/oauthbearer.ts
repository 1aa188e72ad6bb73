import { Malformed } from '../../protocol/schema.ts'
import { type SaslAnswer, SaslFailure, type SaslServer } from './server.ts'

export interface BearerToken {
  readonly principalName: string
  readonly expiresAtMs: number
}

/** A token that is not accepted: its reason in the words of RFC 7628. */
export interface RefusedToken {
  readonly status: 'invalid_token' | 'insufficient_scope'
  readonly scope: string | null
}

export type TokenValidator = (
  token: string,
) => BearerToken | RefusedToken | Promise<BearerToken | RefusedToken>

const saslName = '(?:[\\x01-\\x2b\\x2d-\\x3c\\x3e-\\x7f]|=2C|=3D)+'
const message = new RegExp(
  `^n,(?:a=(?<authorizationId>${saslName}))?,\\x01` +
    '(?<pairs>(?:[A-Za-z]+=[\\x21-\\x7e \\t\\r\\n]+\\x01)*)\\x01$',
)
const authorization = /^(?<scheme>\w+) +(?<token>[-_~+/.a-zA-Z0-9]+=*)$/
/** The client's answer to an error, after which the conversation ends. */
export const acknowledged = 0x01

const invalid = (text: string) => new SaslFailure(text, false)

/** SASL/OAUTHBEARER (RFC 7628; Kafka's `OAuthBearerSaslServer`). */
export class OauthBearerServer implements SaslServer {
  private readonly validate: TokenValidator
  private error: string | null = null

  constructor(validate: TokenValidator) {
    this.validate = validate
  }

  async evaluate(response: Buffer): Promise<SaslAnswer> {
    const { error } = this
    if (error !== null && response.length === 1 && response[0] === acknowledged) {
      throw new SaslFailure(error, true)
    }
    this.error = null
    const { token, authorizationId } = parse(response)
    const validated = await this.validate(token)
    if ('status' in validated) {
      const scope = validated.scope === null ? '' : `, "scope":"${validated.scope}"`
      this.error = `{"status":"${validated.status}"${scope}}`
      return { bytes: Buffer.from(this.error), login: null }
    }
    const { principalName: name, expiresAtMs } = validated
    if (authorizationId !== undefined && authorizationId !== name) {
      throw new SaslFailure(
        `Authentication failed: Client requested an authorization id (${authorizationId}) ` +
          `that is different from the token's principal name (${name})`,
        true,
      )
    }
    return { bytes: Buffer.alloc(0), login: { name, isByToken: false, expiresAtMs } }
  }
}

function parse(response: Buffer): { token: string; authorizationId: string | undefined } {
  const found = message.exec(response.toString('utf8'))?.groups
  if (found === undefined) throw invalid('Invalid OAUTHBEARER client first message')
  const pairs = (found.pairs ?? '').split('\x01').filter((pair) => pair !== '')
  const auth = new Map(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  ).get('auth')
  if (auth === undefined) {
    throw invalid("Invalid OAUTHBEARER client first message: 'auth' not specified")
  }
  const { scheme, token } = authorization.exec(auth)?.groups ?? {}
  if (scheme === undefined || token === undefined) {
    throw invalid("Invalid OAUTHBEARER client first message: invalid 'auth' format")
  }
  if (scheme.toLowerCase() !== 'bearer') {
    // As in Kafka, which does not expect it, and closes the connection without an answer.
    throw new Malformed(`the scheme ${scheme} in an OAUTHBEARER message`)
  }
  return { token, authorizationId: found.authorizationId }
}

import { equalInConstantTime } from './constant-time.ts'
import { type SaslAnswer, SaslFailure, type SaslServer } from './server.ts'

const told = (message: string) => new SaslFailure(message, true)
const tokensMax = 4

/** SASL/PLAIN (RFC 4616; Kafka's `PlainSaslServer`): one message with user and password. */
export class PlainServer implements SaslServer {
  private readonly passwordOf: (user: string) => string | undefined

  constructor(passwordOf: (user: string) => string | undefined) {
    this.passwordOf = passwordOf
  }

  evaluate(response: Buffer): SaslAnswer {
    const tokens = response.toString('utf8').split('\0', tokensMax)
    if (tokens.length !== 3) {
      throw told(`Invalid SASL/PLAIN response: expected 3 tokens, got ${tokens.length}`)
    }
    const [authorizationId = '', user = '', password = ''] = tokens
    if (user === '') throw told('Authentication failed: username not specified')
    if (password === '') throw told('Authentication failed: password not specified')
    const expected = this.passwordOf(user)
    if (expected === undefined || !equalInConstantTime(password, expected)) {
      throw told('Authentication failed: Invalid username or password')
    }
    if (authorizationId !== '' && authorizationId !== user) throw anotherAuthorizationId()
    const login = { name: user, isByToken: false, expiresAtMs: null }
    return { bytes: Buffer.alloc(0), login }
  }
}

/** A client may name itself as the one to act for, nobody else (CVE-2017-12610). */
export const anotherAuthorizationId = () =>
  told(
    'Authentication failed: Client requested an authorization id that is different from username',
  )

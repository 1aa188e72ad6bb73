import { BadChallenge, type SaslClient } from './client.ts'
import { acknowledged } from './oauthbearer.ts'

/** A token to log in with, and what goes with it (RFC 7628, 3.1). */
export interface TokenToSend {
  readonly token: string
  readonly extensions: ReadonlyMap<string, string>
}

/** Returns a token that is valid now. @throws (rejects) an error if there is none. */
export type TokenSource = () => TokenToSend | Promise<TokenToSend>

/** SASL/OAUTHBEARER (RFC 7628; Kafka's `OAuthBearerSaslClient`). */
export class OauthBearerClient implements SaslClient {
  private readonly source: TokenSource
  private state: 'start' | 'sent' | 'refused' = 'start'

  constructor(source: TokenSource) {
    this.source = source
  }

  async answer(challenge: Buffer): Promise<Buffer | null> {
    if (this.state === 'start') {
      this.state = 'sent'
      const { token, extensions } = await this.source()
      const pairs = [...extensions].map(([key, value]) => `${key}=${value}\x01`)
      return Buffer.from(`n,,\x01auth=Bearer ${token}\x01${pairs.join('')}\x01`)
    }
    if (this.state === 'refused') throw new BadChallenge('the server goes on after its refusal')
    if (challenge.length === 0) return null
    // The server refuses the token. It says so in an error once its message is acknowledged.
    this.state = 'refused'
    return Buffer.from([acknowledged])
  }
}

import type { SaslClient } from './client.ts'

/** SASL/PLAIN (RFC 4616): one message, which the server answers with nothing. */
export class PlainClient implements SaslClient {
  private readonly user: string
  private readonly password: string
  private isSent = false

  constructor(user: string, password: string) {
    this.user = user
    this.password = password
  }

  answer(): Buffer | null {
    if (this.isSent) return null
    this.isSent = true
    return Buffer.from(`\0${this.user}\0${this.password}`)
  }
}

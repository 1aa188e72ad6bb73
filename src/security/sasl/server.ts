/** The client that a conversation has authenticated. */
export interface Login {
  /** The name of the principal; its type is `User`. */
  readonly name: string
  /** By a delegation token, which may not create further ones. */
  readonly isByToken: boolean
  /** End of the credential's life on the clock; null if it has none. */
  readonly expiresAtMs: number | null
}

/** The answer to a client's bytes; with a login the conversation is over. */
export interface SaslAnswer {
  readonly bytes: Buffer
  readonly login: Login | null
}

/** The server's side of one conversation. */
export interface SaslServer {
  /** @throws SaslFailure, which ends the conversation. */
  evaluate(response: Buffer): SaslAnswer | Promise<SaslAnswer>
}

/** An authentication that failed. */
export class SaslFailure extends Error {
  /**
   * Whether the response carries the message; else it says only that the credentials are invalid,
   * as for Kafka's `SaslException`.
   */
  readonly isTold: boolean

  constructor(message: string, isTold: boolean) {
    super(message)
    this.isTold = isTold
  }
}

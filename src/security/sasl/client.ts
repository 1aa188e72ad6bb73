/** The client's side of one conversation. */
export interface SaslClient {
  /**
   * Answers a challenge of the server; the first one is empty.
   * @returns null if nothing is to be sent any more: the server has accepted this client, and is
   * itself the one that it should be.
   * @throws (rejects) BadChallenge
   */
  answer(challenge: Buffer): Buffer | null | Promise<Buffer | null>
}

/** Proves to other nodes that requests come from this one. */
export interface SaslLogin {
  readonly mechanism: string
  /** Begins a conversation. */
  begin(): SaslClient
}

/** A server whose messages end the conversation; the message says why. */
export class BadChallenge extends Error {
  override readonly name = 'BadChallenge'
}

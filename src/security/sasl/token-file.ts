import type { TokenSource } from './oauthbearer-client.ts'

/** The characters of a token in an OAUTHBEARER message (RFC 6750). */
const tokenText = /^[-_~+/.a-zA-Z0-9]+=*$/

export interface TokenFileOptions {
  /** Returns the file's text. */
  readonly read: () => string
  /** Sent with each token. */
  readonly extensions: ReadonlyMap<string, string>
}

/**
 * Takes tokens from a file that another program renews (Kafka's `FileJwtRetriever`): it is read
 * for each login.
 *
 * @throws Error if it has no token now.
 */
export function tokenFile({ read, extensions }: TokenFileOptions): TokenSource {
  const source = () => {
    const token = read().trim()
    if (!tokenText.test(token)) throw new Error('the file has no token')
    return { token, extensions }
  }
  source()
  return source
}

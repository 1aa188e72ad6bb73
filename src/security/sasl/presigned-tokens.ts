import type { Logger } from '../../base/logger.ts'
import { authenticate, type MskIamOptions, RefusedRequest } from './msk-iam.ts'
import type { TokenValidator } from './oauthbearer.ts'
import type { PresignedRequest } from './presigned-request.ts'

/**
 * Accepts the tokens of `aws-msk-iam-sasl-signer` (JavaScript, Python, Go) and of Amazon's callback
 * handler for Java: presigned URLs in base64.
 */
export function presignedTokens(options: MskIamOptions, logger: Logger): TokenValidator {
  return (token) => {
    try {
      const { name, expiresAtMs } = authenticate(requestOf(token), options)
      return { principalName: name, expiresAtMs }
    } catch (error) {
      if (!(error instanceof RefusedRequest)) throw error
      logger.warn('Could not validate the access token', { reason: error.message })
      return { status: 'invalid_token', scope: null }
    }
  }
}

/** @throws RefusedRequest */
function requestOf(token: string): PresignedRequest {
  const { protocol, host, pathname, search, hash } = urlOf(token)
  if (protocol !== 'https:' || pathname !== '/' || hash !== '') {
    throw new RefusedRequest('the token is not a presigned URL')
  }
  const query = new Map<string, string>()
  for (const part of search.slice(1).split('&')) {
    const at = part.indexOf('=')
    const name = decode(part.slice(0, at))
    if (at === -1 || query.has(name)) throw new RefusedRequest('the query is malformed')
    query.set(name, decode(part.slice(at + 1)))
  }
  return { host, query }
}

/** @throws RefusedRequest */
function urlOf(token: string): URL {
  const text = Buffer.from(token, 'base64url').toString('utf8')
  if (!URL.canParse(text)) throw new RefusedRequest('the token is not a presigned URL')
  return new URL(text)
}

/** @throws RefusedRequest */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new RefusedRequest('the query is malformed')
  }
}

import { createHash, createHmac } from 'node:crypto'

/** A GET request whose query carries its signature (AWS Signature Version 4). */
export interface PresignedRequest {
  readonly host: string
  /** Decoded, by the names of a URL, such as `X-Amz-Date`; with the signature. */
  readonly query: ReadonlyMap<string, string>
}

/** Parameters that signers add to the query after they have signed it. */
const unsigned: ReadonlySet<string> = new Set(['X-Amz-Signature', 'User-Agent'])

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

/** Encodes all but the unreserved characters of RFC 3986. */
const encode = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** Names in the query are of ASCII, which JavaScript's own order sorts as SigV4 wants them. */
function canonicalQuery(query: PresignedRequest['query']): string {
  return [...query]
    .filter(([name]) => !unsigned.has(name))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
}

/**
 * Returns the signature that such a request for `/` must have, in hexadecimal digits.
 * @param scope date, region and service, and `aws4_request`: the credential without its key.
 */
export function signatureOf(
  { host, query }: PresignedRequest,
  scope: readonly string[],
  secret: string,
): string {
  const canonical = `GET\n/\n${canonicalQuery(query)}\nhost:${host}\n\nhost\n${sha256('')}`
  const toSign = ['AWS4-HMAC-SHA256', query.get('X-Amz-Date'), scope.join('/'), sha256(canonical)]
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${secret}`)
  return hmac(key, toSign.join('\n')).toString('hex')
}

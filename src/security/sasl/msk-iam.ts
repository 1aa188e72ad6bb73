import { equalInConstantTime } from './constant-time.ts'
import { type PresignedRequest, signatureOf } from './presigned-request.ts'
import type { Login } from './server.ts'

/** A key of an AWS account, and whom it belongs to. */
export interface MskIamKey {
  readonly secret: string
  readonly arn: string
}

export interface MskIamOptions {
  /** By access key id (`odradek.msk.iam.keys`). */
  readonly keys: ReadonlyMap<string, MskIamKey>
  /** Whether any key and any signature will do (`odradek.msk.iam.accept.any`). */
  readonly acceptsAny: boolean
  readonly nowMs: () => number
}

/** A presigned request that lets nobody in; the message says why. */
export class RefusedRequest extends Error {}

const service = 'kafka-cluster'
/** How far a signer's clock may be ahead, in ms. */
const clockSkewMs = 5 * 60_000
/** A week, the most that SigV4 permits. */
const expiresSecondsMax = 604_800

/** The login of a signed request ends with its signature. */
export interface MskIamLogin extends Login {
  readonly expiresAtMs: number
}

/**
 * Checks the presigned request `kafka-cluster:Connect` with which clients of Amazon MSK log in.
 * Expiry, action, scope and signed headers are checked even if any signature is accepted.
 *
 * @throws RefusedRequest
 */
export function authenticate(request: PresignedRequest, options: MskIamOptions): MskIamLogin {
  const { query } = request
  const mustBe = (name: string, wanted: string) => {
    if (query.get(name) !== wanted) throw new RefusedRequest(`${name} is not ${wanted}`)
  }
  mustBe('Action', `${service}:Connect`)
  mustBe('X-Amz-Algorithm', 'AWS4-HMAC-SHA256')
  mustBe('X-Amz-SignedHeaders', 'host')
  const expiresAtMs = expiryOf(query, options.nowMs())
  const { accessKeyId, scope } = credentialOf(query)
  const key = options.keys.get(accessKeyId)
  if (!options.acceptsAny) {
    if (key === undefined) throw new RefusedRequest('the access key is not known')
    const signature = query.get('X-Amz-Signature') ?? ''
    if (!equalInConstantTime(signature, signatureOf(request, scope, key.secret))) {
      throw new RefusedRequest('the signature is not that of the request')
    }
  }
  return { name: key?.arn ?? arnOf(accessKeyId), isByToken: false, expiresAtMs }
}

/** The ARN of a key that is not configured, whose account nobody knows. */
const arnOf = (accessKeyId: string) => `arn:aws:iam::000000000000:user/${accessKeyId}`

/** Returns the end of the request's life on the clock. @throws RefusedRequest */
function expiryOf(query: PresignedRequest['query'], nowMs: number): number {
  const [, ...parts] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get('X-Amz-Date') ?? '') ?? []
  const [year, month, day, hour, minute, second] = parts
  const dateMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(dateMs)) throw new RefusedRequest('X-Amz-Date is not a date')
  const text = query.get('X-Amz-Expires') ?? ''
  const seconds = Number(text)
  if (!/^\d+$/.test(text) || seconds < 1 || seconds > expiresSecondsMax) {
    throw new RefusedRequest(`X-Amz-Expires is not between 1 and ${expiresSecondsMax}`)
  }
  if (dateMs > nowMs + clockSkewMs) throw new RefusedRequest('X-Amz-Date is in the future')
  const expiresAtMs = dateMs + seconds * 1000
  if (expiresAtMs <= nowMs) throw new RefusedRequest('the request has expired')
  return expiresAtMs
}

/** @throws RefusedRequest */
function credentialOf(query: PresignedRequest['query']) {
  const [accessKeyId = '', ...scope] = (query.get('X-Amz-Credential') ?? '').split('/')
  const [date, region, ofService, end] = scope
  if (!/^\w+$/.test(accessKeyId) || !region || scope.length !== 4) {
    throw new RefusedRequest('X-Amz-Credential is malformed')
  }
  if (query.get('X-Amz-Date')?.slice(0, 8) !== date) {
    throw new RefusedRequest('X-Amz-Credential is of another date than X-Amz-Date')
  }
  if (ofService !== service || end !== 'aws4_request') {
    throw new RefusedRequest(`X-Amz-Credential is not for ${service}/aws4_request`)
  }
  return { accessKeyId, scope }
}

import type { Random } from '../../base/random.ts'
import { authenticate, type MskIamOptions, RefusedRequest } from './msk-iam.ts'
import type { PresignedRequest } from './presigned-request.ts'
import { type SaslAnswer, SaslFailure, type SaslServer } from './server.ts'

const version = '2020_10_22'

/** Names in the message, and those of the query that was signed. */
const names: ReadonlyMap<string, string> = new Map(
  [
    ...['Action', 'User-Agent', 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Date'],
    ...['X-Amz-Expires', 'X-Amz-Security-Token', 'X-Amz-Signature', 'X-Amz-SignedHeaders'],
  ].map((name) => [name.toLowerCase(), name]),
)

const denied = (reason: string) => new SaslFailure(`Access denied: ${reason}`, true)

/** AWS_MSK_IAM, as Amazon's `aws-msk-iam-auth` speaks it: one message, a presigned request. */
export class MskIamServer implements SaslServer {
  private readonly options: MskIamOptions
  private readonly random: Random

  constructor(options: MskIamOptions, random: Random) {
    this.options = options
    this.random = random
  }

  evaluate(response: Buffer): SaslAnswer {
    try {
      const login = authenticate(requestOf(response), this.options)
      const answer = { version, 'request-id': this.random.bytes(16).toString('hex') }
      return { bytes: Buffer.from(JSON.stringify(answer)), login }
    } catch (error) {
      if (error instanceof RefusedRequest) throw denied(error.message)
      throw error
    }
  }
}

/** @throws RefusedRequest */
function requestOf(response: Buffer): PresignedRequest {
  const query = new Map<string, string>()
  const { version: given, host, ...fields } = fieldsOf(response)
  if (given !== version) throw new RefusedRequest(`the version is not ${version}`)
  if (typeof host !== 'string' || host === '') throw new RefusedRequest('no host')
  for (const [key, value] of Object.entries(fields)) {
    const name = names.get(key)
    if (name === undefined || typeof value !== 'string') {
      throw new RefusedRequest('the message has a field that is not known')
    }
    query.set(name, value)
  }
  return { host, query }
}

/** @throws RefusedRequest */
function fieldsOf(response: Buffer): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(response.toString('utf8'))
    if (typeof parsed === 'object' && parsed !== null) return { ...parsed }
  } catch {
    // Refused below.
  }
  throw new RefusedRequest('the message is not a JSON object')
}

import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import type { MskIamOptions } from '../../src/security/sasl/msk-iam.ts'
import { MskIamServer } from '../../src/security/sasl/msk-iam-server.ts'
import { presignedTokens } from '../../src/security/sasl/presigned-tokens.ts'
import messages from '../golden/msk-iam/messages.json' with { type: 'json' }

const accessKeyId = 'AKIAIOSFODNN7EXAMPLE'
const arn = 'arn:aws:iam::123456789012:user/alice'
const keys = new Map([[accessKeyId, { secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', arn }]])
/** All of these signers give their signatures a quarter of an hour. */
const lifetimeMs = 900_000
const clockSkewMs = 300_000

interface Recorded {
  readonly mechanism: string
  readonly expiresAtMs: number
  readonly message: string
}

/** Returns the principal and the end of the session, or why there is none. */
async function logIn(
  { mechanism, expiresAtMs, message }: Recorded,
  options: Partial<MskIamOptions> = {},
) {
  const given = { keys, acceptsAny: false, nowMs: () => expiresAtMs - 1, ...options }
  if (mechanism === 'AWS_MSK_IAM') {
    try {
      const { login } = new MskIamServer(given, systemRandom).evaluate(Buffer.from(message))
      return { name: login?.name, expiresAtMs: login?.expiresAtMs }
    } catch (error) {
      return String(error)
    }
  }
  let refusal: unknown
  const warn = (_: string, fields?: { reason?: unknown }) => {
    refusal = fields?.reason
  }
  const validated = await presignedTokens(given, { ...silentLogger, warn })(message)
  if ('status' in validated) return `${validated.status}: ${refusal}`
  return { name: validated.principalName, expiresAtMs: validated.expiresAtMs }
}

const titled = messages.map(
  (one, i) => [`${one.signer} by ${one.mechanism}, message ${i}`, one] as const,
)
const changed = (one: Recorded, change: (text: string) => string): Recorded => {
  if (one.mechanism === 'AWS_MSK_IAM') return { ...one, message: change(one.message) }
  const url = Buffer.from(one.message, 'base64url').toString()
  return { ...one, message: Buffer.from(change(url)).toString('base64url') }
}

describe.each(titled)('%s', (_, one) => {
  const accepted = { name: arn, expiresAtMs: one.expiresAtMs }

  test('lets the owner of the key in until it expires', async () => {
    expect(await logIn(one)).toEqual(accepted)
    const early = one.expiresAtMs - lifetimeMs - clockSkewMs
    expect(await logIn(one, { nowMs: () => early })).toEqual(accepted)
  })

  test('is good at its time only', async () => {
    expect(await logIn(one, { nowMs: () => one.expiresAtMs })).toMatch(/the request has expired$/)
    const tooEarly = one.expiresAtMs - lifetimeMs - clockSkewMs - 1
    expect(await logIn(one, { nowMs: () => tooEarly })).toMatch(/X-Amz-Date is in the future$/)
  })

  test('is refused with another secret, or none', async () => {
    const others = new Map([[accessKeyId, { secret: 'other', arn }]])
    expect(await logIn(one, { keys: others })).toMatch(/the signature is not that of the request$/)
    expect(await logIn(one, { keys: new Map() })).toMatch(/the access key is not known$/)
  })

  test.each([
    ['another host', (text: string) => text.replace(/(kafka\.|localhost)/, 'x$1')],
    ['a longer life', (text: string) => text.replace(/(expires(=|":")9)00/i, '$101')],
    ['another region', (text: string) => text.replace(/(eu|us)-(\w+-1(\/|%2F)kafka)/, 'ap-$2')],
    ['another signature', (text: string) => text.replace(/(signature(=|":"))./i, '$1g')],
    ['no signature', (text: string) => text.replace(/(signature(=|":"))\w*/i, '$1')],
  ])('is refused with %s', async (_, change) => {
    const other = changed(one, change)
    expect(other.message).not.toBe(one.message)
    expect(await logIn(other)).toMatch(/the signature is not that of the request$/)
  })

  test.each([
    ['Action is not kafka-cluster:Connect', [/:Connect|%3AConnect/, ':DescribeCluster']],
    ['X-Amz-Algorithm is not AWS4-HMAC-SHA256', [/AWS4-HMAC-SHA256/, 'AWS4-HMAC-SHA1']],
    ['X-Amz-SignedHeaders is not host', [/(headers(=|":"))host/i, '$1host;date']],
    ['X-Amz-Date is not a date', [/(date(=|":"))\d{8}T/i, '$1T']],
    ['X-Amz-Expires is not between 1 and 604800', [/(expires(=|":"))900/i, '$1-900']],
    ['X-Amz-Expires is not between 1 and 604800', [/(expires(=|":"))900/i, '$1604801']],
    ['X-Amz-Credential is malformed', [/kafka-cluster(\/|%2F)aws4/, 'aws4']],
    ['X-Amz-Credential is of another date than X-Amz-Date', [/(EXAMPLE(\/|%2F))\d/, '$11']],
    ['X-Amz-Credential is not for kafka-cluster/aws4_request', [/kafka-cluster(\/|%2F)/, 's3$1']],
  ] as const)('is refused even if any signature will do: %s', async (why, [part, other]) => {
    const unlike = changed(one, (text) => text.replace(part, other))
    expect(await logIn(unlike, { acceptsAny: true })).toContain(why)
  })

  test('lets anybody in if any signature will do', async () => {
    const unsigned = changed(one, (text) => text.replace(/(signature(=|":"))\w*/i, '$1'))
    expect(await logIn(unsigned, { acceptsAny: true })).toEqual(accepted)
    const stranger = changed(unsigned, (text) => text.replace(accessKeyId, 'AKIAOTHER'))
    expect(await logIn(stranger, { acceptsAny: true })).toEqual({
      ...accepted,
      name: 'arn:aws:iam::000000000000:user/AKIAOTHER',
    })
  })
})

describe('messages that are no presigned request', () => {
  const message = (text: string) => ({ mechanism: 'AWS_MSK_IAM', expiresAtMs: 1, message: text })
  test.each([
    ['', 'the message is not a JSON object'],
    ['7', 'the message is not a JSON object'],
    ['{"version":"2020_10_22"', 'the message is not a JSON object'],
    ['[]', 'the version is not 2020_10_22'],
    ['{"version":"2021_10_22","host":"h"}', 'the version is not 2020_10_22'],
    ['{"version":"2020_10_22"}', 'no host'],
    ['{"version":"2020_10_22","host":7}', 'no host'],
    ['{"version":"2020_10_22","host":"h","action":7}', 'a field that is not known'],
    ['{"version":"2020_10_22","host":"h","other":""}', 'a field that is not known'],
    ['{"version":"2020_10_22","host":"h"}', 'Action is not kafka-cluster:Connect'],
  ])('%s', async (text, why) => {
    expect(await logIn(message(text), { acceptsAny: true })).toContain(`Access denied: `)
    expect(await logIn(message(text), { acceptsAny: true })).toContain(why)
  })

  const token = (url: string) => ({
    mechanism: 'OAUTHBEARER',
    expiresAtMs: 1,
    message: Buffer.from(url).toString('base64url'),
  })
  test.each([
    ['kafka', 'the token is not a presigned URL'],
    ['{"alg":"none"}', 'the token is not a presigned URL'],
    ['http://kafka.us-east-1.amazonaws.com/?Action=x', 'the token is not a presigned URL'],
    ['https://kafka.us-east-1.amazonaws.com/a?Action=x', 'the token is not a presigned URL'],
    ['https://kafka.us-east-1.amazonaws.com/?Action', 'the query is malformed'],
    ['https://kafka.us-east-1.amazonaws.com/?Action=%zz', 'the query is malformed'],
    ['https://kafka.us-east-1.amazonaws.com/?Action=x&Action=x', 'the query is malformed'],
    ['https://kafka.us-east-1.amazonaws.com/', 'the query is malformed'],
    ['https://kafka.us-east-1.amazonaws.com/?Action=x', 'Action is not kafka-cluster:Connect'],
  ])('%s', async (url, why) => {
    expect(await logIn(token(url), { acceptsAny: true })).toBe(`invalid_token: ${why}`)
  })
})

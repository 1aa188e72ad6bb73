import { createSign, generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { signedTokens } from '../../src/security/sasl/signed-tokens.ts'

const nowMs = 1_700_000_000_000
const json = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

function keyOf(kid: string) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const claims = { sub: kid, iat: nowMs / 1000 - 1, exp: nowMs / 1000 + 60 }
  const part = `${json({ alg: 'RS256', kid })}.${json(claims)}`
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256' },
    token: `${part}.${createSign('RSA-SHA256').update(part).sign(privateKey, 'base64url')}`,
  }
}

/** As Kafka's `JwksFileVerificationKeyResolver`, which reads a file that was modified. */
test('a key that is taken out of the file is no longer accepted', async () => {
  const [first, second] = [keyOf('first'), keyOf('second')]
  let file = { text: JSON.stringify({ keys: [first.jwk] }), modifiedMs: 1 }
  const validate = signedTokens({
    jwksUrl: new URL('file:///keys.json'),
    readFile: () => file.text,
    modifiedMs: () => file.modifiedMs,
    ...{ refreshMs: 60_000, retryBackoffMs: 100, expectedIssuer: null, expectedAudiences: [] },
    ...{ clockSkewSeconds: 0, principalClaim: 'sub', nowMs: () => nowMs, logger: silentLogger },
  })
  expect(await validate(first.token)).toMatchObject({ principalName: 'first' })
  expect(await validate(second.token)).toMatchObject({ status: 'invalid_token' })
  file = { text: JSON.stringify({ keys: [second.jwk] }), modifiedMs: 2 }
  expect(await validate(first.token)).toMatchObject({ status: 'invalid_token' })
  expect(await validate(second.token)).toMatchObject({ principalName: 'second' })
})

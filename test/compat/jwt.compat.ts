import { createHmac, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { listGroups } from '../../src/protocol/messages/16-list-groups.ts'
import { plain, SaslClient } from './security/sasl-client.ts'
import { makeStores, type Secured, type Stores, startSecured } from './security/secured.ts'
import { targetName } from './targets.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })

const jwk = (key: KeyObject, kid: string, alg: string) => ({
  ...key.export({ format: 'jwk' }),
  ...{ kid, alg, use: 'sig' },
})
const json = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const nowSeconds = () => Math.floor(Date.now() / 1000)

const claims = (more: object = {}) => ({
  ...{ sub: 'alice', iss: 'https://issuer.example', aud: 'kafka' },
  ...{ iat: nowSeconds() - 10, exp: nowSeconds() + 600 },
  ...more,
})
const signedPart = (payload: object, header: object) => `${json(header)}.${json(payload)}`

function rs256(payload: object, more: object = {}, key = rsa.privateKey): string {
  const part = signedPart(payload, { alg: 'RS256', kid: 'rsa', ...more })
  return `${part}.${createSign('RSA-SHA256').update(part).sign(key, 'base64url')}`
}

function es256(payload: object): string {
  const part = signedPart(payload, { alg: 'ES256', kid: 'ec' })
  const key = { key: ec.privateKey, dsaEncoding: 'ieee-p1363' as const }
  return `${part}.${createSign('SHA256').update(part).sign(key, 'base64url')}`
}

function hs256(payload: object): string {
  const part = signedPart(payload, { alg: 'HS256', kid: 'rsa' })
  const secret = rsa.publicKey.export({ format: 'pem', type: 'spki' })
  return `${part}.${createHmac('sha256', secret).update(part).digest('base64url')}`
}

const tokens: Readonly<Record<string, () => string>> = {
  'good, RS256': () => rs256(claims()),
  'good, ES256': () => es256(claims()),
  'without a key id': () => rs256(claims(), { kid: undefined }),
  'of an unknown key id': () => rs256(claims(), { kid: 'other' }),
  "with another key's id": () => rs256(claims(), { kid: 'ec' }),
  'signed by a stranger': () => rs256(claims(), {}, stranger.privateKey),
  'with another signature': () => `${rs256(claims()).replace(/\.[^.]*$/, '')}.AAAA`,
  'without a signature': () => rs256(claims()).replace(/[^.]*$/, ''),
  'changed after it was signed': () => {
    const [header, , signature] = rs256(claims()).split('.')
    return `${header}.${json(claims({ sub: 'admin' }))}.${signature}`
  },
  unsecured: () => `${signedPart(claims(), { alg: 'none' })}.`,
  'of algorithm null': () => `${signedPart(claims(), { alg: null })}.`,
  'signed with the public key as a secret': () => hs256(claims()),
  expired: () => rs256(claims({ exp: nowSeconds() - 100 })),
  'expired within the clock skew': () => rs256(claims({ exp: nowSeconds() - 10 })),
  'not good yet': () => rs256(claims({ nbf: nowSeconds() + 100 })),
  'not good yet, within the clock skew': () => rs256(claims({ nbf: nowSeconds() + 10 })),
  'without an end': () => rs256(claims({ exp: undefined })),
  'without the time of issue': () => rs256(claims({ iat: undefined })),
  'of another audience': () => rs256(claims({ aud: 'other' })),
  'of several audiences': () => rs256(claims({ aud: ['other', 'kafka'] })),
  'of no audience': () => rs256(claims({ aud: undefined })),
  'of another issuer': () => rs256(claims({ iss: 'https://other.example' })),
  'of no issuer': () => rs256(claims({ iss: undefined })),
  'without a subject': () => rs256(claims({ sub: undefined })),
  'of a blank subject': () => rs256(claims({ sub: '  ' })),
  'of a number as subject': () => rs256(claims({ sub: 5 })),
  'with spaces around the subject': () => rs256(claims({ sub: ' alice ' })),
  'with a scope': () => rs256(claims({ scope: ['a', 'b'] })),
  'of two parts': () => signedPart(claims(), { alg: 'RS256' }),
  'that is no token': () => 'abc',
}

const lifetimeText: typeof plain = (body) =>
  plain(body).replace(/"sessionLifetimeMs":[1-9]\d*/, '"sessionLifetimeMs":some')

describe.skipIf(inject('javaMissing') !== null)('signed tokens', () => {
  let stores: Stores
  let brokers: readonly Secured[] = []

  beforeAll(async () => {
    stores = await makeStores()
    const file = stores.path('jwks.json')
    const keys = [jwk(rsa.publicKey, 'rsa', 'RS256'), jwk(ec.publicKey, 'ec', 'ES256')]
    writeFileSync(file, JSON.stringify({ keys }))
    const url = pathToFileURL(file).href
    const modules = 'org.apache.kafka.common.security.oauthbearer'
    const prefix = 'listener.name.sasl.oauthbearer'
    const settings = {
      [`${prefix}.sasl.server.callback.handler.class`]: `${modules}.OAuthBearerValidatorCallbackHandler`,
      [`${prefix}.sasl.jaas.config`]: `${modules}.OAuthBearerLoginModule required;`,
      [`${prefix}.sasl.oauthbearer.expected.audience`]: 'kafka',
      'sasl.oauthbearer.jwks.endpoint.url': url,
      'sasl.oauthbearer.expected.issuer': 'https://issuer.example',
    }
    process.env.JAVA_TOOL_OPTIONS = `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${url}`
    try {
      brokers = await Promise.all([
        startSecured(targetName, stores, settings),
        startSecured('kafka', stores, settings),
      ])
    } finally {
      delete process.env.JAVA_TOOL_OPTIONS
    }
  }, 180_000)
  afterAll(async () => {
    await Promise.all(brokers.map(({ target }) => target.close()))
    stores?.close()
  })

  test.each(Object.keys(tokens))('a token %s', async (title) => {
    const message = Buffer.from(`n,,\x01auth=Bearer ${tokens[title]!()}\x01\x01`)
    const [ours, theirs] = await Promise.all(
      brokers.map(async ({ ports }) => {
        const client = new SaslClient(ports.sasl)
        await client.handshake('OAUTHBEARER')
        await client.sendToken(message, 2, lifetimeText)
        await client.ask(listGroups, 0, {})
        client.close()
        return client.transcript
      }),
    )
    expect(ours).toEqual(theirs)
    if (title.startsWith('good')) expect(theirs?.at(-1)).toMatch(/^ListGroups: \{/)
  })
})

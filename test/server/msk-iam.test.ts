import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { LogFields, Logger } from '../../src/base/logger.ts'
import { errorCode } from '../../src/protocol/errors.ts'
import { listGroups } from '../../src/protocol/messages/16-list-groups.ts'
import { saslHandshake } from '../../src/protocol/messages/17-sasl-handshake.ts'
import { describeAcls } from '../../src/protocol/messages/29-describe-acls.ts'
import { saslAuthenticate } from '../../src/protocol/messages/36-sasl-authenticate.ts'
import { Broker } from '../../src/server/broker.ts'
import messages from '../golden/msk-iam/messages.json' with { type: 'json' }
import { RawClient } from './raw-client.ts'

const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const keys = `AKIAIOSFODNN7EXAMPLE:${secret}:arn:aws:iam::123456789012:user/alice`
const enabled = { 'odradek.msk.iam.enabled': true, 'odradek.msk.iam.keys': keys }
const lifetimeMs = 600_000
const recorded = (mechanism: string) => messages.find((one) => one.mechanism === mechanism)!
const java = recorded('AWS_MSK_IAM')
const token = recorded('OAUTHBEARER')
const bearer = (text: string) => Buffer.from(`n,,\x01auth=Bearer ${text}\x01\x01`)

const modules = 'org.apache.kafka.common.security.oauthbearer'
const unsecured = `${modules}.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler`
const json = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const exp = Math.floor(token.expiresAtMs / 1000)
const unsecuredToken = `${json({ alg: 'none' })}.${json({ sub: 'mallory', exp })}.`

let broker: Broker | undefined
const lines: string[] = []

/** Starts a broker in whose time the messages have ten minutes to live. */
async function start(settings: Record<string, string | boolean>, expiresAtMs = java.expiresAtMs) {
  lines.length = 0
  const keep = (message: string, fields: LogFields = {}) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`)
  const logger: Logger = { debug: keep, info: keep, warn: keep, error: keep }
  broker = await Broker.start({
    ...{ memory: true, logger },
    clock: { ...systemClock, nowMs: () => expiresAtMs - lifetimeMs },
    settings: {
      listeners: 'OPEN://127.0.0.1:0,SASL://127.0.0.1:0',
      'listener.security.protocol.map': 'OPEN:PLAINTEXT,SASL:SASL_PLAINTEXT',
      'inter.broker.listener.name': 'OPEN',
      'sasl.enabled.mechanisms': 'AWS_MSK_IAM,OAUTHBEARER',
      'listener.name.sasl.oauthbearer.sasl.jaas.config': `${modules}.OAuthBearerLoginModule required;`,
      'connection.failed.authentication.delay.ms': '0',
      ...settings,
    },
  })
}
afterEach(async () => {
  await broker?.stop()
  broker = undefined
})

/** Says one message, and returns the answer and, if it is a login, the client. */
async function say(mechanism: string, message: Buffer) {
  const client = await RawClient.open(broker!.listeners[1]!.port)
  const shaken = await client.request(saslHandshake, 1, { mechanism })
  if (shaken.errorCode !== errorCode('NONE')) {
    client.socket.destroy()
    return { client, answer: null, mechanisms: shaken.mechanisms }
  }
  const answer = await client.request(saslAuthenticate, 2, { authBytes: message })
  return { client, answer, mechanisms: [] }
}

describe('AWS_MSK_IAM', () => {
  test('lets in for as long as the signature lives', async () => {
    await start(enabled)
    const { client, answer } = await say('AWS_MSK_IAM', Buffer.from(java.message))
    expect(answer).toMatchObject({ errorCode: 0, sessionLifetimeMs: lifetimeMs })
    const said = JSON.parse(Buffer.from(answer!.authBytes).toString())
    expect(said).toEqual({ version: '2020_10_22', 'request-id': expect.stringMatching(/^\w{32}$/) })
    expect((await client.request(listGroups, 4, {})).errorCode).toBe(errorCode('NONE'))
    client.socket.destroy()
  })

  test('lets in by a token of OAUTHBEARER', async () => {
    await start(enabled, token.expiresAtMs)
    const { client, answer } = await say('OAUTHBEARER', bearer(token.message))
    expect(answer).toMatchObject({ errorCode: 0, sessionLifetimeMs: lifetimeMs })
    expect((await client.request(listGroups, 4, {})).errorCode).toBe(errorCode('NONE'))
    client.socket.destroy()
  })

  test.each([
    ['alice', 'NONE'],
    ['bob', 'CLUSTER_AUTHORIZATION_FAILED'],
  ] as const)('makes the ARN the principal: with %s as super user %s', async (user, expected) => {
    await start({
      ...enabled,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': `User:ANONYMOUS;User:arn:aws:iam::123456789012:user/${user}`,
    })
    const { client } = await say('AWS_MSK_IAM', Buffer.from(java.message))
    const any = { resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1 }
    const filter = { ...any, resourceNameFilter: null, principalFilter: null, hostFilter: null }
    expect((await client.request(describeAcls, 3, filter)).errorCode).toBe(errorCode(expected))
    client.socket.destroy()
  })

  test('refuses with a text, and closes the connection', async () => {
    await start({ ...enabled, 'odradek.msk.iam.keys': keys.replace(secret, 'other') })
    const { client, answer } = await say('AWS_MSK_IAM', Buffer.from(java.message))
    expect(answer).toMatchObject({
      errorCode: errorCode('SASL_AUTHENTICATION_FAILED'),
      errorMessage: 'Access denied: the signature is not that of the request',
    })
    expect(await client.nextFrame()).toBeNull()
    client.socket.destroy()
  })

  test('leaves no way in for unsecured tokens, unless their class is configured', async () => {
    await start(enabled, token.expiresAtMs)
    const refused = await say('OAUTHBEARER', bearer(unsecuredToken))
    expect(Buffer.from(refused.answer!.authBytes).toString()).toBe('{"status":"invalid_token"}')
    refused.client.socket.destroy()
    await broker!.stop()

    const key = 'listener.name.sasl.oauthbearer.sasl.server.callback.handler.class'
    await start({ ...enabled, [key]: unsecured }, token.expiresAtMs)
    const accepted = await say('OAUTHBEARER', bearer(unsecuredToken))
    expect(accepted.answer).toMatchObject({ errorCode: 0, sessionLifetimeMs: lifetimeMs })
    accepted.client.socket.destroy()
  })

  test('any signature lets in where the log says so', async () => {
    await start({ 'odradek.msk.iam.enabled': true, 'odradek.msk.iam.accept.any': true })
    for (const mechanism of ['AWS_MSK_IAM', 'OAUTHBEARER']) {
      const warning = `${mechanism} accepts requests with any signature: for tests only {}`
      expect(lines).toContain(warning)
    }
    const { client, answer } = await say('AWS_MSK_IAM', Buffer.from(java.message))
    expect(answer?.errorCode).toBe(0)
    client.socket.destroy()
  })
})

describe('settings of AWS_MSK_IAM', () => {
  const mechanisms = { 'sasl.enabled.mechanisms': 'AWS_MSK_IAM' }
  test.each([
    ['sasl.enabled.mechanisms: AWS_MSK_IAM is not supported', {}],
    [
      'sasl.enabled.mechanisms: AWS_MSK_IAM is not supported',
      { 'odradek.msk.iam.keys': keys, 'odradek.msk.iam.accept.any': true },
    ],
    [
      'odradek.msk.iam.enabled needs odradek.msk.iam.keys or odradek.msk.iam.accept.any',
      { 'odradek.msk.iam.enabled': true },
    ],
    [
      'odradek.msk.iam.keys: entry 2 is not accessKeyId:secret:arn',
      { ...enabled, 'odradek.msk.iam.keys': `${keys}; AKIAOTHER:${secret}` },
    ],
    [
      'odradek.msk.iam.keys: entry 2 has the same key as an earlier one',
      { ...enabled, 'odradek.msk.iam.keys': `${keys};${keys}` },
    ],
  ])('%s', async (message, settings) => {
    await expect(start({ ...mechanisms, ...settings })).rejects.toThrow(message)
    await expect(start({ ...mechanisms, ...settings })).rejects.not.toThrow(secret)
  })

  test('where it is off, clients are refused and told of the other mechanisms', async () => {
    await start({ 'sasl.enabled.mechanisms': 'OAUTHBEARER' })
    const { answer, mechanisms: told } = await say('AWS_MSK_IAM', Buffer.from(java.message))
    expect(answer).toBeNull()
    expect(told).toEqual(['OAUTHBEARER'])
    expect(lines.join('\n')).not.toContain('any signature')
  })

  test('secrets are not logged', async () => {
    await start(enabled)
    const { client } = await say('AWS_MSK_IAM', Buffer.from('{}'))
    client.socket.destroy()
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.join('\n')).not.toContain(secret)
  })
})

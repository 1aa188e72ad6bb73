import { readFileSync, writeFileSync } from 'node:fs'
import kafkajs, { type KafkaConfig } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { javaTools } from './kafka/tools.ts'
import { kcat } from './kcat.ts'
import { modules } from './security/java-logins.ts'
import {
  type ListenerName,
  makeStores,
  passwords,
  type Secured,
  type Stores,
  startSecured,
  storePassword,
} from './security/secured.ts'
import { prepareWorld, superUsers } from './security/secured-world.ts'
import { targetName } from './targets.ts'

const login = (module: string, user: 'alice' | 'bob', password: string = passwords[user]) =>
  `${modules}.${module} required username="${user}" password="${password}";`
const oauth =
  `${modules}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="alice";` as const
const oauthHandler = `${modules}.oauthbearer.internals.unsecured.OAuthBearerUnsecuredLoginCallbackHandler`

/** Settings of a client, with names of files in the stores' folder as `{name}`. */
type Properties = Readonly<Record<string, string>>

const trustBy = {
  PKCS12: {
    'ssl.truststore.location': '{brokers.p12}',
    'ssl.truststore.password': storePassword,
    'ssl.truststore.type': 'PKCS12',
  },
  JKS: {
    'ssl.truststore.location': '{brokers.jks}',
    'ssl.truststore.password': storePassword,
    'ssl.truststore.type': 'JKS',
  },
  PEM: { 'ssl.truststore.location': '{broker.crt}', 'ssl.truststore.type': 'PEM' },
} as const

const own = {
  PKCS12: {
    'ssl.keystore.location': '{client.p12}',
    'ssl.keystore.password': storePassword,
    'ssl.keystore.type': 'PKCS12',
  },
  PEM: { 'ssl.keystore.location': '{client.pem}', 'ssl.keystore.type': 'PEM' },
} as const

interface JavaCase {
  readonly title: string
  readonly listener: ListenerName
  readonly properties: Properties
  /** The topics that the client may see, or a part of the error. */
  readonly sees: readonly string[] | RegExp
}

const scramOf = (mechanism: string) => ({
  'sasl.mechanism': mechanism,
  'sasl.jaas.config': login('scram.ScramLoginModule', 'alice'),
})
const plainOf = (user: 'alice' | 'bob', password?: string) => ({
  'sasl.mechanism': 'PLAIN',
  'sasl.jaas.config': login('plain.PlainLoginModule', user, password),
})
const mechanisms: Readonly<Record<string, Properties>> = {
  PLAIN: plainOf('alice'),
  'SCRAM-SHA-256': scramOf('SCRAM-SHA-256'),
  'SCRAM-SHA-512': scramOf('SCRAM-SHA-512'),
  OAUTHBEARER: {
    'sasl.mechanism': 'OAUTHBEARER',
    'sasl.jaas.config': oauth,
    'sasl.login.callback.handler.class': oauthHandler,
  },
}
const all = ['alices', 'bobs']

const cases: readonly JavaCase[] = [
  ...Object.entries(trustBy).map(([type, trust]) => ({
    title: `TLS, trust in ${type}`,
    listener: 'tls' as const,
    properties: { 'security.protocol': 'SSL', ...trust },
    sees: all,
  })),
  ...Object.entries(own).map(([type, keys]) => ({
    title: `TLS with a client's certificate in ${type}`,
    listener: 'tls' as const,
    properties: { 'security.protocol': 'SSL', ...trustBy.PKCS12, ...keys },
    sees: ['alices'],
  })),
  ...Object.entries(mechanisms).flatMap(([mechanism, properties]) => [
    {
      title: `${mechanism} in clear`,
      listener: 'sasl' as const,
      properties: { 'security.protocol': 'SASL_PLAINTEXT', ...properties },
      sees: ['alices'],
    },
    {
      title: `${mechanism} over TLS`,
      listener: 'both' as const,
      properties: { 'security.protocol': 'SASL_SSL', ...trustBy.PEM, ...properties },
      sees: ['alices'],
    },
    {
      title: `${mechanism} in sessions of 1.5 s`,
      listener: 'short' as const,
      properties: { 'security.protocol': 'SASL_PLAINTEXT', ...properties },
      sees: ['alices'],
    },
  ]),
  {
    title: 'PLAIN of another user',
    listener: 'sasl',
    properties: { 'security.protocol': 'SASL_PLAINTEXT', ...plainOf('bob') },
    sees: ['bobs'],
  },
  {
    title: 'PLAIN with a wrong password',
    listener: 'sasl',
    properties: { 'security.protocol': 'SASL_PLAINTEXT', ...plainOf('alice', 'wrong') },
    sees: /SaslAuthenticationException: Authentication failed: Invalid username or password/,
  },
  {
    title: 'TLS of a broker that is not trusted',
    listener: 'tls',
    properties: {
      'security.protocol': 'SSL',
      'ssl.truststore.location': '{client.crt}',
      'ssl.truststore.type': 'PEM',
    },
    sees: /SslAuthenticationException/,
  },
]

describe.skipIf(inject('javaMissing') !== null)('clients over secured listeners', () => {
  let stores: Stores
  let secured: Secured

  beforeAll(async () => {
    stores = await makeStores()
    await stores.makePem('client')
    secured = await startSecured(targetName, stores, superUsers)
    await prepareWorld(secured)
  }, 180_000)
  afterAll(async () => {
    await secured?.target.close()
    stores?.close()
  })

  const fileOf = (properties: Properties): string => {
    const file = stores.path('client.properties')
    const lines = Object.entries(properties).map(
      ([key, value]) => `${key}=${value.replace(/\{(.*)\}/, (_, name) => stores.path(name))}`,
    )
    writeFileSync(file, `${lines.join('\n')}\nssl.endpoint.identification.algorithm=https\n`)
    return file
  }

  test.each(cases)('Java: $title', async ({ listener, properties, sees }) => {
    const at = ['--bootstrap-server', `127.0.0.1:${secured.ports[listener]}`]
    const tools = await javaTools()
    const args = [...at, '--command-config', fileOf(properties), '--list']
    const { stdout, stderr } = await tools.call('topics', args)
    if (sees instanceof RegExp) expect(stdout + stderr).toMatch(sees)
    else expect(stdout.trim().split('\n'), stderr).toEqual(sees)
  })

  test('Java: records are written and read over TLS and SASL', async () => {
    const at = ['--bootstrap-server', `127.0.0.1:${secured.ports.both}`, '--topic', 'alices']
    const config = [
      '--command-config',
      fileOf({
        'security.protocol': 'SASL_SSL',
        ...trustBy.PKCS12,
        ...scramOf('SCRAM-SHA-512'),
      }),
    ]
    const tools = await javaTools()
    // Large enough to be sent in many records of TLS.
    const input = Array.from({ length: 2_000 }, (_, i) => `${i}:${'x'.repeat(500)}`).join('\n')
    await tools.ask('console-producer', [...at, ...config], { input: `${input}\n` })
    const read = await tools.ask('console-consumer', [
      ...[...at, ...config, '--from-beginning', '--max-messages', '2000'],
      ...['--timeout-ms', '30000', '--group', 'g'],
    ])
    expect(read.trim()).toBe(input)
  })

  const sasl: Readonly<Record<string, NonNullable<KafkaConfig['sasl']>>> = {
    plain: { mechanism: 'plain', username: 'alice', password: passwords.alice },
    'scram-sha-256': { mechanism: 'scram-sha-256', username: 'alice', password: passwords.alice },
    'scram-sha-512': { mechanism: 'scram-sha-512', username: 'alice', password: passwords.alice },
    oauthbearer: {
      mechanism: 'oauthbearer',
      oauthBearerProvider: async () => {
        const json = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
        const iat = Math.floor(Date.now() / 1_000) - 5
        const claims = { sub: 'alice', iat, exp: iat + 600 }
        return { value: `${json({ alg: 'none' })}.${json(claims)}.` }
      },
    },
  }
  test.each(Object.keys(sasl))('kafkajs: %s over TLS', async (mechanism) => {
    const client = new kafkajs.Kafka({
      brokers: [`127.0.0.1:${secured.ports.both}`],
      ssl: { ca: readFileSync(stores.path('broker.crt'), 'utf8') },
      sasl: sasl[mechanism]!,
      logLevel: kafkajs.logLevel.NOTHING,
    })
    const admin = client.admin()
    await admin.connect()
    expect(await admin.listTopics()).toEqual(['alices'])
    await admin.disconnect()
  })

  // Debian's librdkafka signs another nonce in SCRAM than it is sent: Kafka refuses it as well.
  test.skipIf(inject('kcatMissing') !== null).each(['sasl', 'both'] as const)(
    'kcat: PLAIN on the listener %s',
    async (listener) => {
      const security = listener === 'sasl' ? 'SASL_PLAINTEXT' : 'SASL_SSL'
      const settings = {
        'security.protocol': security,
        'sasl.mechanism': 'PLAIN',
        'sasl.username': 'alice',
        'sasl.password': passwords.alice,
        'ssl.ca.location': stores.path('broker.crt'),
      }
      const given = Object.entries(settings).flatMap(([key, value]) => ['-X', `${key}=${value}`])
      const listed = await kcat(`127.0.0.1:${secured.ports[listener]}`, [...given, '-L', '-J'])
      const { topics } = JSON.parse(listed)
      expect(topics.map(({ topic }: { topic: string }) => topic)).toEqual(['alices'])
    },
  )
})

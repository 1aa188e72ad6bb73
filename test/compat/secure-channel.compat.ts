import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import type { Channel } from '../../src/channel/channel.ts'
import { NodeDialer } from '../../src/channel/node-dialer.ts'
import { BrokerSettings } from '../../src/metadata/config/settings.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.ts'
import {
  readControllerSecurity,
  readInterBrokerSecurity,
} from '../../src/server/config/node-security.ts'
import { nodeCarrier } from '../../src/server/node-carrier.ts'
import { TlsRenewal } from '../../src/server/tls-renewal.ts'
import { freePort } from './free-port.ts'
import { Stores, storePassword } from './security/secured.ts'
import { type Settings, startKafka, type Target } from './targets.ts'

// Java reads the letters of its arguments by it.
process.env.LC_ALL = 'C.UTF-8'
const missing = inject('javaMissing')
const soon = { timeoutMs: 30_000 }
const modules = 'org.apache.kafka.common.security'
/** The ligature has another form in Unicode: a client that normalizes it is not let in. */
const password = 'pä,=ﬁ"\\'
const scramPassword = 'pä=ﬁ'
const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`

/** Escapes a value of a file that Java reads as properties. */
const inProperties = (text: string) =>
  text
    .replaceAll('\\', '\\\\')
    .replace(/[^ -~]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)

const sides = ['controller', 'broker'] as const
type Side = (typeof sides)[number]
const protocols = {
  sasl: 'SASL_PLAINTEXT',
  both: 'SASL_SSL',
  tls: 'SSL',
  // Sessions of a second and a half.
  short: 'SASL_PLAINTEXT',
} as const
type Kind = keyof typeof protocols
const kinds = Object.keys(protocols) as Kind[]
const nameOf = (side: Side, kind: Kind) => `${side}${kind}`.toUpperCase()

const loginModules = {
  PLAIN: 'plain.PlainLoginModule',
  'SCRAM-SHA-256': 'scram.ScramLoginModule',
  'SCRAM-SHA-512': 'scram.ScramLoginModule',
  OAUTHBEARER: 'oauthbearer.OAuthBearerLoginModule',
} as const
type Mechanism = keyof typeof loginModules
const mechanisms = Object.keys(loginModules) as Mechanism[]
const mechanismKeys = {
  controller: 'sasl.mechanism.controller.protocol',
  broker: 'sasl.mechanism.inter.broker.protocol',
}

const jaasOf = (name: string, mechanism: Mechanism, options: string) => ({
  [`listener.name.${name.toLowerCase()}.${mechanism.toLowerCase()}.sasl.jaas.config`]: `${modules}.${loginModules[mechanism]} required ${options};`,
})

/** Settings of Apache Kafka: each kind of listener for controllers and for brokers. */
async function kafkaSettings(stores: Stores, ports: Record<string, number>): Promise<Settings> {
  const all = sides.flatMap((side) => kinds.map((kind) => [side, kind] as const))
  const addresses: string[] = []
  for (const name of ['OPEN', 'CONTROLLER', ...all.map((one) => nameOf(...one))]) {
    ports[name] = await freePort()
    addresses.push(`${name}://127.0.0.1:${ports[name]}`)
  }
  const users = `user_node=${inProperties(quoted(password))} user_other="other-pw"`
  const settings: Record<string, string | number> = {}
  for (const [side, kind] of all) {
    const options = { PLAIN: users, OAUTHBEARER: 'unsecuredLoginStringClaim_sub="node"' }
    for (const mechanism of kind === 'tls' ? [] : mechanisms) {
      const given = mechanism in options ? options[mechanism as keyof typeof options] : ''
      Object.assign(settings, jaasOf(nameOf(side, kind), mechanism, given))
    }
    const prefix = `listener.name.${nameOf(side, kind).toLowerCase()}`
    if (kind === 'short') settings[`${prefix}.connections.max.reauth.ms`] = 1_500
    if (kind === 'tls') settings[`${prefix}.ssl.client.auth`] = 'required'
  }
  const controllers = kinds.map((kind) => nameOf('controller', kind))
  return {
    ...settings,
    listeners: addresses.join(','),
    'advertised.listeners': addresses.filter((one) => !one.startsWith('CONTROLLER')).join(','),
    'controller.listener.names': ['CONTROLLER', ...controllers].join(','),
    'controller.quorum.voters': `1@127.0.0.1:${ports.CONTROLLER}`,
    'inter.broker.listener.name': 'OPEN',
    'listener.security.protocol.map': [
      'OPEN:PLAINTEXT,CONTROLLER:PLAINTEXT',
      ...all.map(([side, kind]) => `${nameOf(side, kind)}:${protocols[kind]}`),
    ].join(','),
    'sasl.enabled.mechanisms': mechanisms.join(','),
    'ssl.keystore.location': stores.path('broker.p12'),
    'ssl.keystore.password': storePassword,
    'ssl.keystore.type': 'PKCS12',
    'ssl.truststore.location': stores.path('clients.p12'),
    'ssl.truststore.password': storePassword,
    'ssl.truststore.type': 'PKCS12',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS;User:node;User:CN=node,O=odradek',
  }
}

const scramArgs = (['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const).flatMap((mechanism) => [
  ...['--add-scram', `${mechanism}=[name=node,password=${quoted(scramPassword)}]`],
  ...['--add-scram', `${mechanism}=[name=other,password="other-pw"]`],
])

describe.skipIf(missing !== null)('nodes of Apache Kafka with TLS and SASL', () => {
  const stores = new Stores()
  const ports: Record<string, number> = {}
  const channels: Channel[] = []
  let kafka: Target

  beforeAll(async () => {
    // Its own name only, so that an address is another host.
    await stores.makeKey('broker', 'CN=localhost,O=odradek', 'dns:localhost')
    await stores.makeKey('node', 'CN=node,O=odradek')
    await stores.makeKey('foreign', 'CN=node,O=odradek')
    await stores.makePem('node')
    await stores.makeTrust('clients.p12', 'PKCS12', ['node'])
    await stores.makeTrust('right.p12', 'PKCS12', ['broker'])
    await stores.makeTrust('right.jks', 'JKS', ['broker'])
    await stores.makeTrust('wrong.p12', 'PKCS12', ['foreign'])
    const settings = await kafkaSettings(stores, ports)
    kafka = await startKafka({ port: ports.OPEN, settings, formatArgs: scramArgs })
  }, 180_000)
  afterEach(() => {
    for (const channel of channels.splice(0)) channel.close()
  })
  afterAll(async () => {
    await kafka?.close()
    stores.close()
  })

  async function open(side: Side, kind: Kind, settings: Settings, host = 'localhost') {
    const name = nameOf(side, kind)
    const all = {
      'listener.security.protocol.map': `${name}:${protocols[kind]}`,
      ...(side === 'controller'
        ? { 'controller.listener.names': name }
        : { 'inter.broker.listener.name': name }),
      ...settings,
    }
    const read = side === 'controller' ? readControllerSecurity : readInterBrokerSecurity
    const texts = Object.entries(all).map(([key, value]) => [key, String(value)] as const)
    const rooms = { random: systemRandom, nowMs: () => Date.now() }
    const carrier = nodeCarrier(await read(new BrokerSettings(new Map(texts)), rooms), {
      dialer: new NodeDialer(),
      clock: systemClock,
      random: systemRandom,
      tlsRenewal: new TlsRenewal(silentLogger),
    })
    const channel = carrier.open(
      { nodeId: -1, host, port: ports[name]! },
      { clientId: '9', asksVersions: true },
    )
    channels.push(channel)
    return channel
  }

  /** Sends a request that needs ClusterAction. @returns its error. */
  async function act(side: Side, channel: Channel): Promise<string> {
    if (side === 'broker') {
      // With no transaction at all, Apache Kafka would never answer.
      const one = { transactionalId: 'x', producerId: 1, producerEpoch: 0, verifyOnly: true }
      const transactions = [{ ...one, topics: [{ name: 't', partitions: [0] }] }]
      const { errorCode } = await channel.send(addPartitionsToTxn, 5, { transactions }, soon)
      return errorName(errorCode)
    }
    const partition = { partition: 0, currentLeaderEpoch: 1, fetchOffset: 0, lastFetchedEpoch: 0 }
    const answer = await channel.send(
      fetch,
      18,
      {
        ...{ maxWaitMs: 0, minBytes: 0, forgottenTopicsData: [] },
        replicaState: { replicaId: 9, replicaEpoch: -1 },
        topics: [
          {
            topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
            partitions: [{ ...partition, partitionMaxBytes: 0, highWatermark: -1 }],
          },
        ],
      },
      soon,
    )
    return errorName(answer.errorCode)
  }

  const login = (side: Side, kind: Kind, mechanism: Mechanism, options: string): Settings => ({
    [mechanismKeys[side]]: mechanism,
    ...jaasOf(nameOf(side, kind), mechanism, options),
  })
  const optionsOf = (mechanism: Mechanism, user: string, secret: string) =>
    mechanism === 'OAUTHBEARER'
      ? `unsecuredLoginStringClaim_sub=${quoted(user)}`
      : `username=${quoted(user)} password=${quoted(secret)}`
  const secretOf = (mechanism: Mechanism) => (mechanism === 'PLAIN' ? password : scramPassword)
  const right = (side: Side, kind: Kind, mechanism: Mechanism = 'PLAIN') =>
    login(side, kind, mechanism, optionsOf(mechanism, 'node', secretOf(mechanism)))

  const everywhere = sides.flatMap((side) =>
    mechanisms.map((mechanism) => [side, mechanism] as const),
  )
  test.each(everywhere)(
    'a %s, %s: logged in, and with rights only as the node',
    async (side, mechanism) => {
      const node = await open(side, 'sasl', right(side, 'sasl', mechanism))
      expect(await act(side, node)).toBe('NONE')
      const options = optionsOf(mechanism, 'other', 'other-pw')
      const other = await open(side, 'sasl', login(side, 'sasl', mechanism, options))
      expect(await act(side, other)).toBe('CLUSTER_AUTHORIZATION_FAILED')
    },
  )

  test.each(everywhere.filter(([, mechanism]) => mechanism !== 'OAUTHBEARER'))(
    'a %s, %s: a wrong password',
    async (side, mechanism) => {
      const options = optionsOf(mechanism, 'node', 'wrong')
      const channel = await open(side, 'sasl', login(side, 'sasl', mechanism, options))
      const reason =
        mechanism === 'PLAIN'
          ? 'Authentication failed: Invalid username or password'
          : `Authentication failed during authentication due to invalid credentials with SASL mechanism ${mechanism}`
      await expect(act(side, channel)).rejects.toMatchObject({
        kind: 'authentication',
        message: expect.stringContaining(reason),
      })
    },
  )

  test.each(sides)('a %s, OAUTHBEARER: a token that has expired', async (side) => {
    const options = 'unsecuredLoginStringClaim_sub="node" unsecuredLoginLifetimeSeconds="-60"'
    const channel = await open(side, 'sasl', login(side, 'sasl', 'OAUTHBEARER', options))
    await expect(act(side, channel)).rejects.toMatchObject({
      kind: 'authentication',
      message: expect.stringContaining('{"status":"invalid_token"}'),
    })
  })

  test.each(sides)('a %s: sessions of 1.5 s are renewed, and no request is lost', async (side) => {
    const channel = await open(side, 'short', right(side, 'short', 'SCRAM-SHA-512'))
    const endMs = performance.now() + 5_000
    const errors = new Set<string>()
    while (performance.now() < endMs) errors.add(await act(side, channel))
    expect([...errors]).toEqual(['NONE'])
  })

  const stored = (type: string, file: string, kind: 'truststore' | 'keystore' = 'truststore') => ({
    [`ssl.${kind}.type`]: type,
    [`ssl.${kind}.location`]: stores.path(file),
    ...(type === 'PEM' ? {} : { [`ssl.${kind}.password`]: storePassword }),
  })
  const trusts: Record<string, () => Settings> = {
    JKS: () => stored('JKS', 'right.jks'),
    PKCS12: () => stored('PKCS12', 'right.p12'),
    'a PEM file': () => stored('PEM', 'broker.crt'),
    'PEM settings': () => ({
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.certificates': readFileSync(stores.path('broker.crt'), 'utf8'),
    }),
  }

  test.each(sides.flatMap((side) => Object.keys(trusts).map((trust) => [side, trust] as const)))(
    'a %s over SASL_SSL, trusted by %s',
    async (side, trust) => {
      const settings = { ...right(side, 'both', 'SCRAM-SHA-256'), ...trusts[trust]!() }
      expect(await act(side, await open(side, 'both', settings))).toBe('NONE')
    },
  )

  test.each(sides)('a %s over SASL_SSL: another authority, another host', async (side) => {
    const mistrustful = { ...right(side, 'both'), ...stored('PKCS12', 'wrong.p12') }
    await expect(act(side, await open(side, 'both', mistrustful))).rejects.toMatchObject({
      kind: 'authentication',
      message: expect.stringContaining('SSL handshake failed'),
    })
    const trusting = { ...right(side, 'both'), ...trusts.PKCS12!() }
    const elsewhere = await open(side, 'both', trusting, '127.0.0.1')
    await expect(act(side, elsewhere)).rejects.toMatchObject({
      kind: 'authentication',
      message: expect.stringMatching(/SSL handshake failed.*127\.0\.0\.1/),
    })
    const unchecked = { ...trusting, 'ssl.endpoint.identification.algorithm': '' }
    expect(await act(side, await open(side, 'both', unchecked, '127.0.0.1'))).toBe('NONE')
  })

  test.each(
    sides.flatMap((side) => (['PKCS12', 'PEM'] as const).map((type) => [side, type] as const)),
  )('a %s over SSL knows the node by its certificate in %s', async (side, type) => {
    const own = stored(type, type === 'PEM' ? 'node.pem' : 'node.p12', 'keystore')
    const channel = await open(side, 'tls', { ...trusts.JKS!(), ...own })
    expect(await act(side, channel)).toBe('NONE')
  })

  test.each(sides)('a %s over SSL refuses a node without its certificate', async (side) => {
    const refused = { kind: expect.stringMatching(/^(authentication|disconnected)$/) }
    const none = await open(side, 'tls', trusts.JKS!())
    await expect(act(side, none)).rejects.toMatchObject(refused)
    const foreign = stored('PKCS12', 'foreign.p12', 'keystore')
    const another = await open(side, 'tls', { ...trusts.JKS!(), ...foreign })
    await expect(act(side, another)).rejects.toMatchObject(refused)
  })
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import { NodeDialer } from '../../src/channel/node-dialer.ts'
import { Broker } from '../../src/index.ts'
import { BrokerSettings } from '../../src/metadata/config/settings.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { MadeAuthority } from '../../src/security/tls/made-certificates.ts'
import {
  readControllerSecurity,
  readInterBrokerSecurity,
} from '../../src/server/config/node-security.ts'
import { nodeCarrier } from '../../src/server/node-carrier.ts'
import { TlsRenewal } from '../../src/server/tls-renewal.ts'

type Settings = Readonly<Record<string, string>>
const rooms = { random: systemRandom, nowMs: () => Date.now() }
const soon = { timeoutMs: 20_000 }
const dir = mkdtempSync(join(tmpdir(), 'odradek-nodes-'))
const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})
afterAll(() => rmSync(dir, { recursive: true }))

let authority: MadeAuthority
let other: MadeAuthority
beforeAll(async () => {
  authority = await MadeAuthority.make(systemRandom)
  other = await MadeAuthority.make(systemRandom)
})

/** A key with its certificate, as settings. */
async function keySettings(from: MadeAuthority, name: string, hosts: readonly string[] = []) {
  const { key, certificate } = await from.issue(name, hosts)
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.key': key,
    'ssl.keystore.certificate.chain': certificate,
  }
}

const trust = (whom: MadeAuthority) => ({
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.certificates': whom.certificate,
})

async function broker(protocol: string, settings: Settings = {}): Promise<number> {
  const started = await Broker.start({
    memory: true,
    properties: {
      listeners: 'NODES://localhost:0,OPEN://localhost:0',
      'listener.security.protocol.map': `NODES:${protocol},OPEN:PLAINTEXT`,
      'inter.broker.listener.name': 'OPEN',
      ...settings,
    },
  })
  cleanUps.push(() => started.stop())
  return started.port
}

/** Asks a broker for its metadata over a connection by these settings. */
async function ask(port: number, protocol: string, settings: Settings = {}, host = 'localhost') {
  const { channel } = await connection(port, protocol, settings, host)
  return (await channel.send(metadata, 13, { topics: [] }, soon)).brokers.length
}

async function connection(port: number, protocol: string, settings: Settings, host = 'localhost') {
  const all = new BrokerSettings(
    new Map(
      Object.entries({
        'listener.security.protocol.map': `NODES:${protocol}`,
        'inter.broker.listener.name': 'NODES',
        ...settings,
      }),
    ),
  )
  const tlsRenewal = new TlsRenewal(silentLogger)
  const carrier = nodeCarrier(await readInterBrokerSecurity(all, rooms), {
    dialer: new NodeDialer(),
    clock: systemClock,
    random: systemRandom,
    tlsRenewal,
  })
  const options = { clientId: 'test', asksVersions: true }
  const open = () => {
    const channel = carrier.open({ nodeId: -1, host, port }, options)
    cleanUps.push(() => channel.close())
    return channel
  }
  return { channel: open(), open, tlsRenewal }
}

const untrusted = (text: RegExp) => ({
  kind: 'authentication',
  message: expect.stringMatching(text),
})

describe('TLS', () => {
  test('a trusted certificate that names the host', async () => {
    const port = await broker('SSL', await keySettings(authority, 'b', ['localhost', '127.0.0.1']))
    expect(await ask(port, 'SSL', trust(authority))).toBe(1)
    expect(await ask(port, 'SSL', trust(authority), '127.0.0.1')).toBe(1)
  })

  test('settings of the listener win over those of all', async () => {
    const port = await broker('SSL', await keySettings(authority, 'b', ['localhost']))
    const own = Object.entries(trust(authority)).map(([key, value]) => [
      `listener.name.nodes.${key}`,
      value,
    ])
    expect(await ask(port, 'SSL', { ...trust(other), ...Object.fromEntries(own) })).toBe(1)
  })

  test('another authority', async () => {
    const port = await broker('SSL', await keySettings(authority, 'b', ['localhost']))
    await expect(ask(port, 'SSL', trust(other))).rejects.toMatchObject(
      untrusted(/SSL handshake failed: .*(verify|self.signed)/),
    )
    await expect(ask(port, 'SSL')).rejects.toMatchObject(untrusted(/SSL handshake failed/))
  })

  test('another host', async () => {
    const port = await broker('SSL', await keySettings(authority, 'b', ['elsewhere.example']))
    const unchecked = { ...trust(authority), 'ssl.endpoint.identification.algorithm': '' }
    await expect(ask(port, 'SSL', trust(authority))).rejects.toMatchObject(
      untrusted(/localhost.*elsewhere\.example/),
    )
    expect(await ask(port, 'SSL', unchecked)).toBe(1)
  })

  test('the common name counts where no alternative name is that of a host', async () => {
    for (const hosts of [[], ['127.0.0.1']]) {
      const port = await broker('SSL', await keySettings(authority, 'localhost', hosts))
      expect(await ask(port, 'SSL', trust(authority))).toBe(1)
    }
    const port = await broker('SSL', await keySettings(authority, 'localhost', ['a.example']))
    await expect(ask(port, 'SSL', trust(authority))).rejects.toMatchObject(untrusted(/a\.example/))
  })

  test('a listener that needs a certificate', async () => {
    const port = await broker('SSL', {
      ...(await keySettings(authority, 'b', ['localhost'])),
      ...trust(authority),
      'ssl.client.auth': 'required',
    })
    const own = await keySettings(authority, 'n')
    expect(await ask(port, 'SSL', { ...trust(authority), ...own })).toBe(1)
    await expect(ask(port, 'SSL', trust(authority))).rejects.toMatchObject({
      kind: expect.stringMatching(/authentication|disconnected/),
    })
    const foreign = await keySettings(other, 'n')
    await expect(ask(port, 'SSL', { ...trust(authority), ...foreign })).rejects.toMatchObject({
      kind: expect.stringMatching(/authentication|disconnected/),
    })
  })

  test('TLS for a listener without it, and the other way round', async () => {
    const plain = await broker('PLAINTEXT')
    await expect(ask(plain, 'SSL', trust(authority))).rejects.toMatchObject({
      kind: 'disconnected',
    })
    const secured = await broker('SSL', await keySettings(authority, 'b', ['localhost']))
    await expect(ask(secured, 'PLAINTEXT')).rejects.toMatchObject({ kind: 'disconnected' })
  })

  test('new trust applies to new connections', async () => {
    const port = await broker('SSL', await keySettings(authority, 'b', ['localhost']))
    const file = join(dir, 'trust.pem')
    writeFileSync(file, other.certificate)
    const settings = { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': file }
    const { channel, open, tlsRenewal } = await connection(port, 'SSL', settings)
    await expect(channel.send(metadata, 13, { topics: [] }, soon)).rejects.toMatchObject(
      untrusted(/SSL/),
    )
    const changed = (more: Settings) => new BrokerSettings(new Map(Object.entries(more)))
    await expect(
      tlsRenewal.check(changed({ ...settings, 'ssl.truststore.location': join(dir, 'none') })),
    ).rejects.toThrow('Validation of dynamic config update of SSLFactory failed')
    await tlsRenewal.renew(changed({ ...settings, 'ssl.truststore.location': join(dir, 'none') }))
    await expect(open().send(metadata, 13, { topics: [] }, soon)).rejects.toThrow('SSL')
    const renewed = join(dir, 'renewed.pem')
    writeFileSync(renewed, authority.certificate)
    await tlsRenewal.renew(changed({ ...settings, 'ssl.truststore.location': renewed }))
    expect((await open().send(metadata, 13, { topics: [] }, soon)).brokers).toHaveLength(1)
  })
})

const modules = 'org.apache.kafka.common.security'
const jaas = (mechanism: string, module: string, options: string) => ({
  [`listener.name.nodes.${mechanism}.sasl.jaas.config`]: `${modules}.${module} required ${options};`,
})
const plain = (options: string) => jaas('plain', 'plain.PlainLoginModule', options)
const bearer = (options: string) =>
  jaas('oauthbearer', 'oauthbearer.OAuthBearerLoginModule', options)
const by = (mechanism: string) => ({ 'sasl.mechanism.inter.broker.protocol': mechanism })
const enabled = { 'sasl.enabled.mechanisms': 'PLAIN,OAUTHBEARER' }
const users = plain('user_broker="b-pw" user_other="o-pw"')
const broadest = { ...enabled, ...users, ...bearer('unsecuredLoginStringClaim_sub="broker"') }

describe('SASL', () => {
  test.each(['SASL_PLAINTEXT', 'SASL_SSL'])('PLAIN over %s', async (protocol) => {
    const port = await broker(protocol, {
      ...broadest,
      ...(await keySettings(authority, 'b', ['localhost'])),
    })
    const settings = { ...by('PLAIN'), ...trust(authority) }
    const right = { ...settings, ...plain('username="broker" password="b-pw"') }
    expect(await ask(port, protocol, right)).toBe(1)
    const wrong = { ...settings, ...plain('username="broker" password="o-pw"') }
    await expect(ask(port, protocol, wrong)).rejects.toMatchObject(
      untrusted(/: Authentication failed: Invalid username or password$/),
    )
  })

  test('OAUTHBEARER with tokens of its own, and from a file', async () => {
    const port = await broker('SASL_PLAINTEXT', broadest)
    const own = { ...by('OAUTHBEARER'), ...bearer('unsecuredLoginStringClaim_sub="broker"') }
    expect(await ask(port, 'SASL_PLAINTEXT', own)).toBe(1)
    const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url')
    const file = join(dir, 'token')
    const now = Math.floor(Date.now() / 1000)
    writeFileSync(file, `${part({ alg: 'none' })}.${part({ sub: 'x', exp: now + 600 })}.\n`)
    const fromFile = {
      ...by('OAUTHBEARER'),
      ...bearer(''),
      'listener.name.nodes.oauthbearer.sasl.login.callback.handler.class': `${modules}.oauthbearer.OAuthBearerLoginCallbackHandler`,
      'sasl.oauthbearer.token.endpoint.url': pathToFileURL(file).href,
    }
    const up = await connection(port, 'SASL_PLAINTEXT', fromFile)
    expect((await up.channel.send(metadata, 13, { topics: [] }, soon)).brokers).toHaveLength(1)
    writeFileSync(file, `${part({ alg: 'none' })}.${part({ sub: 'x', exp: now - 600 })}.\n`)
    await expect(up.open().send(metadata, 13, { topics: [] }, soon)).rejects.toMatchObject(
      untrusted(/: \{"status":"invalid_token"\}$/),
    )
    rmSync(file)
    await expect(up.open().send(metadata, 13, { topics: [] }, soon)).rejects.toMatchObject(
      untrusted(/ENOENT/),
    )
  })

  test('a mechanism that the listener does not have', async () => {
    const port = await broker('SASL_PLAINTEXT', { ...broadest, 'sasl.enabled.mechanisms': 'PLAIN' })
    const own = { ...by('OAUTHBEARER'), ...bearer('unsecuredLoginStringClaim_sub="broker"') }
    await expect(ask(port, 'SASL_PLAINTEXT', own)).rejects.toMatchObject(
      untrusted(
        /Client SASL mechanism 'OAUTHBEARER' not enabled in the server, enabled mechanisms are \[PLAIN\]$/,
      ),
    )
  })

  test('sessions are renewed on their connection', async () => {
    const port = await broker('SASL_PLAINTEXT', {
      ...broadest,
      'connections.max.reauth.ms': '1200',
    })
    const settings = { ...by('PLAIN'), ...plain('username="broker" password="b-pw"') }
    const { channel } = await connection(port, 'SASL_PLAINTEXT', settings)
    const endMs = performance.now() + 4_000
    let asked = 0
    while (performance.now() < endMs) {
      await channel.send(metadata, 13, { topics: [] }, soon)
      asked++
    }
    expect(asked).toBeGreaterThan(10)
  })
})

describe('settings', () => {
  const security = (
    read: typeof readControllerSecurity,
    settings: Settings,
  ): ReturnType<typeof readControllerSecurity> =>
    read(new BrokerSettings(new Map(Object.entries(settings))), rooms)

  test('controllers are reached by the first listener and a mechanism of its own', async () => {
    const read = await security(readControllerSecurity, {
      'controller.listener.names': 'nodes,OTHER',
      'listener.security.protocol.map': 'NODES:SASL_SSL,OTHER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      'sasl.mechanism.controller.protocol': 'SCRAM-SHA-512',
      'sasl.mechanism.inter.broker.protocol': 'PLAIN',
      ...jaas('scram-sha-512', 'scram.ScramLoginModule', 'username="a" password="b"'),
      ...trust(authority),
    })
    expect(read).toMatchObject({
      listenerName: 'NODES',
      protocol: 'SASL_SSL',
      login: { mechanism: 'SCRAM-SHA-512' },
      tls: { checksHost: true, stores: { own: null, trusted: [authority.certificate.trim()] } },
    })
  })

  test('a controller listener needs no entry in the map while all is plain', async () => {
    const plainText = { listenerName: 'CONTROLLER', protocol: 'PLAINTEXT', tls: null, login: null }
    const name = { 'controller.listener.names': 'CONTROLLER' }
    expect(await security(readControllerSecurity, name)).toEqual(plainText)
    await expect(
      security(readControllerSecurity, { ...name, listeners: 'SSL://:9092' }),
    ).rejects.toThrow('listener.security.protocol.map has no entry for the listener CONTROLLER')
    const another = { 'controller.listener.names': 'CONTROLLER,SASL_SSL' }
    await expect(security(readControllerSecurity, another)).rejects.toThrow('no entry')
  })

  test('brokers are reached by security.inter.broker.protocol without a name', async () => {
    expect(await security(readInterBrokerSecurity, {})).toMatchObject({ protocol: 'PLAINTEXT' })
    const ssl = { 'security.inter.broker.protocol': 'SSL', ...trust(authority) }
    expect(await security(readInterBrokerSecurity, ssl)).toMatchObject({ listenerName: 'SSL' })
  })

  const sasl = {
    'inter.broker.listener.name': 'NODES',
    'listener.security.protocol.map': 'NODES:SASL_PLAINTEXT',
  }
  const file = 'sasl.oauthbearer.token.endpoint.url'
  const handler = 'listener.name.nodes.oauthbearer.sasl.login.callback.handler.class'
  const oauth = { ...by('OAUTHBEARER'), ...bearer('') }
  const fileOauth = {
    ...oauth,
    [handler]: `${modules}.oauthbearer.OAuthBearerLoginCallbackHandler`,
  }
  test.each<[Settings, string]>([
    [{}, 'sasl.mechanism.inter.broker.protocol: GSSAPI is not supported'],
    [by('AWS_MSK_IAM'), 'AWS_MSK_IAM is not supported'],
    [by('toString'), 'toString is not supported'],
    [by('PLAIN'), 'PLAIN needs listener.name.<listener>.plain.sasl.jaas.config'],
    [
      { ...by('PLAIN'), ...plain('user_a="b"') },
      'plain.sasl.jaas.config has no username, with which this node logs in',
    ],
    [{ ...by('PLAIN'), ...plain('username="b"') }, 'plain.sasl.jaas.config has no password'],
    [
      { ...by('PLAIN'), ...jaas('plain', 'scram.ScramLoginModule', 'username="b" password="c"') },
      'PLAIN needs the module',
    ],
    [
      { ...by('PLAIN'), ...users, 'sasl.client.callback.handler.class': 'a.B' },
      'sasl.client.callback.handler.class: Java classes are not supported',
    ],
    [
      { ...by('PLAIN'), ...users, 'listener.name.nodes.plain.sasl.login.class': 'a.B' },
      'sasl.login.class: Java classes are not supported',
    ],
    [oauth, 'oauthbearer.sasl.jaas.config: unsecuredLoginStringClaim_sub must name the principal'],
    [
      { ...oauth, [handler]: 'a.B' },
      'sasl.login.callback.handler.class: the class a.B is not supported',
    ],
    [fileOauth, `${file} must name a file of this machine by file:`],
    [{ ...fileOauth, [file]: 'https://a/b' }, `${file} must name a file`],
    [{ ...fileOauth, [file]: 'file:///none/such' }, `${file}: ENOENT`],
    [
      { ...fileOauth, [file]: 'file:///x', 'sasl.oauthbearer.jwt.retriever.class': 'a.B' },
      'sasl.oauthbearer.jwt.retriever.class: the class a.B is not supported',
    ],
    [
      { ...fileOauth, ...bearer('extension_1="x"'), [file]: 'file:///x' },
      'oauthbearer.sasl.jaas.config: Extension name 1 is invalid',
    ],
    [
      {
        'listener.security.protocol.map': 'NODES:SSL',
        'listener.name.nodes.ssl.endpoint.identification.algorithm': 'LDAPS',
      },
      'ssl.endpoint.identification.algorithm must be https or empty, and is LDAPS',
    ],
    [
      { 'listener.security.protocol.map': 'NODES:SSL', 'ssl.engine.factory.class': 'a.B' },
      'ssl.engine.factory.class: Java classes are not supported',
    ],
    [
      { 'listener.security.protocol.map': 'OTHER:SSL' },
      'listener.security.protocol.map has no entry for the listener NODES',
    ],
  ])('%j is refused', async (settings, reason) => {
    const all = { ...sasl, ...settings }
    await expect(security(readInterBrokerSecurity, all)).rejects.toThrow(reason)
  })

  test('without a name of a controller listener', async () => {
    await expect(security(readControllerSecurity, {})).rejects.toThrow('names none')
  })
})

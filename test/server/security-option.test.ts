import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as plainConnect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import kafkajs from 'kafkajs'
import { afterEach, describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/base/random.ts'
import { MadeAuthority } from '../../src/security/tls/made-certificates.ts'
import { Broker } from '../../src/server/broker.ts'
import type { BrokerOptions } from '../../src/server/broker-options.ts'
import type { Security } from '../../src/server/security-options.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const step of cleanUps.splice(0).reverse()) await step()
})

async function start(options: BrokerOptions): Promise<Broker> {
  const broker = await Broker.start({ port: 0, memory: options.dataDir === undefined, ...options })
  cleanUps.push(() => broker.stop())
  return broker
}

const quiet = { logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 8, initialRetryTime: 20 } }

/** Writes a record. @returns how many the topic has now. */
async function roundTrip(settings: kafkajs.KafkaConfig): Promise<number> {
  const client = new kafkajs.Kafka({ ...quiet, ...settings })
  const producer = client.producer({ allowAutoTopicCreation: true })
  try {
    await producer.connect()
    const [sent] = await producer.send({ topic: 't', messages: [{ value: 'a' }] })
    return Number(sent!.baseOffset) + 1
  } finally {
    await producer.disconnect()
  }
}

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const all: readonly Security[] = [
  'SSL',
  { protocol: 'SSL', clientAuth: 'required' },
  'SASL_PLAINTEXT',
  'SASL_SSL',
  ...mechanisms.map((mechanism) => ({ protocol: 'SASL_SSL', mechanism }) as const),
  { protocol: 'SASL_SSL', clientAuth: 'required', mechanism: 'SCRAM-SHA-256' },
]

describe('a broker that makes its own security', () => {
  test.each(all)('%j: its settings let kafkajs in', async (security) => {
    const broker = await start({ security })
    expect(await roundTrip(broker.clientSettings.kafkajs)).toBe(1)
  })

  test('stops while clients are in their handshakes, or have left them', async () => {
    const broker = await start({ security: 'SSL' })
    const silent = plainConnect(broker.port, '127.0.0.1')
    await once(silent, 'connect')
    const mistrustful = connect({ port: broker.port, host: '127.0.0.1' })
    await once(mistrustful, 'error')
    silent.on('error', () => {})
    await Promise.all([once(silent, 'close'), broker.stop()])
  })

  test('without it, there are settings as well', async () => {
    const broker = await start({})
    expect(await roundTrip(broker.clientSettings.kafkajs)).toBe(1)
    expect(broker.clientSettings).toEqual({
      kafkajs: { brokers: [broker.address] },
      librdkafka: { 'bootstrap.servers': broker.address },
      java: { 'bootstrap.servers': broker.address },
      javaProperties: `bootstrap.servers=${broker.address}\n`,
    })
    expect(() => broker.clientSettingsOf('client')).toThrow(RangeError)
  })

  test('only who has the password, the certificate, or trusts the authority comes in', async () => {
    const broker = await start({ security: { protocol: 'SASL_SSL', clientAuth: 'required' } })
    const other = await start({ security: 'SASL_SSL' })
    const { brokers, ssl, sasl } = broker.clientSettings.kafkajs
    const wrong: kafkajs.KafkaConfig[] = [
      { brokers, ssl: ssl!, sasl: { ...sasl!, password: 'wrong' } },
      { brokers, ssl: { ca: ssl!.ca }, sasl: sasl! },
      { brokers, ssl: other.clientSettings.kafkajs.ssl!, sasl: sasl! },
      { brokers, ssl: ssl! },
      { brokers },
    ]
    for (const settings of wrong) {
      await expect(roundTrip({ ...settings, requestTimeout: 2_000 })).rejects.toThrow()
    }
    expect(await roundTrip({ brokers, ssl: ssl!, sasl: sasl! })).toBe(1)
  })

  // In SCRAM, kafkajs garbles what is not ASCII.
  test.each([
    ['PLAIN', 'älice "x"', "p'wé\\"],
    ['SCRAM-SHA-512', 'alice "x"=,;', "p'w\\"],
  ] as const)('%s: users are who they say, whatever their letters', async (mechanism, name, pw) => {
    const settings = {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:admin',
    }
    const users = { admin: 'a"\\b c=;', [name]: pw }
    const broker = await start({
      security: { protocol: 'SASL_PLAINTEXT', mechanism, users },
      settings,
    })
    expect(await roundTrip(broker.clientSettingsOf('admin').kafkajs)).toBe(1)
    // Let in, but without a right.
    const { kafkajs: own } = broker.clientSettingsOf(name)
    await expect(roundTrip(own)).rejects.toThrow(/[Nn]ot authorized/)
    expect(() => broker.clientSettingsOf('nobody')).toThrow(RangeError)
  })

  test('all brokers of a cluster, and each again after a restart', async () => {
    const broker = await start({ brokers: 2, security: 'SASL_SSL' })
    const { kafkajs: settings } = broker.clientSettings
    expect(settings.brokers).toHaveLength(2)
    await roundTrip(settings)
    await broker.restartBroker(1)
    for (const one of settings.brokers) {
      expect(await roundTrip({ ...settings, brokers: [one] })).toBeGreaterThan(1)
    }
  })

  test('with a directory, passwords and certificates are new at each start', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'odradek-secured-'))
    cleanUps.push(() => rmSync(dataDir, { recursive: true, force: true }))
    const security = { protocol: 'SASL_SSL', mechanism: 'SCRAM-SHA-256' } as const
    const first = await start({ dataDir, security })
    const old = first.clientSettings.kafkajs
    expect(await roundTrip(old)).toBe(1)
    await first.stop()
    const second = await start({ dataDir, security })
    const now = second.clientSettings.kafkajs
    expect(await roundTrip(now)).toBe(2)
    await expect(roundTrip({ ...now, sasl: old.sasl! })).rejects.toThrow()
    await expect(roundTrip({ ...now, ssl: old.ssl! })).rejects.toThrow()
  })

  test.each([
    'ssl',
    'PLAINTEXT',
    7,
    {},
    { protocol: 'TLS' },
    { mechanism: 'PLAIN' },
    { protocol: ['SSL'] },
    { protocol: 'SASL_SSL', mechanism: ['PLAIN'] },
    { protocol: 'SASL_SSL', users: { 'a\nb': 'c' } },
    { protocol: 'SSL', mechanism: 'GSSAPI' },
    { protocol: 'SSL', clientAuth: true },
    { protocol: 'SSL', users: {} },
    { protocol: 'SSL', users: { alice: '' } },
    { protocol: 'SSL', user: 'alice' },
  ])('%j is refused', async (security) => {
    const options = { security } as unknown as BrokerOptions
    await expect(start(options)).rejects.toThrow(/security must be SSL, SASL_PLAINTEXT, SASL_SSL/)
  })

  test.each([
    [{ protocol: 'SASL_PLAINTEXT', clientAuth: 'required' }, 'clientAuth needs SSL or SASL_SSL'],
    [{ protocol: 'SSL', mechanism: 'PLAIN' }, 'mechanism needs SASL_PLAINTEXT or SASL_SSL'],
  ] as const)('%j is refused: %s', async (security, why) => {
    await expect(start({ security })).rejects.toThrow(why)
  })

  test('listeners of its own are refused', async () => {
    const settings = { listeners: 'SSL://127.0.0.1:0' }
    await expect(start({ security: 'SSL', settings })).rejects.toThrow(/exclude each other/)
  })
})

describe('the inter-broker listener', () => {
  test('must trust itself', async () => {
    const authority = await MadeAuthority.make(systemRandom)
    const settings = { 'ssl.truststore.certificates': authority.certificate }
    await expect(start({ security: 'SSL', settings })).rejects.toThrow(
      /a client with these settings cannot connect to the inter-broker listener SSL/,
    )
  })

  test('is given keys in PEM that its own authority has issued, and no others', async () => {
    const broker = await start({ security: 'SSL' })
    const { kafkajs: settings } = broker.clientSettings
    const admin = new kafkajs.Kafka({ ...quiet, ...settings }).admin()
    cleanUps.push(() => admin.disconnect())
    await admin.connect()
    const strange = await (await MadeAuthority.make(systemRandom)).issue('localhost', ['localhost'])
    const configEntries = [
      { name: 'listener.name.ssl.ssl.keystore.key', value: strange.key },
      { name: 'listener.name.ssl.ssl.keystore.certificate.chain', value: strange.certificate },
    ]
    const resources = [{ type: kafkajs.ConfigResourceTypes.BROKER, name: '1', configEntries }]
    // The message says that names are lost; kafkajs does not show it.
    await expect(admin.alterConfigs({ resources, validateOnly: false })).rejects.toMatchObject({
      type: 'INVALID_REQUEST',
    })
    const socket = connect({ port: broker.port, host: '127.0.0.1', ca: settings.ssl!.ca })
    await once(socket, 'secureConnect')
    expect(socket.authorized).toBe(true)
    socket.destroy()
  })
})

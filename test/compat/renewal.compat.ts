import { once } from 'node:events'
import { copyFileSync, writeFileSync } from 'node:fs'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { requestFrame } from '../../src/protocol/frame.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.ts'
import { runWell } from './process.ts'
import {
  type AlterCase,
  alterCases,
  interBrokerSettings,
  makeRenewals,
} from './security/renewal-cases.ts'
import { SaslClient } from './security/sasl-client.ts'
import {
  makeStores,
  passwords,
  type Secured,
  type Stores,
  startSecured,
  storePassword,
} from './security/secured.ts'
import { soon, targetName } from './targets.ts'

type Changes = AlterCase['changes']
const names = [targetName, 'kafka'] as const

describe.skipIf(inject('javaMissing') !== null)('keys and certificates without a restart', () => {
  let stores: Stores
  let brokers: readonly Secured[] = []
  let cases: readonly AlterCase[] = []

  beforeAll(async () => {
    stores = await makeStores()
    cases = await makeRenewals(stores).then((pem) => alterCases(stores, pem))
    const settings = interBrokerSettings(stores)
    brokers = await Promise.all(names.map((name) => startSecured(name, stores, settings)))
  }, 180_000)
  afterAll(async () => {
    await Promise.all(brokers.map(({ target }) => target.close()))
    stores?.close()
  })

  const brokerOf = (name: (typeof names)[number]) => brokers[names.indexOf(name)]!
  const both = <T>(ask: (broker: Secured) => Promise<T>): Promise<T[]> =>
    Promise.all(brokers.map(ask))

  test('bad ones are refused, in the same words', async () => {
    const [ours, theirs] = await both(async (broker) => {
      const answers: Record<string, string> = {}
      for (const { title, changes } of cases) {
        answers[title] = steady(await alter(broker, changes, true))
      }
      return answers
    })
    expect(ours).toEqual(theirs)
    const refused = Object.values(ours!).filter((answer) => answer.startsWith('42'))
    expect(refused.length).toBeGreaterThan(40)
  })

  test.each(names)('%s: a key is renewed under a running producer', async (name) => {
    const broker = brokerOf(name)
    const port = broker.ports.both
    const at = (changes: Changes) => ofListener('both', changes)
    const before = await serialOf(port)
    const { session, socket } = await resumable(port)
    const load = await startLoad(port)
    await load.sent(20)
    const file = stores.path(`${name}.p12`)
    copyFileSync(stores.path('renewed.p12'), file)
    expect(await alter(broker, at({ 'ssl.keystore.location': file }))).toBe('0 null')
    await expect.poll(() => serialOf(port), soon).not.toBe(before)
    const renewed = await serialOf(port)
    // A session of the old certificate does not keep it alive.
    expect(await serialOf(port, { session })).toBe(renewed)

    // The same path and password, with another key in the file.
    copyFileSync(stores.path('more-names.p12'), file)
    expect(await serialOf(port)).toBe(renewed)
    expect(await alter(broker, at({ 'ssl.keystore.location': file }))).toBe('0 null')
    await expect.poll(() => serialOf(port), soon).not.toBe(renewed)
    const third = await serialOf(port)

    // A file that went bad is found too late to refuse it: the listener goes on as it was.
    writeFileSync(file, 'no key store')
    expect(await alter(broker, at({ 'ssl.keystore.location': file }))).toBe('0 null')
    await load.sent(20)
    expect(await serialOf(port)).toBe(third)

    expect(socket.destroyed || socket.readableEnded).toBe(false)
    socket.destroy()
    const { sent, failed } = await load.stop()
    expect(failed).toEqual([])
    expect(await countOf(port)).toBe(sent)
    expect(new Set([before, renewed, third]).size).toBe(3)
  })

  test.each(names)('%s: trust is renewed', async (name) => {
    const broker = brokerOf(name)
    const stranger = await readPem(stores, 'stranger')
    const isServed = () => isTlsServed(broker.ports.tls, { key: stranger, cert: stranger })
    expect(await isServed()).toBe(false)
    const trust = { 'ssl.truststore.location': stores.path('more-peers.p12') }
    expect(await alter(broker, ofListener('tls', trust))).toBe('0 null')
    await expect.poll(isServed, soon).toBe(true)
    await alter(broker, ofListener('tls', { 'ssl.truststore.location': null }))
    await expect.poll(isServed, soon).toBe(false)
  })

  test.each(names)('%s: other settings of an open listener wait for a start', async (name) => {
    const broker = brokerOf(name)
    const jaas = `org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="other";`
    const changes = ofListener('sasl', {
      'plain.sasl.jaas.config': jaas,
      'connections.max.reauth.ms': '1',
      'sasl.enabled.mechanisms': 'OAUTHBEARER',
    })
    expect(await alter(broker, changes)).toBe('0 null')
    const client = new SaslClient(broker.ports.sasl)
    await client.handshake('PLAIN')
    await client.sendToken(Buffer.from(`\0alice\0${passwords.alice}`))
    client.close()
    expect(client.transcript.at(-1)).toMatch(/"errorCode":"NONE".*"sessionLifetimeMs":0/)
  })
})

const ofListener = (listener: string, changes: Changes): Changes =>
  Object.fromEntries(
    Object.entries(changes).map(([key, value]) => [`listener.name.${listener}.${key}`, value]),
  )

/** Alters settings of broker 1. @returns the error code and the message. */
async function alter({ ports }: Secured, changes: Changes, validateOnly = false): Promise<string> {
  const configs = Object.entries(changes).map(([name, value]) => ({
    ...{ name, value },
    configOperation: value === null ? 1 : 0,
  }))
  const client = new SaslClient(ports.open)
  const { responses } = await client.ask(incrementalAlterConfigs, 1, {
    resources: [{ resourceType: 4, resourceName: '1', configs }],
    validateOnly,
  })
  client.close()
  return `${responses[0].errorCode} ${responses[0].errorMessage}`
}

/** Without what differs between two starts of Kafka, or between two libraries of TLS. */
const steady = (answer: string) =>
  answer
    .replace('[[7, 127.0.0.1], [2, localhost]]', '[[2, localhost], [7, 127.0.0.1]]')
    .replace(/(SSLHandshakeException: PKIX path ).*$/, '$1…')

const anyCertificate: ConnectionOptions = { host: '127.0.0.1', rejectUnauthorized: false }

async function open(port: number, more: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ ...anyCertificate, port, ...more })
  await once(socket, 'secureConnect')
  socket.on('error', () => {})
  return socket
}

/** The serial number of the certificate that a new connection is shown. */
async function serialOf(port: number, more: ConnectionOptions = {}): Promise<string> {
  const socket = await open(port, more)
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

/** An open connection, and the session by which another one could be begun. */
async function resumable(port: number): Promise<{ session: Buffer; socket: TLSSocket }> {
  const socket = connect({ ...anyCertificate, port, maxVersion: 'TLSv1.2' })
  const [session] = await once(socket, 'session')
  socket.on('error', () => {})
  return { session, socket }
}

/** Whether a client with this certificate gets an answer. */
async function isTlsServed(port: number, own: ConnectionOptions): Promise<boolean> {
  const socket = connect({ ...anyCertificate, port, ...own })
  const header = { correlationId: 1, clientId: 'renewal' }
  const isAnswered = await new Promise<boolean>((resolve) => {
    socket.on('error', () => resolve(false))
    socket.on('close', () => resolve(false))
    socket.on('data', () => resolve(true))
    socket.write(Buffer.concat(requestFrame(apiVersions, 0, header, {})))
  })
  socket.destroy()
  return isAnswered
}

async function readPem(stores: Stores, name: string): Promise<string> {
  const from = ['pkcs12', '-in', stores.path(`${name}.p12`), '-passin', `pass:${storePassword}`]
  return runWell('openssl', [...from, '-nodes'], { timeoutMs: 60_000 })
}

const topic = 'renewed'
const clientOf = (port: number) =>
  new kafkajs.Kafka({
    brokers: [`127.0.0.1:${port}`],
    ssl: { rejectUnauthorized: false },
    sasl: { mechanism: 'plain', username: 'alice', password: passwords.alice },
    logLevel: kafkajs.logLevel.NOTHING,
  })

/** Sends records one by one until it is stopped. */
async function startLoad(port: number) {
  const client = clientOf(port)
  const admin = client.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  await admin.disconnect()
  const producer = client.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const failed: string[] = []
  let sent = 0
  let isRunning = true
  const ended = (async () => {
    while (isRunning) {
      try {
        await producer.send({ topic, messages: [{ value: `${sent}` }] })
        sent++
      } catch (error) {
        failed.push(String(error))
      }
    }
  })()
  return {
    /** Resolves when so many more records are acknowledged. */
    async sent(count: number): Promise<void> {
      const target = sent + count
      await expect.poll(() => sent, soon).toBeGreaterThanOrEqual(target)
    },
    async stop() {
      isRunning = false
      await ended
      await producer.disconnect()
      return { sent, failed }
    },
  }
}

async function countOf(port: number): Promise<number> {
  const admin = clientOf(port).admin()
  await admin.connect()
  const [partition] = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  return Number(partition!.high)
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as kafkajs from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { Broker } from '../../src/index.ts'
import { freePort } from './free-port.ts'
import { KafkaQuorum } from './kafka/quorum.ts'
import { Stores, storePassword } from './security/secured.ts'
import type { Settings } from './targets.ts'

const brokerId = 7
const loginModule = 'org.apache.kafka.common.security.plain.PlainLoginModule'

/** Settings of all nodes for the listener of the controllers: TLS, and PLAIN in it. */
function securityOf(stores: Stores, password = 'node-pw'): Settings {
  const login = `username="node" password="${password}" user_node="node-pw"`
  return {
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:SASL_SSL,PLAINTEXT:PLAINTEXT',
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.controller.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.controller.plain.sasl.jaas.config': `${loginModule} required ${login};`,
    'ssl.keystore.location': stores.path('node.p12'),
    'ssl.keystore.password': storePassword,
    'ssl.keystore.type': 'PKCS12',
    'ssl.truststore.location': stores.path('nodes.p12'),
    'ssl.truststore.password': storePassword,
    'ssl.truststore.type': 'PKCS12',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // Clients of the broker's listener are anonymous; on that of the controllers nobody is.
    'super.users': 'User:node;User:ANONYMOUS',
  }
}

const asText = (settings: Settings) =>
  Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, String(value)]))

/** Creates a topic on the broker through its controller, and produces to it. */
async function use(address: string): Promise<number> {
  const client = new kafkajs.Kafka({ brokers: [address], logLevel: 0 })
  const admin = client.admin()
  await admin.connect()
  await admin.createTopics({
    topics: [{ topic: 't', replicaAssignment: [{ partition: 0, replicas: [brokerId] }] }],
    waitForLeaders: true,
  })
  const producer = client.producer()
  await producer.connect()
  const [sent] = await producer.send({ topic: 't', messages: [{ value: 'a' }] })
  await producer.disconnect()
  await admin.disconnect()
  return sent!.errorCode
}

describe.skipIf(inject('javaMissing') !== null)('a cluster whose controllers use SASL_SSL', () => {
  const stores = new Stores()
  const folder = mkdtempSync(join(tmpdir(), 'secure-cluster-'))
  const open: { stop(): Promise<void> }[] = []

  beforeAll(async () => {
    await stores.makeKey('node', 'CN=localhost,O=odradek')
    await stores.makeTrust('nodes.p12', 'PKCS12', ['node'])
  }, 60_000)
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.stop()
  })
  afterAll(() => {
    stores.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const join7 = async (dir: string, bootstrap: string, own: Settings, limitMs = 60_000) => {
    const broker = await Broker.start({
      dataDir: join(folder, dir),
      properties: asText({
        ...{ 'process.roles': 'broker', 'node.id': brokerId, ...own },
        ...{ 'odradek.join.cordoned': 'false', listeners: 'PLAINTEXT://127.0.0.1:0' },
        'controller.quorum.bootstrap.servers': bootstrap,
        'initial.broker.registration.timeout.ms': limitMs,
      }),
    })
    open.push(broker)
    return broker
  }

  test('its own controller, and a broker', async () => {
    const at = `127.0.0.1:${await freePort()}`
    const controller = await Broker.start({
      dataDir: join(folder, 'controller'),
      properties: asText({
        ...{ 'process.roles': 'controller', 'node.id': 3000, ...securityOf(stores) },
        ...{ listeners: `CONTROLLER://${at}`, 'controller.quorum.bootstrap.servers': at },
      }),
    })
    open.push(controller)
    const broker = await join7('own', at, securityOf(stores))
    expect(await use(broker.address)).toBe(0)
    await expect(join7('wrong', at, securityOf(stores, 'other-pw'), 2_000)).rejects.toThrow(
      /Authentication failed: Invalid username or password/,
    )
  })

  test('a controller of Apache Kafka, and a broker', { timeout: 240_000 }, async () => {
    const settings = securityOf(stores)
    const quorum = await KafkaQuorum.start({ controllers: 1, voters: 'in the log', settings })
    open.push({ stop: () => quorum.close() })
    const { host, port } = quorum.bootstrap[0]!
    const at = `${host}:${port}`
    const broker = await join7('joined', at, settings)
    expect(await use(broker.address)).toBe(0)
    await broker.restartBroker(brokerId)
    expect(broker.brokers[0]!.isRunning).toBe(true)
    await expect(join7('wrong again', at, securityOf(stores, 'other-pw'), 2_000)).rejects.toThrow(
      /Authentication failed: Invalid username or password/,
    )
  })
})

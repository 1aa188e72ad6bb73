import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemRandom } from '../../src/base/random.ts'
import { Broker } from '../../src/index.ts'
import { MadeAuthority } from '../../src/security/tls/made-certificates.ts'

let broker: Broker
let port: number
const ca: string[] = []

beforeAll(async () => {
  const authority = await MadeAuthority.make(systemRandom)
  const { key, certificate } = await authority.issue('broker', ['localhost', '127.0.0.1'])
  ca.push(authority.certificate)
  broker = await Broker.start({
    memory: true,
    properties: {
      listeners: 'SSL://127.0.0.1:0,PLAINTEXT://127.0.0.1:0',
      'max.connections.per.ip': '2',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.key': key,
      'ssl.keystore.certificate.chain': certificate,
    },
  })
  port = broker.listeners.find(({ name }) => name === 'SSL')!.port
})
afterAll(() => broker.stop())

const dial = async (): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}
const ended = (socket: Socket) => once(socket.resume(), 'close')

/** Whether a handshake succeeds; its connection is closed again. */
const isServed = () =>
  new Promise<boolean>((resolve) => {
    const client = connectTls({ port, host: '127.0.0.1', ca, servername: 'localhost' })
    client.once('secureConnect', () => client.destroy())
    client.once('secureConnect', () => resolve(true))
    client.once('error', () => resolve(false))
    client.once('close', () => resolve(false))
  })

test('connections count before their handshake, and no longer than they live', async () => {
  const silent = [await dial(), await dial()]
  await ended(await dial())
  expect(await isServed()).toBe(false)
  for (const socket of silent) socket.destroy()
  await expect.poll(isServed).toBe(true)
  for (let i = 0; i < 5; i++) {
    const plain = await dial()
    plain.write('GET / HTTP/1.1\r\n\r\n')
    await ended(plain)
    await expect.poll(isServed).toBe(true)
  }
  for (let i = 0; i < 5; i++) await expect.poll(isServed).toBe(true)
})

test('a client that is silent at first is served, and ends a stop', async () => {
  const socket = await dial()
  const client = connectTls({ socket, ca, servername: 'localhost' })
  await once(client, 'secureConnect')
  const another = await dial()
  await broker.stop()
  await Promise.all([ended(client), ended(another)])
})

import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { Assembly } from '../../src/server/assembly.ts'
import { RawClient } from './raw-client.ts'

const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

test('frames of clients that have not logged in take nothing of what requests may hold', async () => {
  const module = 'org.apache.kafka.common.security.plain.PlainLoginModule'
  const broker = await Assembly.build({
    ...{ memory: true, logger: silentLogger, clock: systemClock, random: systemRandom },
    settings: {
      listeners: 'PLAINTEXT://127.0.0.1:0,SASL://127.0.0.1:0',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.sasl.plain.sasl.jaas.config': `${module} required;`,
      'queued.max.request.bytes': 20_000_000,
      'socket.request.max.bytes': 10_000_000,
    },
  })
  try {
    const [open, sasl] = broker.addressesOf(1).map(({ port }) => port)
    const begun = Buffer.from([0, 0x08, 0, 0, 0])
    const sent = Array.from({ length: 60 }, () => {
      const socket = connect(sasl!, '127.0.0.1').on('error', () => {})
      sockets.push(socket)
      return new Promise<void>((resolve) => socket.write(begun, () => resolve()))
    })
    await Promise.all(sent)
    const client = await RawClient.open(open!)
    sockets.push(client.socket)
    // Behind the bytes of the sockets before it: a login that is answered was read after them.
    const last = await RawClient.open(sasl!)
    sockets.push(last.socket)
    await last.request(apiVersions, 0, {})
    for (let i = 0; i < 3; i++) {
      expect((await client.request(apiVersions, 0, {})).errorCode).toBe(0)
    }
  } finally {
    await broker.close()
  }
})

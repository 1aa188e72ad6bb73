import { once } from 'node:events'
import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import { readResponse, requestFrame } from '../../src/protocol/frame.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { Assembly } from '../../src/server/assembly.ts'
import { NodeTransport } from '../../src/server/node-transport.ts'
import type { AcceptorEvents, Arrival, Channel, Transport } from '../../src/server/transport.ts'

/** Two ends of a connection within this process. */
function ends(): [Duplex, Duplex] {
  const ours: Duplex = end(() => theirs)
  const theirs: Duplex = end(() => ours)
  return [ours, theirs]
}

function end(other: () => Duplex): Duplex {
  return new Duplex({
    read: () => {},
    write: (bytes: Buffer, _encoding, done) => {
      other().push(Buffer.from(bytes))
      done()
    },
    final: (done) => {
      other().push(null)
      done()
    },
  })
}

class MemoryTransport implements Transport {
  private events: AcceptorEvents | null = null

  async listen(_endpoint: unknown, events: AcceptorEvents) {
    this.events = events
    return { port: 9092, close: async () => {} }
  }

  dial(): Duplex {
    const [ours, theirs] = ends()
    const channel: Channel = {
      ...{ local: { host: 'here', port: 9092 }, remote: { host: 'there', port: 1 } },
      ...{
        stream: theirs,
        descriptor: null,
        piecesAreReused: false as const,
        peerCertificate: null,
      },
      read: (onBytes) => void theirs.on('data', onBytes),
    }
    const open = (ready: (channel: Channel) => void) => ready(channel)
    this.events!.accepted({ remote: channel.remote, stream: theirs, open })
    return ours
  }
}

test('a broker speaks to whatever connects, without a socket', async () => {
  const transport = new MemoryTransport()
  const outside = { clock: systemClock, random: systemRandom, logger: silentLogger }
  const assembly = await Assembly.build({ ...outside, memory: true, transport })
  const client = transport.dial()
  const software = { clientSoftwareName: 'memory', clientSoftwareVersion: '1' }
  const header = { correlationId: 7, clientId: null }
  client.write(Buffer.concat(requestFrame(apiVersions, 3, header, software)))
  const [frame] = (await once(client, 'data')) as [Buffer]
  const { correlationId, body } = readResponse(apiVersions, 3, frame.subarray(4))
  expect([correlationId, body.errorCode]).toEqual([7, 0])
  client.end()
  await assembly.close()
})

test('bytes that came before a connection is read are not lost', async () => {
  let accepted: (arrival: Arrival) => void = () => {}
  const coming = new Promise<Arrival>((resolve) => (accepted = resolve))
  const failed = () => {}
  const acceptor = await new NodeTransport().listen(
    { host: '127.0.0.1', port: 0 },
    { accepted, failed },
  )
  const client = connect(acceptor.port, '127.0.0.1')
  client.write('early')
  const arrival = await coming
  const channel = await new Promise<Channel>((resolve) => arrival.open(resolve))
  await new Promise((resolve) => setTimeout(resolve, 50))
  const first = new Promise<string>((resolve) => channel.read((piece) => resolve(String(piece))))
  expect(await first).toBe('early')
  expect(channel.remote).toEqual({ host: '127.0.0.1', port: client.localPort })
  channel.stream.end('bye')
  expect(String((await once(client, 'data'))[0])).toBe('bye')
  client.destroy()
  await acceptor.close()
})

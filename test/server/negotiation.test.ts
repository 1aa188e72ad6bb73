import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Broker } from '../../src/server/broker.ts'
import refused from '../golden/api-versions-refused.json' with { type: 'json' }
import { RawClient } from './raw-client.ts'

/** Requests to Apache Kafka 4.4.0 (node 1) and its answers, as whole frames. */
describe('ApiVersions is refused in the bytes of Apache Kafka', () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await Broker.start({ port: 0, memory: true })
  })
  afterAll(() => broker.stop())

  test.each(refused)('$case', async ({ request, response }) => {
    const client = await RawClient.open(broker.port)
    client.socket.write(Buffer.from(request, 'hex'))
    const frame = await client.nextFrame()
    expect(frame?.toString('hex')).toBe(response.slice(8))
    client.close()
  })

  test('its header is that of the version all the same: without tagged fields it is cut off', async () => {
    const client = await RawClient.open(broker.port)
    // ApiVersions, version 99, correlation id 7, no client id, no body.
    client.socket.write(Buffer.from('0000000a0012006300000007ffff', 'hex'))
    expect(await client.nextFrame()).toBeNull()
    client.close()
  })
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readResponse } from '../../src/protocol/frame.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { Batch } from '../../src/protocol/records/batch.ts'
import { readRecords, writeBatch } from '../../src/protocol/records/record.ts'
import { Broker } from '../../src/server/broker.ts'
import { newSeeds, seeded } from '../seeded.ts'
import { RawClient } from './raw-client.ts'

let broker: Broker
beforeAll(async () => {
  broker = await Broker.start({
    port: 0,
    memory: true,
    settings: { 'socket.request.max.bytes': 1_000_000 },
  })
  const client = await RawClient.open(broker.port)
  const topic = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  await client.request(createTopics, 5, {
    topics: ['quiet', 'log'].map((name) => ({ name, ...topic })),
  })
  client.close()
})
afterAll(() => broker.stop())

const software = { clientSoftwareName: 'raw', clientSoftwareVersion: '1' }
const fetchOf = (topic: string, maxWaitMs: number) => ({
  maxWaitMs,
  minBytes: 1,
  isolationLevel: 0,
  topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }],
})
const produceOf = (topic: string, value: string) => ({
  acks: -1,
  timeoutMs: 1000,
  topicData: [
    {
      name: topic,
      partitionData: [
        {
          index: 0,
          records: writeBatch({
            records: [{ key: null, value: Buffer.from(value), timestampMs: Date.now() }],
          }),
        },
      ],
    },
  ],
})

describe('a connection', () => {
  const split = '1,000 frames split at random points are answered in order (ODRADEK_SEED=%d)'
  test.each(newSeeds())(split, async (seed) => {
    const random = seeded(seed)
    const client = await RawClient.open(broker.port)
    const frames = Array.from({ length: 1000 }, (_, i) => {
      if (i % 3 === 0)
        return { api: metadata, version: 12, ...client.frameOf(metadata, 12, { topics: [] }) }
      const version = i % 6
      return { api: apiVersions, version, ...client.frameOf(apiVersions, version, software) }
    })
    const stream = Buffer.concat(frames.map(({ bytes }) => bytes))
    for (let at = 0; at < stream.length; ) {
      const end = Math.min(stream.length, at + 1 + Math.floor(random() * 60))
      await new Promise((done) => client.socket.write(stream.subarray(at, end), done))
      at = end
    }
    for (const { api, version, correlationId } of frames) {
      const frame = await client.nextFrame()
      expect(frame).not.toBeNull()
      expect(readResponse(api, version, frame!).correlationId).toBe(correlationId)
    }
    client.close()
  })

  const mixed = 'large frames among small ones keep every byte (ODRADEK_SEED=%d)'
  test.each(newSeeds())(mixed, async (seed) => {
    const random = seeded(seed)
    const client = await RawClient.open(broker.port)
    const end = await client.request(fetch, 11, fetchOf('log', 0))
    const fetchOffset = end.responses[0]!.partitions[0]!.highWatermark
    const letters = 'abcdefghijklmnopqrstuvwxyz'
    const values = Array.from({ length: 40 }, (_, i) =>
      letters[i % 26]!.repeat(1 + Math.floor(random() ** 3 * 400_000)),
    )
    const stream = Buffer.concat(
      values.flatMap((value) => [
        client.frameOf(produce, 9, produceOf('log', value)).bytes,
        client.frameOf(metadata, 12, { topics: [] }).bytes,
      ]),
    )
    for (let at = 0; at < stream.length; ) {
      const till = Math.min(stream.length, at + 1 + Math.floor(random() * 150_000))
      await new Promise((done) => client.socket.write(stream.subarray(at, till), done))
      at = till
    }
    for (let i = 0; i < 2 * values.length; i++) expect(await client.nextFrame()).not.toBeNull()
    for (const [i, value] of values.entries()) {
      const one = fetchOf('log', 0)
      one.topics[0]!.partitions[0]!.fetchOffset = fetchOffset + i
      const { responses } = await client.request(fetch, 11, one)
      const [found] = await readRecords(new Batch(responses[0]!.partitions[0]!.records!))
      expect(found?.value?.equals(Buffer.from(value)), `record ${i}`).toBe(true)
    }
    client.close()
  })

  test('a frame that comes byte by byte is answered', async () => {
    const client = await RawClient.open(broker.port)
    const { bytes } = client.frameOf(apiVersions, 3, software)
    for (const byte of bytes) {
      await new Promise((done) => client.socket.write(Buffer.of(byte), done))
    }
    const { body } = readResponse(apiVersions, 3, (await client.nextFrame())!)
    expect(body.errorCode).toBe(0)
    client.close()
  })

  test('100 pipelined requests behind a long poll are answered in order', async () => {
    const client = await RawClient.open(broker.port)
    const poll = client.frameOf(fetch, 11, fetchOf('quiet', 300))
    const others = Array.from({ length: 100 }, () => client.frameOf(metadata, 9, { topics: [] }))
    const startedMs = performance.now()
    client.socket.write(Buffer.concat([poll, ...others].map(({ bytes }) => bytes)))
    const first = readResponse(fetch, 11, (await client.nextFrame())!)
    expect(first.correlationId).toBe(poll.correlationId)
    expect(performance.now() - startedMs).toBeGreaterThan(250)
    for (const { correlationId } of others) {
      const answer = readResponse(metadata, 9, (await client.nextFrame())!)
      expect(answer.correlationId).toBe(correlationId)
      expect(answer.body.brokers).toHaveLength(1)
    }
    client.close()
  })

  test('what stands behind a long poll is begun while it waits', async () => {
    const client = await RawClient.open(broker.port)
    const poll = client.frameOf(fetch, 11, fetchOf('log', 20_000))
    const send = client.frameOf(produce, 9, produceOf('log', 'wakes the poll'))
    client.socket.write(Buffer.concat([poll.bytes, send.bytes]))
    const { body } = readResponse(fetch, 11, (await client.nextFrame())!)
    expect(body.responses[0].partitions[0].records.length).toBeGreaterThan(0)
    const answer = readResponse(produce, 9, (await client.nextFrame())!)
    expect(answer.body.responses[0].partitionResponses[0].errorCode).toBe(0)
    client.close()
  })

  test('a Fetch behind a Produce without acks sees its records', async () => {
    const client = await RawClient.open(broker.port)
    const end = await client.request(fetch, 11, fetchOf('log', 0))
    const before = end.responses[0]!.partitions[0]!.highWatermark
    const quiet = client.frameOf(produce, 9, { ...produceOf('log', 'seen at once'), acks: 0 })
    const poll = client.frameOf(fetch, 11, fetchOf('log', 0))
    client.socket.write(Buffer.concat([quiet.bytes, poll.bytes]))
    const { body } = readResponse(fetch, 11, (await client.nextFrame())!)
    expect(body.responses[0].partitions[0].highWatermark).toBe(before + 1)
    client.close()
  })

  test('a half-closed peer still gets its answers', async () => {
    const client = await RawClient.open(broker.port)
    const { bytes, correlationId } = client.frameOf(fetch, 11, fetchOf('quiet', 100))
    client.socket.end(bytes)
    const answer = readResponse(fetch, 11, (await client.nextFrame())!)
    expect(answer.correlationId).toBe(correlationId)
    expect(await client.nextFrame()).toBeNull()
  })

  test.each([
    ['a length above socket.request.max.bytes', Buffer.from('000f4241', 'hex')],
    ['a negative length', Buffer.from('ffffffff', 'hex')],
    ['an empty frame', Buffer.from('00000000', 'hex')],
    ['an unknown api key', Buffer.from('0000000a03e70000000000010000', 'hex')],
    ['a version that does not exist', Buffer.from('0000000a000303e7000000010000', 'hex')],
    ['a body that is cut off', Buffer.from('0000000b000300010000000100000000', 'hex')],
    ['an array longer than the frame', Buffer.from('0000000e0003000100000001ffff7fffffff', 'hex')],
  ])('%s closes the connection, and only it', async (_, bytes) => {
    const [bad, good] = [await RawClient.open(broker.port), await RawClient.open(broker.port)]
    bad.socket.write(bytes)
    expect(await bad.nextFrame()).toBeNull()
    expect((await good.request(apiVersions, 0, {})).errorCode).toBe(0)
    good.close()
  })

  test('acks=0 has no answer; a failure closes the connection', async () => {
    const client = await RawClient.open(broker.port)
    const quiet = client.frameOf(produce, 9, { ...produceOf('log', 'unheard'), acks: 0 })
    const asked = client.frameOf(apiVersions, 0, {})
    client.socket.write(Buffer.concat([quiet.bytes, asked.bytes]))
    const { correlationId } = readResponse(apiVersions, 0, (await client.nextFrame())!)
    expect(correlationId).toBe(asked.correlationId)
    const lost = client.frameOf(produce, 9, { ...produceOf('no-such-topic', 'lost'), acks: 0 })
    client.socket.write(lost.bytes)
    expect(await client.nextFrame()).toBeNull()
  })

  // Apache Kafka 4.4.0 does the same: with connections.max.idle.ms=1500 a fetch of 4 s ends
  // after 1.5 s.
  test('a connection on which nothing moves is closed, also while a fetch waits', async () => {
    const settings = { 'connections.max.idle.ms': 120 }
    const impatient = await Broker.start({ port: 0, memory: true, settings })
    const idle = await RawClient.open(impatient.port)
    const waiting = await RawClient.open(impatient.port)
    const topics = [
      { name: 'none', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
    ]
    await waiting.request(createTopics, 5, { topics })
    waiting.socket.write(waiting.frameOf(fetch, 11, fetchOf('none', 60_000)).bytes)
    expect(await idle.nextFrame()).toBeNull()
    expect(await waiting.nextFrame()).toBeNull()
    await impatient.stop()
  })

  test('a peer that takes none of its answers is closed too', async () => {
    const settings = { 'connections.max.idle.ms': 120 }
    const impatient = await Broker.start({ port: 0, memory: true, settings })
    const deaf = await RawClient.open(impatient.port)
    const gone = new Promise((resolve) => deaf.socket.once('close', resolve))
    deaf.socket.pause()
    const { bytes } = deaf.frameOf(apiVersions, 0, {})
    // 30 MB of answers: more than the kernel buffers for a peer that does not read.
    for (let i = 0; i < 60; i++) {
      deaf.socket.write(Buffer.concat(Array.from({ length: 1000 }, () => bytes)))
    }
    // A socket that is not read notices its end only when it writes.
    const probe = setInterval(() => deaf.socket.write(bytes), 20)
    await gone
    clearInterval(probe)
    await impatient.stop()
  }, 20_000)

  test('above max.connections new connections wait until others have ended', async () => {
    const settings = { 'max.connections': 2 }
    const small = await Broker.start({ port: 0, memory: true, settings })
    const first = await RawClient.open(small.port)
    const second = await RawClient.open(small.port)
    const third = await RawClient.open(small.port)
    let isServed = false
    const answer = third.request(apiVersions, 0, {}).finally(() => {
      isServed = true
    })
    for (const client of [first, second]) {
      expect((await client.request(apiVersions, 0, {})).errorCode).toBe(0)
    }
    expect(isServed).toBe(false)
    first.close()
    expect((await answer).errorCode).toBe(0)
    second.close()
    third.close()
    await small.stop()
  })

  test('an address has as many connections as max.connections.per.ip says', async () => {
    const settings = {
      'max.connections.per.ip': 5,
      'max.connections.per.ip.overrides': '127.0.0.1:2,127.0.0.9:0',
    }
    const small = await Broker.start({ port: 0, memory: true, settings })
    const [first, second] = [await RawClient.open(small.port), await RawClient.open(small.port)]
    const third = await RawClient.open(small.port)
    expect(await third.nextFrame()).toBeNull()
    expect((await first.request(apiVersions, 0, {})).errorCode).toBe(0)
    second.close()
    // The place is free once the broker has seen the end.
    const isServed = async () => {
      const client = await RawClient.open(small.port)
      client.socket.write(client.frameOf(apiVersions, 0, {}).bytes)
      const answer = await client.nextFrame()
      client.close()
      return answer !== null
    }
    await expect.poll(isServed).toBe(true)
    first.close()
    await small.stop()
  })

  test('a peer that takes no answers does not fill the memory', async () => {
    const client = await RawClient.open(broker.port)
    client.socket.pause()
    // Unknown names are repeated in the answer: a large request has a large answer.
    const topics = Array.from({ length: 1000 }, (_, i) => ({ name: `${i}`.padStart(100, 'x') }))
    const asked = { topics, allowAutoTopicCreation: false }
    const { bytes } = client.frameOf(metadata, 9, asked)
    const count = 600
    for (let i = 0; i < count; i++) client.socket.write(bytes)
    // The broker stops reading: once the kernel's buffers are full, the rest stays in the
    // client.
    await expect
      .poll(() => client.socket.writableLength, { timeout: 10_000, interval: 100 })
      .toBeLessThan(count * bytes.length)
    let before = -1
    await expect
      .poll(() => before === (before = client.socket.writableLength), { interval: 500 })
      .toBe(true)
    expect(client.socket.writableLength).toBeGreaterThan(20 * 1024 * 1024)
    client.socket.resume()
    let answered = 0
    while (answered < count && (await client.nextFrame()) !== null) answered++
    expect(answered).toBe(count)
    client.close()
  })
})

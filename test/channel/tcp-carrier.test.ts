import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { systemRandom } from '../../src/base/random.ts'
import type { Channel } from '../../src/channel/channel.ts'
import { NodeDialer } from '../../src/channel/node-dialer.ts'
import { TcpCarrier } from '../../src/channel/tcp-carrier.ts'
import { Broker } from '../../src/index.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { batchOf } from '../storage/logs.ts'

const carrier = new TcpCarrier({
  dialer: new NodeDialer(),
  clock: systemClock,
  random: systemRandom,
  login: null,
})
const one = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
const creation = { topics: [one], timeoutMs: 9_000 }
const soon = { timeoutMs: 20_000 }
const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

function open(port: number, asksVersions = true, host = '127.0.0.1'): Channel {
  const channel = carrier.open({ nodeId: -1, host, port }, { clientId: 'test', asksVersions })
  cleanUps.push(() => channel.close())
  return channel
}

async function broker(port = 0): Promise<Broker> {
  const started = await Broker.start({ port, memory: true })
  cleanUps.push(() => started.stop())
  return started
}

/** A TCP server that does what `accept` says, and the port it has. */
async function server(accept: (socket: Socket) => void): Promise<number> {
  const listening: Server = createServer((socket) => {
    socket.on('error', () => {})
    cleanUps.push(() => socket.destroy())
    accept(socket)
  }).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  cleanUps.push(() => listening.close())
  return (listening.address() as AddressInfo).port
}

test('a broker answers requests that are sent at once, in their order', async () => {
  const { port } = await broker()
  const channel = open(port)
  const [created, described, versions] = await Promise.all([
    channel.send(createTopics, 7, creation, soon),
    channel.send(metadata, 13, { topics: [{ name: 't' }] }, soon),
    channel.send(apiVersions, 4, { clientSoftwareName: 'a', clientSoftwareVersion: 'b' }, soon),
  ])
  expect(created.topics).toMatchObject([{ name: 't', errorCode: 0 }])
  const [topic] = described.topics
  expect(topic).toMatchObject({ name: 't', topicId: created.topics[0]!.topicId })
  expect(versions.errorCode).toBe(0)
})

test('records of many pieces go and come', async () => {
  const { port } = await broker()
  const channel = open(port)
  const created = await channel.send(createTopics, 7, creation, soon)
  const { topicId } = created.topics[0]!
  const batch = batchOf(100, { bytes: 9_000 })
  const partitionData = [{ index: 0, records: [batch.subarray(0, 5_000), batch.subarray(5_000)] }]
  const topicData = [{ topicId, partitionData }]
  const produced = await channel.send(produce, 13, { acks: -1, timeoutMs: 9_000, topicData }, soon)
  expect(produced.responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 0 })
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 2 ** 30 }]
  const asked = { maxWaitMs: 0, minBytes: 0, topics: [{ topicId, partitions }] }
  const fetched = await channel.send(fetch, 16, { ...asked, forgottenTopicsData: [] }, soon)
  const { records } = fetched.responses[0]!.partitions[0]!
  expect(records!.subarray(16).equals(batch.subarray(16))).toBe(true)
})

test('a version beyond those of the broker is refused with both', async () => {
  const { port } = await broker()
  const asked = { maxWaitMs: 0, minBytes: 0, topics: [], forgottenTopicsData: [] }
  const newer = { ...fetch, versions: [4, 19] as const }
  await expect(open(port).send(newer, 19, asked, soon)).rejects.toMatchObject({
    kind: 'unsupported',
    message: expect.stringContaining('Fetch v19 is not served, but v4 to v18'),
  })
})

test('after a restart of the broker the next request connects again', async () => {
  const first = await broker()
  const channel = open(first.port)
  await channel.send(metadata, 13, { topics: [] }, soon)
  await first.stop()
  await broker(first.port)
  const answer = await channel.send(metadata, 13, { topics: [] }, soon).catch(() => null)
  // The first request may be sent before the end of the old connection is known.
  if (answer === null) await channel.send(metadata, 13, { topics: [] }, soon)
})

test.each([
  ['nobody listens', unusedPort, /ECONNREFUSED/],
  ['the port is none', async () => 70_000, /70000/],
  ['it closes at once', () => server((socket) => socket.end()), /closed|ECONNRESET/],
  ['it resets', () => server((socket) => socket.resetAndDestroy()), /ECONNRESET|closed/],
  ['it answers HTTP', () => server((socket) => socket.end('HTTP/1.1 400 Bad')), /no response/],
])('%s: disconnected', async (_, start, reason) => {
  await expect(open(await start()).send(metadata, 13, { topics: [] }, soon)).rejects.toMatchObject({
    kind: 'disconnected',
    message: expect.stringMatching(reason),
  })
})

test('an unknown host: disconnected', async () => {
  const channel = open(1, true, 'no-such-host.invalid')
  await expect(channel.send(metadata, 13, { topics: [] }, soon)).rejects.toMatchObject({
    kind: 'disconnected',
    message: expect.stringMatching(/no-such-host\.invalid/),
  })
})

test('a peer that takes a request and never answers: timed out, and its socket is closed', async () => {
  let gone: Promise<unknown> | undefined
  const port = await server((socket) => {
    gone = once(socket.resume(), 'close')
  })
  const channel = open(port, false)
  const late = channel.send(metadata, 13, { topics: [] }, { timeoutMs: 300 })
  await expect(late).rejects.toMatchObject({ kind: 'timedOut' })
  await gone
})

test('close ends the socket', async () => {
  let gone: Promise<unknown> | undefined
  const port = await server((socket) => {
    gone = once(socket, 'close')
    socket.once('data', () => channel.close())
  })
  const channel = open(port)
  await expect(channel.send(metadata, 13, { topics: [] }, soon)).rejects.toMatchObject({
    kind: 'closed',
  })
  await gone
})

async function unusedPort(): Promise<number> {
  const listening = createServer().listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const { port } = listening.address() as AddressInfo
  listening.close()
  await once(listening, 'close')
  return port
}

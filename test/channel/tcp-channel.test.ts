import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { type Carrier, type Channel, ChannelFault } from '../../src/channel/channel.ts'
import { TcpCarrier } from '../../src/channel/tcp-carrier.ts'
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.ts'
import type { AnyApi } from '../../src/protocol/schema.ts'
import { FaultyCarrier } from '../../src/sim/faulty-carrier.ts'
import { FaultyNetwork } from '../../src/sim/faulty-network.ts'
import { SteppedClock, settle } from '../coordinator/group/stepped-clock.ts'
import { newSeeds } from '../seeded.ts'
import { seededRandom } from '../storage/logs.ts'
import { ScriptedDialer } from './scripted-dialer.ts'

const lost = new ChannelFault('disconnected', 'read ECONNRESET')
const beat = { groupId: 'g', generationId: 1, memberId: 'm' }
const fine = { errorCode: 0 }

/** The outcome of a request, noted when it comes. */
function sent(channel: Channel, timeoutMs = 60_000, version = 4) {
  const outcome = { value: undefined as unknown, fault: null as ChannelFault | null }
  channel.send(heartbeat, version, beat, { timeoutMs }).then(
    (value) => {
      outcome.value = value
    },
    (fault) => {
      outcome.fault = fault
    },
  )
  return outcome
}

/** All of it must hold for callers behind the carrier of faults, too, while there are none. */
const ways: readonly [string, (carrier: Carrier, clock: Clock) => Carrier][] = [
  ['a TCP channel', (carrier) => carrier],
  [
    'a TCP channel behind a network without faults',
    (inner, clock) => {
      const network = new FaultyNetwork({ clock, random: seededRandom(1) })
      return new FaultyCarrier({ network, nodeId: 1, inner })
    },
  ],
]

describe.each(ways)('%s', (_, wrap) => {
  function setUp(options: { asksVersions?: boolean; seed?: number } = {}) {
    const dialer = new ScriptedDialer([heartbeat as AnyApi, initProducerId as AnyApi])
    const clock = new SteppedClock()
    const random = seededRandom(options.seed ?? 1)
    const carrier = wrap(new TcpCarrier({ dialer, clock, random, login: null }), clock)
    const channel = carrier.open(
      { nodeId: 7, host: 'h', port: 9 },
      { clientId: 'c', asksVersions: options.asksVersions ?? false },
    )
    return { dialer, clock, channel }
  }

  describe('requests and responses', () => {
    test('nothing is dialled before the first request', async () => {
      const { dialer, channel } = setUp()
      await settle()
      expect(dialer.peers).toHaveLength(0)
      sent(channel)
      expect(dialer.peers.map(({ address }) => address)).toEqual(['h:9'])
    })

    test('requests are sent in order, with their header, without waiting for answers', async () => {
      const { dialer, channel } = setUp()
      const outcomes = [sent(channel), sent(channel), sent(channel)]
      dialer.peer.open()
      outcomes.push(sent(channel))
      const { received } = dialer.peer
      expect(received.map(({ correlationId }) => correlationId)).toEqual([0, 1, 2, 3])
      expect(received[0]).toMatchObject({ version: 4, clientId: 'c', body: beat })
      for (let i = 0; i < 4; i++) dialer.peer.answer({ errorCode: i })
      await settle()
      expect(outcomes.map(({ value }) => value)).toMatchObject(
        [0, 1, 2, 3].map((errorCode) => ({ errorCode })),
      )
    })

    test('a response may come in single bytes, and several in one piece', async () => {
      const { dialer, channel } = setUp()
      const outcomes = [sent(channel), sent(channel), sent(channel)]
      dialer.peer.open()
      const { peer } = dialer
      const bytes: Buffer[] = []
      const send = peer.send.bind(peer)
      peer.send = (piece) => void bytes.push(piece)
      for (let i = 0; i < 3; i++) peer.answer({ errorCode: i })
      const all = Buffer.concat(bytes)
      for (let at = 0; at < bytes[0]!.length; at++) send(all.subarray(at, at + 1))
      send(all.subarray(bytes[0]!.length))
      await settle()
      expect(outcomes.map(({ value }) => value)).toMatchObject(
        [0, 1, 2].map((errorCode) => ({ errorCode })),
      )
    })

    test('32 requests are in flight at most, and the next one follows each answer', async () => {
      const { dialer, channel } = setUp()
      for (let i = 0; i < 40; i++) sent(channel)
      dialer.peer.open()
      expect(dialer.peer.received).toHaveLength(32)
      dialer.peer.answer(fine)
      expect(dialer.peer.received).toHaveLength(33)
    })

    test('10,000 requests wait at most', async () => {
      const { channel } = setUp()
      const outcomes = Array.from({ length: 10_001 }, () => sent(channel))
      await settle()
      expect(outcomes[9_999]!.fault).toBeNull()
      expect(outcomes[10_000]!.fault).toMatchObject({ kind: 'overloaded' })
      channel.close()
    })

    test('a body that does not fit fails alone, and takes no correlation id', async () => {
      const { dialer, channel } = setUp()
      const wrong = channel.send(heartbeat, 4, { ...beat, memberId: 5 as never }, { timeoutMs: 9 })
      const outcome = sent(channel)
      dialer.peer.open()
      await expect(wrong).rejects.not.toBeInstanceOf(ChannelFault)
      dialer.peer.answer(fine)
      await settle()
      expect(outcome.value).toMatchObject(fine)
      expect(dialer.peer.received[0]!.correlationId).toBe(0)
    })
  })

  describe('versions', () => {
    test('a connection begins with ApiVersions', async () => {
      const { dialer, channel } = setUp({ asksVersions: true })
      const outcome = sent(channel)
      dialer.peer.open()
      const [asked] = dialer.peer.received
      expect(asked).toMatchObject({ version: 5, body: { clusterId: null, nodeId: -1 } })
      const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
      expect(asked!.body).toMatchObject({
        clientSoftwareName: 'odradek',
        clientSoftwareVersion: version,
      })
      expect(dialer.peer.received).toHaveLength(1)
      dialer.peer.serve([[12, 0, 4]])
      await settle()
      expect(dialer.peer.received).toHaveLength(2)
      dialer.peer.answer(fine)
      await settle()
      expect(outcome.value).toMatchObject(fine)
    })

    test.each([
      [[[18, 0, 3]], 3],
      [[], 0],
    ] as const)('a node that names %j is asked again in v%i', async (apis, version) => {
      const { dialer, channel } = setUp({ asksVersions: true })
      sent(channel)
      dialer.peer.open()
      const apiKeys = apis.map(([apiKey, minVersion, maxVersion]) => ({
        apiKey,
        minVersion,
        maxVersion,
      }))
      dialer.peer.answer({ errorCode: 35, apiKeys }, 0)
      await settle()
      expect(dialer.peer.received.at(-1)).toMatchObject({ api: apiVersions, version })
      dialer.peer.serve([[12, 0, 4]])
      await settle()
      expect(dialer.peer.received.at(-1)).toMatchObject({ api: heartbeat })
    })

    test('a node that refuses the version it has named is given up', async () => {
      const { dialer, channel } = setUp({ asksVersions: true })
      const outcome = sent(channel)
      dialer.peer.open()
      const apiKeys = [{ apiKey: 18, minVersion: 0, maxVersion: 5 }]
      dialer.peer.answer({ errorCode: 35, apiKeys }, 0)
      await settle()
      expect(outcome.fault).toMatchObject({
        kind: 'disconnected',
        message: 'node 7 at h:9: ApiVersions v5 was answered with UNSUPPORTED_VERSION',
      })
      expect(dialer.peer.isDestroyed).toBe(true)
    })

    test('an error of ApiVersions is the reason of the requests', async () => {
      const { dialer, channel } = setUp({ asksVersions: true })
      const outcome = sent(channel)
      dialer.peer.open()
      dialer.peer.answer({ errorCode: 129, apiKeys: [] })
      await settle()
      expect(outcome.fault?.message).toContain('REBOOTSTRAP_REQUIRED')
    })

    test('a version that the node does not serve is not sent', async () => {
      const { dialer, channel } = setUp({ asksVersions: true })
      const newer = sent(channel, 60_000, 4)
      const served = sent(channel, 60_000, 3)
      const unknown = channel.send(
        initProducerId,
        0,
        { transactionalId: null, transactionTimeoutMs: 1 },
        { timeoutMs: 60_000 },
      )
      dialer.peer.open()
      dialer.peer.serve([[12, 1, 3]])
      await expect(unknown).rejects.toMatchObject({
        kind: 'unsupported',
        message: 'node 7 at h:9: InitProducerId v0 is not served at all',
      })
      expect(newer.fault).toMatchObject({
        kind: 'unsupported',
        message: 'node 7 at h:9: Heartbeat v4 is not served, but v1 to v3',
      })
      dialer.peer.answer(fine)
      await settle()
      expect(served.value).toMatchObject(fine)
    })

    test('a node that leaves with its answer is asked again', async () => {
      const { dialer, clock, channel } = setUp({ asksVersions: true })
      const outcome = sent(channel)
      dialer.peer.open()
      dialer.peer.serve([[12, 0, 4]])
      dialer.peer.close(lost)
      await settle()
      expect(outcome.fault).toMatchObject({ kind: 'disconnected' })
      sent(channel)
      await clock.advance(100)
      sent(channel)
      expect(dialer.peer.received).toEqual([])
      dialer.peer.open()
      expect(dialer.peer.received).toMatchObject([{ api: apiVersions }])
    })

    test('each connection asks anew', async () => {
      const { dialer, clock, channel } = setUp({ asksVersions: true })
      sent(channel)
      dialer.peer.open()
      dialer.peer.serve([[12, 0, 3]])
      await settle()
      dialer.peer.close(lost)
      const outcome = sent(channel)
      await clock.advance(1_000)
      dialer.peer.open()
      dialer.peer.serve([[12, 0, 4]])
      await settle()
      dialer.peer.answer(fine)
      await settle()
      expect(outcome.value).toMatchObject(fine)
    })
  })

  describe('time', () => {
    test('a late response closes the connection; the others are disconnected', async () => {
      const { dialer, clock, channel } = setUp()
      const late = sent(channel, 100)
      const other = sent(channel, 60_000)
      dialer.peer.open()
      await clock.advance(99)
      expect(late.fault).toBeNull()
      await clock.advance(1)
      expect(late.fault).toMatchObject({
        kind: 'timedOut',
        message: 'node 7 at h:9: Heartbeat v4 has no response after 100 ms',
      })
      expect(other.fault).toMatchObject({ kind: 'disconnected' })
      expect(dialer.peer.isDestroyed).toBe(true)
    })

    test('a request that was not sent yet times out alone', async () => {
      const { dialer, clock, channel } = setUp()
      const late = sent(channel, 100)
      const other = sent(channel, 60_000)
      await clock.advance(100)
      expect(late.fault).toMatchObject({ kind: 'timedOut' })
      dialer.peer.open()
      expect(dialer.peer.received).toHaveLength(1)
      dialer.peer.answer(fine)
      await settle()
      expect(other.value).toMatchObject(fine)
    })

    test('an answered request has no timer', async () => {
      const { dialer, clock, channel } = setUp()
      sent(channel, 100)
      dialer.peer.open()
      dialer.peer.answer(fine)
      await clock.advance(100_000)
      expect(dialer.peer.isDestroyed).toBe(false)
    })

    test.each([true, false])('a silent node is given up (it accepts: %s)', async (accepts) => {
      const { dialer, clock, channel } = setUp({ asksVersions: true })
      const outcome = sent(channel, 600_000)
      if (accepts) dialer.peer.open()
      await clock.advance(7_999)
      expect(outcome.fault).toBeNull()
      await clock.advance(4_001)
      expect(outcome.fault).toMatchObject({ kind: 'disconnected' })
      expect(outcome.fault?.message).toMatch(/was not ready within \d+ ms/)
      expect(dialer.peer.isDestroyed).toBe(true)
    })

    test('the time that a node has to be ready doubles up to 30 s', async () => {
      const { dialer, clock, channel } = setUp()
      const neededMs: number[] = []
      for (let i = 0; i < 4; i++) {
        const outcome = sent(channel, 600_000)
        await clock.advance(1_000)
        expect(dialer.peers).toHaveLength(i + 1)
        for (let waitedMs = 1_000; outcome.fault === null; waitedMs += 100) {
          neededMs[i] = waitedMs
          await clock.advance(100)
        }
      }
      expect(neededMs[0]).toBeGreaterThanOrEqual(7_900)
      expect(neededMs[0]).toBeLessThanOrEqual(12_000)
      expect(neededMs[1]).toBeGreaterThanOrEqual(15_000)
      expect(neededMs[1]).toBeLessThanOrEqual(24_000)
      expect(neededMs[3]).toBeGreaterThanOrEqual(23_000)
      expect(neededMs[3]).toBeLessThanOrEqual(30_000)
    })

    test.each(newSeeds())('reconnects wait longer each time (ODRADEK_SEED=%d)', async (seed) => {
      const { dialer, clock, channel } = setUp({ seed })
      const delaysMs: number[] = []
      for (let i = 0; i < 8; i++) {
        const outcome = sent(channel)
        const before = clock.monotonicMs()
        while (dialer.peers.length === i) await clock.advance(1)
        delaysMs.push(clock.monotonicMs() - before)
        dialer.peer.close(lost)
        await settle()
        expect(outcome.fault).toMatchObject({ kind: 'disconnected' })
      }
      const bases = [50, 100, 200, 400, 800, 1_000, 1_000]
      expect(delaysMs[0]).toBe(0)
      bases.forEach((baseMs, i) => {
        expect(delaysMs[i + 1]).toBeGreaterThanOrEqual(Math.floor(baseMs * 0.8))
        expect(delaysMs[i + 1]).toBeLessThanOrEqual(Math.min(baseMs * 1.2, 1_000))
      })
    })

    test('a connection that was ready resets the back-off', async () => {
      const { dialer, clock, channel } = setUp()
      for (let i = 0; i < 6; i++) {
        sent(channel)
        await clock.advance(1_000)
        dialer.peer.close(lost)
      }
      sent(channel)
      await clock.advance(1_000)
      dialer.peer.open()
      dialer.peer.close(lost)
      sent(channel)
      await clock.advance(60)
      expect(dialer.peers).toHaveLength(8)
    })

    test('the back-off counts from the disconnect, so an idle one costs the next nothing', async () => {
      const { dialer, clock, channel } = setUp()
      sent(channel)
      dialer.peer.open()
      dialer.peer.answer(fine)
      dialer.peer.close(lost)
      await clock.advance(1_000)
      sent(channel)
      expect(dialer.peers).toHaveLength(2)
    })
  })

  describe('bad peers', () => {
    const frame = (...bytes: number[]) => Buffer.from([0, 0, 0, bytes.length, ...bytes])

    test.each([
      ['the wrong correlation id', frame(0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0), 'correlation id 9'],
      ['a body that ends too early', frame(0, 0, 0, 0, 0, 0), ''],
      ['an empty frame', frame(), 'correlation id null'],
      ['a frame of three bytes', frame(1, 2, 3), 'correlation id null'],
      ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff]), 'a frame of -1 bytes'],
      ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n'), 'the most is'],
    ])('%s disconnects', async (_, bytes, reason) => {
      const { dialer, channel } = setUp()
      const outcomes = [sent(channel), sent(channel)]
      dialer.peer.open()
      dialer.peer.send(bytes)
      await settle()
      for (const { fault } of outcomes) {
        expect(fault).toMatchObject({ kind: 'disconnected' })
        expect(fault?.message).toContain('the node sent bytes that are no response')
        expect(fault?.message).toContain(reason)
      }
      expect(dialer.peer.isDestroyed).toBe(true)
    })

    test('a response that nothing has asked for disconnects', async () => {
      const { dialer, clock, channel } = setUp()
      sent(channel)
      dialer.peer.open()
      dialer.peer.answer(fine)
      dialer.peer.send(frame(0, 0, 0, 1, 0, 0, 0))
      await settle()
      expect(dialer.peer.isDestroyed).toBe(true)
      sent(channel)
      await clock.advance(100)
      expect(dialer.peers).toHaveLength(2)
    })

    test('before a node is known, its responses are short', async () => {
      const { dialer, channel } = setUp({ asksVersions: true })
      const outcome = sent(channel)
      dialer.peer.open()
      dialer.peer.send(Buffer.from([0, 0x10, 0, 1]))
      await settle()
      expect(outcome.fault?.message).toContain('a frame of 1048577 bytes, the most is 1048576')
    })

    test('half a frame ends with the connection', async () => {
      const { dialer, channel } = setUp()
      const outcome = sent(channel)
      dialer.peer.open()
      dialer.peer.send(Buffer.from([0, 0, 0, 90, 0, 0]))
      dialer.peer.close(lost)
      await settle()
      expect(outcome.fault?.message).toBe('node 7 at h:9: read ECONNRESET')
    })

    test('an address that is none fails each request, with a back-off', async () => {
      const { dialer, clock, channel } = setUp()
      dialer.refuses = new RangeError('port 70000')
      const first = sent(channel)
      await settle()
      expect(first.fault?.message).toBe('node 7 at h:9: port 70000')
      dialer.refuses = null
      sent(channel)
      expect(dialer.peers).toHaveLength(0)
      await clock.advance(100)
      expect(dialer.peers).toHaveLength(1)
    })

    test('no bytes of a closed connection are read', async () => {
      const { dialer, channel } = setUp()
      const outcomes = [sent(channel), sent(channel)]
      dialer.peer.open()
      const { peer } = dialer
      const bytes: Buffer[] = []
      const send = peer.send.bind(peer)
      peer.send = (piece) => void bytes.push(piece)
      peer.answer({ errorCode: 1 })
      peer.answer({ errorCode: 2 })
      send(Buffer.concat([frame(9, 9, 9, 9), ...bytes]))
      await settle()
      expect(outcomes.map(({ value }) => value)).toEqual([undefined, undefined])
    })
  })

  describe('close', () => {
    test('rejects what waits and what is in flight, and every later request', async () => {
      const { dialer, channel } = setUp()
      const outcomes = Array.from({ length: 40 }, () => sent(channel))
      dialer.peer.open()
      channel.close()
      outcomes.push(sent(channel))
      channel.close()
      await settle()
      expect(new Set(outcomes.map(({ fault }) => fault?.kind))).toEqual(new Set(['closed']))
      expect(dialer.peer.isDestroyed).toBe(true)
    })

    test('no timer is left of a request, whatever became of it', async () => {
      const { dialer, clock, channel } = setUp()
      sent(channel)
      dialer.peer.open()
      dialer.peer.answer(fine)
      await settle()
      expect(clock.pending).toBe(0)
      for (let i = 0; i < 40; i++) sent(channel)
      dialer.peer.close(lost)
      await settle()
      expect(clock.pending).toBe(0)
      sent(channel, 100)
      sent(channel)
      await clock.advance(70)
      dialer.peer.open()
      await clock.advance(30)
      expect(clock.pending).toBe(0)
      for (let i = 0; i < 40; i++) sent(channel)
      expect(clock.pending).toBeGreaterThan(0)
      channel.close()
      await settle()
      expect(clock.pending).toBe(0)
    })

    test.each(['connecting', 'asking for versions', 'backing off'])('while %s', async (when) => {
      const { dialer, clock, channel } = setUp({ asksVersions: true })
      const first = sent(channel)
      if (when === 'asking for versions') dialer.peer.open()
      if (when === 'backing off') dialer.peer.close(lost)
      const outcome = sent(channel)
      await settle()
      channel.close()
      await clock.advance(100_000)
      expect(outcome.fault).toMatchObject({ kind: 'closed' })
      expect(first.fault).not.toBeNull()
      expect(dialer.peers).toHaveLength(1)
    })
  })
})

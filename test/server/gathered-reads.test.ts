import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { loadReceiveLowWater } from '../../src/base/receive-low-water.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { writeBatch } from '../../src/protocol/records/record.ts'
import { Broker } from '../../src/server/broker.ts'
import { GatheredReads, gatheredBytes } from '../../src/server/gathered-reads.ts'
import { descriptorOf } from '../../src/server/socket-descriptor.ts'
import { SteppedClock, settle } from '../coordinator/group/stepped-clock.ts'
import { socketPair } from '../socket-pair.ts'
import { RawClient } from './raw-client.ts'

const waitMs = 12

interface Sending {
  /** As fast as it may. */
  readonly bytesPerMs: number
  /** It waits for answers when so much has none. */
  readonly unansweredMax?: number
  /** Of each period it sends nothing at the end. */
  readonly pause?: { readonly everyMs: number; readonly ms: number }
}

/** A kernel that is made up, one millisecond after the other: what it was told, and when bytes got through. */
async function madeUp(o: { waitMs?: number; isThere?: boolean } = {}) {
  const clock = new SteppedClock()
  const sockets: { low: number; waiting: number; sinceMs: number }[] = []
  const reads = new GatheredReads({
    waitMs: o.waitMs ?? waitMs,
    clock,
    load: async () =>
      o.isThere === false
        ? null
        : {
            set(socket, bytes) {
              sockets[socket()]!.low = bytes
              return true
            },
            waiting: (socket) => sockets[socket()]!.waiting,
          },
  })
  const connect = () => {
    const socket = { low: 1, waiting: 0, sinceMs: 0 }
    const descriptor = sockets.push(socket) - 1
    const inflow = reads.inflow(() => descriptor)
    const told = { bytes: 0, wakes: 0, waitedMsMax: 0 }
    const read = () => {
      if (socket.waiting === 0 || socket.waiting < socket.low) return
      told.bytes += socket.waiting
      told.wakes++
      told.waitedMsMax = Math.max(told.waitedMsMax, clock.monotonicMs() - socket.sinceMs)
      inflow?.note(socket.waiting, clock.monotonicMs())
      socket.waiting = 0
    }
    const arrive = (bytes: number, unansweredMax = Number.POSITIVE_INFINITY) => {
      read() // What a timer has let go.
      if (socket.waiting === 0) socket.sinceMs = clock.monotonicMs()
      socket.waiting += Math.min(bytes, unansweredMax - socket.waiting)
      read()
    }
    const send = async (forMs: number, { bytesPerMs, unansweredMax, pause }: Sending) => {
      for (let ms = 0; ms < forMs; ms++) {
        await clock.advance(1)
        const isPaused = pause !== undefined && ms % pause.everyMs >= pause.everyMs - pause.ms
        arrive(isPaused ? 0 : bytesPerMs, unansweredMax)
      }
      return told
    }
    return { socket, inflow, send, arrive }
  }
  // The first to stream has it loaded, and does without.
  await connect().send(101, { bytesPerMs: 200_000 })
  await settle()
  return { connect, clock }
}

describe('what a producer streams', () => {
  test('is read in large pieces, none of which waits longer than it may', async () => {
    const { connect } = await madeUp()
    const { send, socket } = connect()
    await send(150, { bytesPerMs: 110_000 })
    expect(socket.low).toBeGreaterThan(110_000 * waitMs * 0.8)
    const { wakes } = await send(0, { bytesPerMs: 0 })
    const told = await send(1000, { bytesPerMs: 110_000 })
    expect(told.wakes - wakes).toBeLessThan(1000 / (waitMs * 0.75))
    expect(told.waitedMsMax).toBeLessThanOrEqual(waitMs)
    await send(200, { bytesPerMs: 800_000 })
    expect(socket.low).toBe(gatheredBytes.max)
  })

  test('is read as it comes where it is slow, becomes slow, or shall not wait', async () => {
    const { connect } = await madeUp()
    const { send, socket } = connect()
    expect((await send(1000, { bytesPerMs: 95_000 })).wakes).toBe(1000)
    await send(200, { bytesPerMs: 120_000 })
    expect(socket.low).toBeGreaterThan(1)
    await send(500, { bytesPerMs: 40_000 })
    expect(socket.low).toBe(1)
    for (const o of [{ waitMs: 0 }, { isThere: false }]) {
      const without = (await madeUp(o)).connect()
      expect((await without.send(300, { bytesPerMs: 200_000 })).wakes).toBe(300)
    }
  })

  test('is all read soon after its end, and its pauses do not make it a trickle', async () => {
    const { connect } = await madeUp()
    const { send, socket } = connect()
    const pause = { everyMs: 400, ms: 100 }
    const told = await send(4000, { bytesPerMs: 200_000, pause })
    expect(socket.waiting).toBe(0)
    expect(told.bytes).toBe(3000 * 200_000)
    expect(told.waitedMsMax).toBeLessThanOrEqual(4 * waitMs)
    await send(300, { bytesPerMs: 200_000 })
    expect(socket.low).toBe(gatheredBytes.max)
  })

  test.each([
    [320_000, 'not at all'],
    [900_000, 'less'],
    [1_400_000, 'less'],
  ])(
    'by one who sends %i bytes and waits for an answer is hardly slower, and gathered: %s',
    async (unansweredMax, gathered) => {
      const { connect } = await madeUp()
      const { send, socket } = connect()
      // Half of it a millisecond: what comes when it was answered at once.
      const sending = { bytesPerMs: unansweredMax / 2, unansweredMax }
      const { bytes } = await send(20_000, sending)
      expect(bytes).toBeGreaterThan(0.96 * 20_000 * sending.bytesPerMs)
      if (gathered === 'less') {
        expect(socket.low).toBeGreaterThanOrEqual(gatheredBytes.min)
        expect(socket.low).toBeLessThan(unansweredMax)
      } else expect(socket.low).toBe(1)
    },
  )

  test('is gathered for a limited number; who is gone makes place for another', async () => {
    const { connect, clock } = await madeUp()
    const many = Array.from({ length: 33 }, connect)
    const streamed = async (ms: number, by = many) => {
      for (let i = 0; i < ms; i++) {
        await clock.advance(1)
        for (const { arrive } of by) arrive(200_000)
      }
    }
    await streamed(200)
    expect(many.filter(({ socket }) => socket.low > 1)).toHaveLength(32)
    const late = many.find(({ socket }) => socket.low === 1)!
    const gone = many.find(({ socket }) => socket.low > 1)!
    gone.inflow!.stop()
    await streamed(
      200,
      many.filter((one) => one !== gone),
    )
    expect(late.socket.low).toBeGreaterThan(1)
  })
})

const lowWater = await loadReceiveLowWater()

describe.skipIf(lowWater === null)('a socket of Linux', () => {
  test('is readable when enough waits in it, or at once when it need not wait', async () => {
    const { ours, peer, close } = await socketPair()
    try {
      const socket = descriptorOf(ours)!
      const got: Buffer[] = []
      ours.on('data', (bytes: Buffer) => got.push(bytes))
      expect(lowWater!.set(socket, 64 * 1024)).toBe(true)
      peer.write(Buffer.alloc(1000, 1))
      while (lowWater!.waiting(socket) < 1000) await turn()
      for (let i = 0; i < 20; i++) await turn()
      expect(got).toEqual([])
      expect(lowWater!.set(socket, 1)).toBe(true)
      await once(ours, 'data')
      expect(Buffer.concat(got)).toEqual(Buffer.alloc(1000, 1))
      lowWater!.set(socket, 1024 * 1024)
      peer.end(Buffer.alloc(10, 2))
      await once(ours, 'end')
      expect(Buffer.concat(got)).toHaveLength(1010)
    } finally {
      close()
    }
    expect(lowWater!.set(() => -1, 1)).toBe(false)
    expect(lowWater!.waiting(() => -1)).toBe(0)
  })

  test('of a producer who streams, or who waits for each answer, brings everything in time', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'odradek-gather-'))
    const broker = await Broker.start({ port: 0, dataDir })
    const client = await RawClient.open(broker.port)
    try {
      const topic = { name: 'streamed', numPartitions: 1, replicationFactor: 1 }
      await client.request(createTopics, 5, {
        topics: [{ ...topic, assignments: [], configs: [] }],
      })
      const records = writeBatch({
        records: [{ key: null, value: Buffer.alloc(400_000, 7), timestampMs: Date.now() }],
      })
      const topicData = [{ name: 'streamed', partitionData: [{ index: 0, records }] }]
      const { bytes } = client.frameOf(produce, 9, { acks: 1, timeoutMs: 10_000, topicData })
      const startedMs = performance.now()
      for (let i = 0; i < 150; i++) client.socket.write(bytes)
      for (let i = 0; i < 150; i++) expect(await client.nextFrame()).not.toBeNull()
      for (let i = 0; i < 150; i++) {
        client.socket.write(bytes)
        expect(await client.nextFrame()).not.toBeNull()
      }
      // A wait for each answer would take 24 ms and more.
      expect(performance.now() - startedMs).toBeLessThan(150 * 24)
    } finally {
      client.close()
      await broker.stop()
      rmSync(dataDir, { recursive: true, force: true })
    }
  })
})

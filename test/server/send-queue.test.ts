import { once } from 'node:events'
import { writeSync } from 'node:fs'
import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { LaterBytes, Piece } from '../../src/base/pieces.ts'
import { descriptorOf } from '../../src/server/node-transport.ts'
import { SendQueue } from '../../src/server/send-queue.ts'
import { newSeeds, seeded } from '../seeded.ts'
import { socketPair } from '../socket-pair.ts'

interface Said {
  readonly pieces: Piece[]
  readonly bytes: Buffer
}

const after = <T>(value: T) => new Promise<T>((resolve) => setImmediate(() => resolve(value)))

function handOver(descriptor: number, bytes: Buffer, from: number, length: number): number {
  try {
    return writeSync(descriptor, bytes, from, length)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0
    throw error
  }
}

/**
 * Bytes of which the kernel accepts all, some or nothing of each offer, at once or later. Accepted
 * bytes bypass the stream.
 */
function laterBytes(
  bytes: Buffer,
  kernel: () => number,
  random: (below: number) => number,
  socket: Socket,
): LaterBytes {
  return {
    byteLength: bytes.length,
    read: (from, length) => {
      const some = Buffer.from(bytes.subarray(from, from + length))
      return random(2) === 0 ? some : after(some)
    },
    send: async (to, from, length) => {
      if (random(3) === 0) await after(0)
      // Bytes in the stream would arrive after it.
      expect(socket.writableLength).toBe(0)
      const share = kernel()
      if (share < 0 || to() < 0) return -1
      const asked = Math.ceil(length * share)
      if (asked === 0) return 0
      return handOver(to(), bytes, from, asked)
    },
  }
}

function something(random: (below: number) => number, kernel: () => number, socket: Socket): Said {
  const all: Buffer[] = []
  const pieces = Array.from({ length: 1 + random(6) }, () => {
    const isLater = random(2) === 0
    const size = 1 + random(isLater ? 3_000_000 : random(2) === 0 ? 100 : 40_000)
    const bytes = Buffer.alloc(size, `${random(1_000_000)} `)
    all.push(bytes)
    return isLater ? laterBytes(bytes, kernel, random, socket) : bytes
  })
  return { pieces, bytes: Buffer.concat(all) }
}

function sendQueueTo(
  socket: Socket,
  failed: (error: unknown) => void = (error) => socket.destroy(error as Error),
) {
  let emptied = 0
  const sendQueue = new SendQueue({
    ...{ socket, descriptor: descriptorOf(socket), failed },
    emptied: () => emptied++,
  })
  socket.on('drain', () => sendQueue.pump())
  return { sendQueue, emptied: () => emptied }
}

/** The share of each offer that the kernel accepts; below 0 it never accepts again. */
const kernels = {
  'takes all': () => 1,
  'takes some': (random: () => number) => random(),
  'often takes nothing': (random: () => number) => (random() < 0.5 ? 0 : random()),
  'gives up one day': (random: () => number) => (random() < 0.1 ? -1 : random()),
  'never can': () => -1,
} as const

describe.each(Object.entries(kernels))('data sent by a kernel that %s', (behaviour, kernel) => {
  const title = `arrives completely and in order: ${behaviour} (ODRADEK_SEED=%d)`
  test.each(newSeeds())(title, async (seed) => {
    const share = seeded(seed)
    const random = (below: number) => Math.floor(share() * below)
    const { ours, peer, close } = await socketPair()
    const { sendQueue, emptied } = sendQueueTo(ours)
    const said = Array.from({ length: 12 }, () => something(random, () => kernel(share), ours))
    const expected = Buffer.concat(said.map(({ bytes }) => bytes))
    const got: Buffer[] = []
    peer.on('data', (bytes) => {
      got.push(bytes)
      if (random(20) > 0) return
      peer.pause()
      let turns = random(20)
      function wait(): void {
        if (turns-- > 0) setImmediate(wait)
        else peer.resume()
      }
      wait()
    })
    for (const { pieces } of said) {
      sendQueue.push(pieces)
      if (random(2) === 0) await after(0)
    }
    sendQueue.end()
    await once(peer, 'end')
    expect(Buffer.concat(got).equals(expected)).toBe(true)
    expect(sendQueue.bytes).toBe(0)
    if (said.some(({ pieces }) => !pieces.every((one) => one instanceof Uint8Array))) {
      expect(emptied()).toBeGreaterThan(0)
    }
    close()
  })
})

test('what the stream still holds goes before that which the kernel hands over', async () => {
  const { ours, peer, close } = await socketPair()
  peer.pause()
  const filling = Buffer.alloc(1 << 20, 'f')
  const descriptor = descriptorOf(ours)!()
  let filled = 0
  for (let count = 1; count > 0; filled += count) {
    count = handOver(descriptor, filling, 0, filling.length)
  }
  const { sendQueue } = sendQueueTo(ours)
  const small = Buffer.from('small')
  const large = Buffer.alloc(1_000_000, 'large ')
  sendQueue.push([
    small,
    laterBytes(
      large,
      () => 1,
      () => 1,
      ours,
    ),
  ])
  await after(0)
  expect(ours.writableLength).toBeGreaterThan(0)
  sendQueue.end()
  const got: Buffer[] = []
  peer.on('data', (bytes) => got.push(bytes)).resume()
  await once(peer, 'end')
  expect(
    Buffer.concat(got)
      .subarray(filled)
      .equals(Buffer.concat([small, large])),
  ).toBe(true)
  close()
})

test.each([
  { takes: 'some', canSend: true },
  { takes: 'nothing', canSend: false },
])('who does not read gets no more than fits; a kernel takes $takes', async ({ canSend }) => {
  const { ours, peer, close } = await socketPair()
  peer.pause()
  const { sendQueue } = sendQueueTo(ours)
  const bytes = Buffer.alloc(1 << 20, 'x')
  let read = 0
  const endless: LaterBytes = {
    byteLength: 1 << 30,
    read: (_from, length) => {
      read += length
      return bytes.subarray(0, length)
    },
    send: async (to, _from, length) => (canSend ? handOver(to(), bytes, 0, length) : -1),
  }
  sendQueue.push([endless])
  // Until the socket is full, and some turns more.
  while (!ours.writableNeedDrain) await after(0)
  for (let turn = 0; turn < 20; turn++) await after(0)
  expect(ours.writableLength).toBeLessThanOrEqual(1 << 20)
  expect(read).toBeLessThan(32 << 20)
  close()
})

test('a kernel that takes what it is offered at once still lets others have their turn', async () => {
  const { ours, close } = await socketPair()
  const { sendQueue } = sendQueueTo(ours)
  let handed = 0
  // An infinitely fast peer: nothing ever waits for space.
  const endless: LaterBytes = {
    byteLength: 1 << 30,
    read: () => Buffer.alloc(0),
    send: async (_to, _from, length) => {
      handed += length
      return length
    },
  }
  sendQueue.push([endless])
  await after(0)
  expect(handed).toBeGreaterThan(0)
  expect(handed).toBeLessThan(64 << 20)
  close()
})

test('a file that ends too early, or cannot be read, is told, whoever finds it', async () => {
  for (const read of [() => Buffer.alloc(0), () => Promise.reject(new Error('EIO'))]) {
    for (const sent of [0, -1]) {
      const { ours, close } = await socketPair()
      const error = await new Promise((resolve) => {
        const { sendQueue } = sendQueueTo(ours, resolve)
        sendQueue.push([{ byteLength: 1_000_000, read, send: async () => sent }])
      })
      expect(String(error)).toMatch(/EIO|a file ends/)
      close()
    }
  }
})

test('a socket that is closed while something is handed over gets no more', async () => {
  const { ours, peer, close } = await socketPair()
  peer.pause()
  const { sendQueue } = sendQueueTo(ours)
  let offers = 0
  let seen = 0
  const bytes: LaterBytes = {
    byteLength: 1 << 24,
    read: (_from, length) => Buffer.alloc(length),
    send: async (to) => {
      offers++
      ours.destroy()
      await after(0)
      seen = to()
      return 1000
    },
  }
  sendQueue.push([bytes])
  await once(ours, 'close')
  await after(0)
  await after(0)
  expect([offers, seen, sendQueue.bytes]).toEqual([1, -1, 0])
  close()
})

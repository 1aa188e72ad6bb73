import { describe, expect, test } from 'vitest'
import { Batch, batchesIn } from '../../src/protocol/records/batch.ts'
import { sliceBytesMin } from '../../src/storage/file-region.ts'
import { Log } from '../../src/storage/log.ts'
import { newSeeds } from '../seeded.ts'
import { append, batchOf, logOptions, seededRandom } from './logs.ts'

const indexIntervalBytes = 4096
const everything = Number.MAX_SAFE_INTEGER

/** Creates a log with batches of all sizes in several segments; returns it with its bytes. */
async function logOf(random: ReturnType<typeof seededRandom>) {
  const settings = { segmentBytes: 900_000, indexIntervalBytes }
  const log = await Log.open(logOptions({ settings }))
  const batches: Buffer[] = []
  let bytes = 0
  while (bytes < 3_000_000) {
    const size = [40, 500, 9_000, 70_000, 200_000][random.int(5)]!
    const batch = batchOf(1 + random.int(4), { bytes: size })
    append(log, batch)
    batches.push(batch)
    bytes += batch.length
  }
  await log.flush()
  return { log, batches }
}

describe('what is read when it is sent', () => {
  const title = 'is the same batches within the limits, and nearly as many (ODRADEK_SEED=%d)'
  test.each(newSeeds())(title, async (seed) => {
    const random = seededRandom(seed)
    const { log, batches } = await logOf(random)
    const largest = Math.max(...batches.map(({ length }) => length))
    let later = 0
    for (let n = 0; n < 400; n++) {
      const offset = random.int(log.logEndOffset)
      const maxBytes = 1 + random.int(1_200_000)
      const upTo = random.int(3) === 0 ? offset + 1 + random.int(40) : everything
      const limits = { maxBytes, upTo, minOneBatch: true }
      const mark = `from ${offset}, ${maxBytes} bytes, up to ${upTo}`
      const plain = await log.read(offset, limits)
      const found = await log.read(offset, { ...limits, mayBeLater: true })
      const expected = Buffer.concat(plain.chunks)
      if (found.later === undefined) {
        expect(Buffer.concat(found.chunks).equals(expected), mark).toBe(true)
        // Read at once: the request or the available data is small, or its end is not in the
        // index.
        const isLittle =
          Math.min(maxBytes, expected.length) < sliceBytesMin + largest + indexIntervalBytes
        expect(isLittle, mark).toBe(true)
        continue
      }
      later++
      const { byteLength } = found.later
      expect(found.bytes, mark).toBe(byteLength)
      expect(byteLength, mark).toBeLessThanOrEqual(expected.length)
      expect(expected.length - byteLength, mark).toBeLessThanOrEqual(largest + indexIntervalBytes)
      const cut = random.int(byteLength)
      const bytes = Buffer.concat([
        await found.later.read(0, cut),
        await found.later.read(cut, byteLength - cut),
      ])
      expect(bytes.equals(expected.subarray(0, byteLength)), mark).toBe(true)
      const all = [...batchesIn(bytes)]
      expect(all.at(-1)!.nextOffset, mark).toBeLessThanOrEqual(found.nextOffset)
      expect(new Batch(bytes).lastOffset, mark).toBeGreaterThanOrEqual(offset)
    }
    expect(later).toBeGreaterThan(40)
    await log.close()
  })

  test('a batch that is larger than what is left is not read', async () => {
    const { log } = await logOf(seededRandom(2))
    let refused = 0
    for (let offset = 0; offset < log.logEndOffset; offset += 7) {
      for (const minOneBatch of [false, true]) {
        const limits = { maxBytes: 60_000, upTo: everything, minOneBatch }
        const plain = await log.read(offset, limits)
        const found = await log.read(offset, { ...limits, mayBeLater: true })
        expect(found.later).toBeUndefined()
        expect([found.bytes, found.nextOffset]).toEqual([plain.bytes, plain.nextOffset])
        expect(Buffer.concat(found.chunks).equals(Buffer.concat(plain.chunks))).toBe(true)
        if (found.bytes === 0) refused++
      }
    }
    expect(refused).toBeGreaterThan(3)
    await log.close()
  })

  test('what is written while it is looked for is not handed out', async () => {
    const log = await Log.open(logOptions({ settings: { indexIntervalBytes } }))
    const add = () => append(log, batchOf(1, { bytes: 150_000 }))
    for (let n = 0; n < 3; n++) add()
    await log.flush()
    const upTo = log.logEndOffset
    const file = log.segments.active.log
    const plainRead = file.read.bind(file)
    let goOn = () => {}
    const later = new Promise<void>((resolve) => (goOn = resolve))
    file.read = async (from, length) => {
      await later
      return plainRead(from, length)
    }
    const limits = { maxBytes: 1 << 20, upTo, minOneBatch: true, mayBeLater: true }
    const reading = log.read(0, limits)
    add() // As a producer's within a transaction would be: not for who reads committed records.
    await log.flush()
    goOn()
    const { later: found, bytes } = await reading
    const batches = [...batchesIn(Buffer.from(await found!.read(0, bytes)))]
    expect(batches.map(({ lastOffset }) => lastOffset)).toEqual([0, 1, 2])
    await log.close()
  })

  test('nothing is read for who may have nothing', async () => {
    const { log } = await logOf(seededRandom(1))
    const limits = { maxBytes: 0, upTo: everything, minOneBatch: false }
    // Answered without reading a file.
    expect(log.read(3, limits)).toEqual({ chunks: [], bytes: 0, nextOffset: 3 })
    expect(() => log.read(log.logEndOffset + 1, limits)).toThrow('but we only have log segments')
    await log.close()
  })
})

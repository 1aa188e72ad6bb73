import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { batchesIn } from '../../src/protocol/records/batch.ts'
import { Log } from '../../src/storage/log.ts'
import { NodeDisk } from '../../src/storage/node-disk.ts'
import { TailCacheBudget } from '../../src/storage/tail-cache.ts'
import { goldenFile } from '../golden.ts'
import { places, temporaryDirectory } from './disks.ts'
import { append, batchOf, logOptions, readAll } from './logs.ts'

const limits = { maxBytes: 1e6, upTo: Number.POSITIVE_INFINITY, minOneBatch: true }
const goldenDir = join(import.meta.dirname, '../golden/data-dir')

describe.each(Object.keys(places))('on %s', (name) => {
  test('what is appended is read back, from every offset, across segments and a restart', async () => {
    const { disk, dir } = await places[name]!()
    const o = logOptions({
      disk,
      dir: `${dir}/t-0`,
      settings: { segmentBytes: 2_000, indexIntervalBytes: 300 },
    })
    let log = await Log.open(o)
    const counts = Array.from({ length: 60 }, (_, i) => 1 + (i % 5))
    for (const count of counts) append(log, batchOf(count))
    const expected: number[] = []
    let end = 0
    for (const count of counts) {
      expected.push(end)
      end += count
    }
    expect(log.logEndOffset).toBe(end)
    await log.flush()
    expect([log.writtenOffset, log.flushedOffset]).toEqual([end, end])
    expect(log.segments.all.length).toBeGreaterThan(3)
    for (const stop of ['clean', 'unclean', 'clean', null] as const) {
      expect((await readAll(log)).map((b) => b.baseOffset)).toEqual(expected)
      for (let offset = 0; offset < end; offset++) {
        const [first] = await readAll(log, { maxBytes: 1 }, offset)
        expect(first!.baseOffset).toBe(expected.findLast((base) => base <= offset))
      }
      if (stop === 'clean') await log.close()
      if (stop === 'unclean') await log.abandon()
      log = await Log.open({ ...o, cleanShutdown: stop === 'clean' })
      expect(log.logEndOffset).toBe(end)
    }
  })
})

describe('the files are those that Apache Kafka writes', () => {
  /** Appends the batches of Kafka's log to an empty log. */
  async function rewrite(partition: string, segments: string[], upTo = Infinity) {
    const dir = temporaryDirectory()
    const log = await Log.open(
      logOptions({
        disk: new NodeDisk(),
        dir: join(dir, partition),
        name: partition,
        settings: { indexIntervalBytes: 256 },
      }),
    )
    for (const segment of segments) {
      if (log.logEndOffset > 0) log.roll()
      for (const batch of batchesIn(goldenFile(`${partition}/${segment}.log`))) {
        if (batch.baseOffset >= upTo) continue
        const bytes = Buffer.from(batch.slice)
        log.append({ bytes, logAppendTimeMs: -1 }, { leaderEpoch: 0, origin: 'client' })
      }
    }
    return { log, dir: join(dir, partition) }
  }
  const content = (dir: string) =>
    Object.fromEntries(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'hex')]))

  test('logs, indexes, aborted transactions and producer snapshots, byte for byte', async () => {
    const rolled = ['00000000000000000000', '00000000000000000020']
    const { log, dir } = await rewrite('t-1', rolled)
    await log.close()
    const kafka = content(join(goldenDir, 't-1'))
    delete kafka['partition.metadata']
    expect(content(dir)).toEqual(kafka)
  })

  test('with every codec and a deleted beginning', async () => {
    const { log, dir } = await rewrite('t-0', ['00000000000000000000'])
    log.advanceLogStartOffset(2)
    log.logStartOffsetSaved(2)
    await log.close()
    const kafka = content(join(goldenDir, 't-0'))
    delete kafka['partition.metadata']
    expect(content(dir)).toEqual(kafka)
  })

  test.each(['t-0', 't-1', 'c-0'])('Kafka’s %s opens, and is left as it was', async (name) => {
    const dir = temporaryDirectory()
    cpSync(join(goldenDir, name), join(dir, name), { recursive: true })
    const clean = logOptions({
      disk: new NodeDisk(),
      dir: join(dir, name),
      name,
      cleanShutdown: true,
      recoveryPoint: 100,
      settings: { indexIntervalBytes: 256 },
    })
    const kafka = Object.fromEntries(
      Object.entries(content(join(goldenDir, name))).filter(([file]) => !file.endsWith('.deleted')),
    )
    // Once as after a clean stop, once as after `kill -9`: the rebuilt state is the same.
    for (const cleanShutdown of [true, false]) {
      const log = await Log.open({ ...clean, cleanShutdown, recoveryPoint: 0 })
      const ends = { 't-0': 44, 't-1': 24, 'c-0': 11 } as Record<string, number>
      expect(log.logEndOffset).toBe(ends[name])
      await log.close()
      expect(content(join(dir, name))).toEqual(kafka)
    }
  })

  test('aborted transactions are found where Kafka found them', async () => {
    const dir = temporaryDirectory()
    mkdirSync(dir, { recursive: true })
    cpSync(join(goldenDir, 't-1'), join(dir, 't-1'), { recursive: true })
    const log = await Log.open(
      logOptions({ disk: new NodeDisk(), dir: join(dir, 't-1'), name: 't-1', cleanShutdown: true }),
    )
    const aborted = { producerId: 1, firstOffset: 16, lastOffset: 19, lastStableOffset: 20 }
    expect(await log.abortedTransactions(0, 24)).toEqual([aborted])
    expect(await log.abortedTransactions(17, 18)).toEqual([aborted])
    expect(await log.abortedTransactions(20, 24)).toEqual([])
    expect(await log.abortedTransactions(0, 16)).toEqual([])
    await log.close()
  })
})

describe('reading', () => {
  test('hands out whole batches within the limit, and one that is larger only if asked to', async () => {
    for (const tailBytes of [0, 1e6]) {
      const log = await Log.open(logOptions({ tailCacheBudget: new TailCacheBudget(tailBytes) }))
      const sizes = [1, 2, 3].map((count) => {
        const bytes = batchOf(count, { bytes: 500 })
        append(log, bytes)
        return bytes.length
      })
      await log.flush()
      const read = async (o: Partial<typeof limits>) =>
        (await log.read(0, { ...limits, ...o })).bytes
      expect(await read({ maxBytes: sizes[0]! - 1 })).toBe(sizes[0])
      expect(await read({ maxBytes: sizes[0]! - 1, minOneBatch: false })).toBe(0)
      expect(await read({ maxBytes: sizes[0]! + sizes[1]! })).toBe(sizes[0]! + sizes[1]!)
      expect(await read({ maxBytes: sizes[0]! + sizes[1]! - 1 })).toBe(sizes[0])
      expect(await read({ upTo: 3 })).toBe(sizes[0]! + sizes[1]!)
      expect(await read({ upTo: 0 })).toBe(0)
      await log.close()
    }
  })

  test('is refused below the start and beyond the end, and empty at the end', async () => {
    const log = await Log.open(logOptions({}))
    append(log, batchOf(5))
    await log.flush()
    log.advanceLogStartOffset(3)
    expect(() => log.read(2, limits)).toThrow('OFFSET_OUT_OF_RANGE')
    expect(() => log.read(6, limits)).toThrow('OFFSET_OUT_OF_RANGE')
    expect((await log.read(5, limits)).bytes).toBe(0)
    expect((await readAll(log)).map((b) => b.baseOffset)).toEqual([0])
    await log.close()
  })

  test('what was appended lately is there at once, within the memory of all tails', async () => {
    const tailCacheBudget = new TailCacheBudget(10_000)
    const log = await Log.open(logOptions({ tailCacheBudget }))
    // Batches are kept only if a consumer reads at the tail.
    expect(await log.read(0, limits)).toMatchObject({ bytes: 0 })
    for (let i = 0; i < 100; i++) append(log, batchOf(1, { bytes: 1_000 }))
    await log.flush()
    expect(log.read(99, limits)).not.toBeInstanceOf(Promise)
    expect(log.read(0, limits)).toBeInstanceOf(Promise)
    const all = (await readAll(log)).map((b) => b.baseOffset)
    expect(all).toEqual(Array.from({ length: 100 }, (_, i) => i))
    await log.close()
  })
})

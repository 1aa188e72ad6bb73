import { describe, expect, test } from 'vitest'
import { endlessTurn } from '../../src/base/turns.ts'
import { Batch, batchesIn, codecs } from '../../src/protocol/records/batch.ts'
import { writeTransactionMarker } from '../../src/protocol/records/control.ts'
import {
  type RecordToWrite,
  readRecords,
  writeBatch,
  writeCompressedBatch,
} from '../../src/protocol/records/record.ts'
import { cleanLog } from '../../src/storage/cleaner.ts'
import { halfSipHash, KeyOffsets } from '../../src/storage/key-offsets.ts'
import { Log } from '../../src/storage/log.ts'
import type { LogConfig } from '../../src/storage/log-config.ts'
import { goldenFile } from '../golden.ts'
import { newSeeds } from '../seeded.ts'
import { append, logOptions, readAll, seededRandom } from './logs.ts'

const nowMs = 1_800_000_000_000
const options = { keyBytesMax: 1 << 20, random: seededRandom(3), turns: endlessTurn, nowMs }
const compacted: Partial<LogConfig> = { cleanupPolicy: ['compact'], deleteRetentionMs: 1_000 }
async function clean(log: Log, o: Partial<typeof options> = {}, firstDirty = 0) {
  await log.flush() // Only what is committed may be cleaned.
  return cleanLog(log, firstDirty, log.segments.active.baseOffset, { ...options, ...o })
}

async function recordsOf(log: Log) {
  const batches = await readAll(log)
  return (await Promise.all(batches.map((batch) => readRecords(batch)))).flat()
}
const text = (records: Awaited<ReturnType<typeof recordsOf>>) =>
  records.map((r) => [r.offset, r.key?.toString() ?? null, r.value?.toString() ?? null])

describe('a log that Apache Kafka compacted', () => {
  test('comes out the same, byte for byte', async () => {
    const log = await Log.open(
      logOptions({ settings: { ...compacted, deleteRetentionMs: 86_400_000 } }),
    )
    for (const name of ['00000000000000000000.log.deleted', '00000000000000000010.log']) {
      if (log.logEndOffset > 0) log.roll()
      for (const { slice } of batchesIn(goldenFile(`c-0/${name}`))) append(log, Buffer.from(slice))
    }
    // The time at which Kafka cleaned: its tombstone may be removed a day later.
    const horizon = [...batchesIn(goldenFile('c-0/00000000000000000000.log'))][1]!.baseTimestamp
    const cleaned = await clean(log, { nowMs: horizon - 86_400_000 })
    expect(cleaned).toMatchObject({ endOffset: 10, bytesRead: 405, bytesWritten: 167, keys: 3 })
    const ours = Buffer.from(await log.segments.first.log.read(0, 10_000))
    expect(ours.equals(goldenFile('c-0/00000000000000000000.log'))).toBe(true)
    expect(log.segments.first.path('.log')).toBe('/data/t-0/00000000000000000000.log')
    await log.close()
  })
})

describe('compaction', () => {
  const put = (log: Log, key: string, value: string | null, o: object = {}) =>
    append(
      log,
      writeBatch({
        records: [
          {
            key: Buffer.from(key),
            value: value === null ? null : Buffer.from(value),
            timestampMs: 5,
          },
        ],
        ...o,
      }),
    )

  test('keeps the newest value of every key, in order, at its offset', async () => {
    const log = await Log.open(logOptions({ settings: compacted }))
    for (const [key, value] of [
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
      ['c', '1'],
      ['b', '2'],
    ])
      put(log, key!, value!)
    log.roll()
    put(log, 'a', '3')
    await clean(log)
    expect(text(await recordsOf(log))).toEqual([
      [2, 'a', '2'],
      [3, 'c', '1'],
      [4, 'b', '2'],
      [5, 'a', '3'],
    ])
    expect(log.logStartOffset).toBe(0)
    expect((await readAll(log, {}, 1))[0]!.baseOffset).toBe(2)
    await log.close()
  })

  test('a tombstone outlives what it deletes by delete.retention.ms from the first cleaning', async () => {
    const log = await Log.open(logOptions({ settings: compacted }))
    put(log, 'a', '1')
    put(log, 'a', null)
    put(log, 'z', '1')
    log.roll()
    await clean(log)
    expect(text(await recordsOf(log))).toEqual([
      [1, 'a', null],
      [2, 'z', '1'],
    ])
    const [tombstone] = await readAll(log)
    expect([tombstone!.hasDeleteHorizon, tombstone!.baseTimestamp]).toEqual([true, nowMs + 1_000])
    expect((await readRecords(tombstone!))[0]!.timestampMs).toBe(5)
    await clean(log, { nowMs: nowMs + 999 })
    expect(text(await recordsOf(log))).toHaveLength(2)
    await clean(log, { nowMs: nowMs + 1_000 })
    expect(text(await recordsOf(log))).toEqual([[2, 'z', '1']])
    await log.close()
  })

  test('aborted data goes, markers when nothing of their transaction is left', async () => {
    const log = await Log.open(logOptions({ settings: compacted }))
    const marker = (producerId: number, kind: 'commit' | 'abort') =>
      log.append(
        {
          bytes: writeTransactionMarker({
            producerId,
            producerEpoch: 0,
            timestampMs: 5,
            marker: { kind, coordinatorEpoch: 0 },
          }),
          logAppendTimeMs: -1,
        },
        { leaderEpoch: 0, origin: 'coordinator' },
      )
    const transactional = (producerId: number, baseSequence: number) => ({
      producerId,
      producerEpoch: 0,
      baseSequence,
      isTransactional: true,
    })
    put(log, 'a', 'aborted', transactional(1, 0)) // 0
    put(log, 'b', 'committed', transactional(2, 0)) // 1
    marker(1, 'abort') // 2
    marker(2, 'commit') // 3
    put(log, 'a', 'later', transactional(1, 1)) // 4
    marker(1, 'commit') // 5
    put(log, 'b', 'later', transactional(2, 1)) // 6
    marker(2, 'commit') // 7
    log.roll()
    await clean(log)
    const offsets = async () => (await readAll(log)).map((batch) => batch.baseOffset)
    expect(await offsets()).toEqual([2, 3, 4, 5, 6, 7])
    // The abort marker is still there, so its transaction must be known.
    expect((await log.abortedTransactions(0, 8)).map((t) => t.firstOffset)).toEqual([0])
    await clean(log, { nowMs: nowMs + 10 })
    await clean(log, { nowMs: nowMs + 1_100 })
    expect(await offsets()).toEqual([4, 5, 6, 7])
    expect(await log.abortedTransactions(0, 8)).toEqual([])
    await log.close()
  })

  test('retries are still known as such after compaction and a restart', async () => {
    const o = logOptions({ settings: compacted })
    let log = await Log.open(o)
    const batch = (sequence: number) => ({
      producerId: 7,
      producerEpoch: 0,
      baseSequence: sequence,
    })
    put(log, 'a', '1', batch(0))
    put(log, 'a', '2', batch(1))
    log.roll()
    put(log, 'a', '3') // Of another producer: nothing that 7 wrote is the newest.
    log.roll()
    await clean(log)
    const left = await readAll(log)
    expect(left.map((b) => [b.baseOffset, b.recordCount])).toEqual([
      [1, 0],
      [2, 1],
    ])
    await log.close()
    log = await Log.open({ ...o, cleanShutdown: false })
    expect(put(log, 'a', '2', batch(1))).toMatchObject({
      isDuplicate: true,
      baseOffset: 1,
      logAppendTimeMs: 5,
    })
    expect(put(log, 'a', '4', batch(2))).toMatchObject({ isDuplicate: false, baseOffset: 3 })
    await log.close()
  })

  const title = 'the newest record of every key survives, with every codec (ODRADEK_SEED=%d)'
  test.each(newSeeds())(title, async (seed) => {
    const random = seededRandom(seed)
    const o = logOptions({
      settings: { ...compacted, segmentBytes: 2_000, indexIntervalBytes: 200 },
    })
    let log = await Log.open(o)
    const newest = new Map<string, { offset: number; value: string | null }>()
    const names = Object.keys(codecs) as (keyof typeof codecs)[]
    let firstDirty = 0
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 60; i++) {
        const records = Array.from({ length: 1 + random.int(6) }, (): RecordToWrite => {
          const value = random.int(5) === 0 ? null : Buffer.from(`${random.int(1e9)}`)
          const headers = random.int(3) === 0 ? [{ key: 'h', value: Buffer.from('x') }] : []
          return {
            key: Buffer.from(`k${random.int(40)}`),
            value,
            headers,
            timestampMs: 5 + random.int(9),
          }
        })
        const batch = await writeCompressedBatch({ records }, names[random.int(5)]!)
        const { baseOffset } = append(log, batch)
        records.forEach((record, n) => {
          const value = record.value === null ? null : Buffer.from(record.value).toString()
          newest.set(Buffer.from(record.key!).toString(), { offset: baseOffset + n, value })
        })
      }
      await log.flush()
      // A small map: several rounds are needed.
      const keyBytesMax = round % 2 === 0 ? 1 << 20 : 24 * 1024
      const cleaned = await clean(log, { keyBytesMax, nowMs: nowMs + round * 400 }, firstDirty)
      firstDirty = cleaned.endOffset
      const found = new Map<string, { offset: number; value: string | null }>()
      const left = await recordsOf(log)
      for (const { offset, key, value } of left) {
        found.set(key!.toString(), { offset, value: value?.toString() ?? null })
      }
      for (const [key, { offset, value }] of newest) {
        if (value === null && !found.has(key)) continue
        expect(found.get(key), `ODRADEK_SEED=${seed}`).toEqual({ offset, value })
      }
      const closed = left.filter((record) => record.offset < firstDirty)
      expect(new Set(closed.map((r) => r.key!.toString())).size).toBe(closed.length)
      const offsets = left.map((record) => record.offset)
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
      expect(
        (await readAll(log)).every((batch) => new Batch(batch.bytes, batch.start).isIntact()),
      ).toBe(true)
      await log.close()
      log = await Log.open({ ...o, cleanShutdown: round % 2 === 0 })
    }
    expect(log.segments.all.length).toBeLessThan(12)
    await log.close()
  })
})

describe('the map of keys', () => {
  test('hashes as the reference of HalfSipHash does', () => {
    // Test vectors of the reference: key 00 01 … 07, input 00 01 … of each length from 0 on.
    const vectors = [
      '218d1f59b9b83cc8',
      'be552412f8387315',
      '064f39ef7c50eb57',
      'ce0f1a45f7060679',
      'd5e78a175be52ea1',
      'cb9d7c3f2f3db580',
      'ce3e91358aa2bc25',
      'ff202728b07bc684',
      'edfee820bce4858c',
    ]
    const out = new Uint32Array(2)
    const hash = (length: number) => {
      const bytes = Uint8Array.from({ length }, (_, i) => i)
      halfSipHash(bytes, 0x03020100, 0x07060504, out, 0)
      return Buffer.from(out.buffer).toString('hex')
    }
    expect(vectors.map((_, length) => hash(length))).toEqual(vectors)
  })

  test('remembers the newest offset of each of many keys, and says when it is full', () => {
    const keys = new KeyOffsets(24 * 4096, seededRandom(1))
    let count = 0
    while (keys.put(Buffer.from(`key ${count}`), count)) count++
    expect(count).toBe(Math.floor(4096 * 0.9))
    expect(keys.memoryBytes).toBe(24 * 4096)
    for (let i = 0; i < count; i++) expect(keys.get(Buffer.from(`key ${i}`))).toBe(i)
    expect(keys.get(Buffer.from('another'))).toBe(-1)
    expect(keys.put(Buffer.from('key 5'), 99_999)).toBe(true)
    expect(keys.get(Buffer.from('key 5'))).toBe(99_999)
  })
})

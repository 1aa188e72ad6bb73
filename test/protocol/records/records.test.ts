import { describe, expect, test } from 'vitest'
import {
  addSequence,
  Batch,
  batchesIn,
  codecs,
  subtractSequence,
} from '../../../src/protocol/records/batch.ts'
import {
  readTransactionMarker,
  writeTransactionMarker,
} from '../../../src/protocol/records/control.ts'
import {
  type RecordToWrite,
  readRecords,
  writeBatch,
  writeCompressedBatch,
} from '../../../src/protocol/records/record.ts'
import { goldenFile } from '../../golden.ts'

const t0 = () => goldenFile('t-0/00000000000000000000.log')
const t1 = () => goldenFile('t-1/00000000000000000000.log')

const batchAt = (log: Buffer, index: number) =>
  new Batch(Buffer.from([...batchesIn(log)][index]!.slice))

describe('batches written by the Java client', () => {
  test('their headers say what kafka-dump-log prints', () => {
    const headers = [...batchesIn(t0())].map((b) => [
      b.baseOffset,
      b.lastOffset,
      b.recordCount,
      b.maxTimestamp,
      b.sizeBytes,
      b.codec,
      b.crc,
    ])
    expect(headers).toEqual([
      [0, 7, 8, 1795238776963, 721, codecs.none, 743619886],
      [8, 15, 8, 1795238777160, 201, codecs.gzip, 241564185],
      [16, 23, 8, 1795238777292, 245, codecs.snappy, 3674078624],
      [24, 31, 8, 1795238777407, 226, codecs.lz4, 392602243],
      [32, 39, 8, 1795238777518, 199, codecs.zstd, 4190507742],
      [40, 42, 3, 1795238778501, 269, codecs.none, 3545289723],
      [43, 43, 1, 1795238779349, 78, codecs.none, 1211359816],
    ])
  })

  test('producer fields and flags of a transaction and its marker', () => {
    const data = batchAt(t1(), 5)
    expect(data).toMatchObject({ producerId: 1, producerEpoch: 1, baseSequence: 0 })
    expect(data).toMatchObject({ lastSequence: 2, isTransactional: true, isControl: false })
    const marker = batchAt(t1(), 6)
    expect(marker).toMatchObject({ producerId: 1, producerEpoch: 2, baseSequence: -1 })
    expect(marker).toMatchObject({ lastSequence: -1, isTransactional: true, isControl: true })
    expect(readTransactionMarker(marker)).toEqual({ kind: 'abort', coordinatorEpoch: 0 })
  })

  test('every batch is intact, and no longer so with any one byte changed', () => {
    for (const log of [t0(), t1()]) {
      for (const { slice } of batchesIn(log)) {
        const batch = new Batch(Buffer.from(slice))
        expect(batch.isIntact()).toBe(true)
        for (let at = 21; at < batch.bytes.length; at++) {
          batch.bytes[at]! ^= 1
          if (batch.isIntact()) expect.fail(`byte ${at} of batch ${batch.baseOffset}`)
          batch.bytes[at]! ^= 1
        }
      }
    }
  })

  test('records of every codec', async () => {
    const names = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
    for (const [i, name] of names.entries()) {
      const records = await readRecords(batchAt(t0(), i))
      const text = records.map((r) => [r.offset, r.key?.toString() ?? null, r.value?.toString()])
      const value = (n: number) => `${name}-value-${n}-${'abc'.repeat(20)}`
      expect(text).toEqual(
        [0, 1, 2, 3, 4, 5, 6, 7].map((n) => [
          i * 8 + n,
          n === 1 ? null : `${name}-key-${n}`,
          n === 2 ? undefined : value(n),
        ]),
      )
      expect(records[0]!.headers).toEqual([
        { key: 'h1', value: Buffer.from('x') },
        { key: 'h2', value: null },
      ])
      expect(records[1]!.headers).toEqual([])
    }
    const times = (await readRecords(batchAt(t0(), 2))).map((r) => r.timestampMs)
    expect(times[0]).toBe(1795238777256)
    expect(times[7]).toBe(1795238777292)
  })
})

const sameBytes = (a: Uint8Array | null, b: Uint8Array | null) =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0
const sameRecord = (a: RecordToWrite, b: RecordToWrite) =>
  sameBytes(a.key, b.key) && sameBytes(a.value, b.value) && a.timestampMs === b.timestampMs

describe('the writer', () => {
  test('writes the bytes that the Java client wrote for the same records', async () => {
    for (const i of [0, 5]) {
      const java = batchAt(t0(), i)
      const records = await readRecords(java)
      const ours = writeBatch({
        baseOffset: java.baseOffset,
        records,
        producerId: java.producerId,
        producerEpoch: java.producerEpoch,
        baseSequence: java.baseSequence,
        leaderEpoch: java.leaderEpoch,
        isTransactional: java.isTransactional,
      })
      expect(ours.equals(java.bytes)).toBe(true)
    }
  })

  test('writes the marker that Kafka wrote', () => {
    const kafka = batchAt(t0(), 6)
    const ours = new Batch(
      writeTransactionMarker({
        producerId: 1,
        producerEpoch: 1,
        timestampMs: 1795238779349,
        marker: { kind: 'commit', coordinatorEpoch: 0 },
      }),
    )
    ours.baseOffset = 43
    ours.leaderEpoch = 0
    expect(ours.bytes.equals(kafka.bytes)).toBe(true)
  })

  test('what it compresses reads back, small and large, with every codec', async () => {
    const value = Buffer.from(Array.from({ length: 300 }, (_, i) => i & 0x3f))
    for (const codec of Object.keys(codecs) as (keyof typeof codecs)[]) {
      for (const count of [1, 10, 5_000]) {
        const records = Array.from({ length: count }, (_, i) => ({
          key: Buffer.from(`k${i}`),
          value: i % 7 === 0 ? null : value,
          headers: [],
          timestampMs: 1_700_000_000_000 - i * 1_000_000,
        }))
        const batch = new Batch(await writeCompressedBatch({ records }, codec))
        expect(batch.isIntact()).toBe(true)
        expect(batch.codec).toBe(codecs[codec])
        const back = await readRecords(batch)
        expect(back.length).toBe(count)
        const wrong = back.filter((r, i) => !sameRecord(r, records[i]!) || r.offset !== i)
        expect(wrong).toEqual([])
      }
    }
  })

  test('timestamps beyond 2^53 and below zero survive', async () => {
    const records = [0, -1, 2 ** 53, -(2 ** 52)].map((timestampMs) => ({
      key: null,
      value: null,
      timestampMs,
    }))
    const back = await readRecords(new Batch(writeBatch({ records })))
    expect(back.map((r) => r.timestampMs)).toEqual([0, -1, 2 ** 53, -(2 ** 52)])
  })
})

test('the log append time replaces what the records say, and the checksum follows', async () => {
  const batch = batchAt(t0(), 0)
  batch.setMaxTimestamp(123, true)
  expect(batch.isIntact()).toBe(true)
  expect((await readRecords(batch)).every((r) => r.timestampMs === 123)).toBe(true)
})

test('base offset and leader epoch change without touching the checksum', () => {
  const batch = batchAt(t0(), 1)
  batch.baseOffset = 2 ** 40
  batch.leaderEpoch = 77
  expect(batch.isIntact()).toBe(true)
  expect([batch.lastOffset, batch.leaderEpoch]).toEqual([2 ** 40 + 7, 77])
})

test('sequences wrap from 2^31 - 1 to 0', () => {
  expect(addSequence(0x7fffffff, 1)).toBe(0)
  expect(addSequence(0x7ffffffe, 3)).toBe(1)
  expect(subtractSequence(1, 3)).toBe(0x7ffffffe)
  expect(subtractSequence(5, 5)).toBe(0)
})

test('a batch cut off at any byte is not handed out', () => {
  const log = t0()
  for (let length = 0; length < 721; length++) {
    expect([...batchesIn(log.subarray(0, length))]).toEqual([])
  }
})

import { describe, expect, test } from 'vitest'
import { endlessTurn } from '../../src/base/turns.ts'
import { Batch, batchesIn } from '../../src/protocol/records/batch.ts'
import { type RecordToWrite, writeCompressedBatch } from '../../src/protocol/records/record.ts'
import { Log } from '../../src/storage/log.ts'
import { offsetForTimestamp, offsetOfMaxTimestamp } from '../../src/storage/timestamps.ts'
import { goldenFile } from '../golden.ts'
import { newSeeds } from '../seeded.ts'
import { append, logOptions, seededRandom } from './logs.ts'

describe('ListOffsets by time', () => {
  test('finds records inside every kind of compressed batch of Apache Kafka', async () => {
    const log = await Log.open(logOptions({ settings: { indexIntervalBytes: 256 } }))
    for (const batch of batchesIn(goldenFile('t-0/00000000000000000000.log'))) {
      append(log, Buffer.from(batch.slice))
    }
    await log.flush()
    // The times are those that kafka-dump-log prints for these records.
    const at = async (ms: number) =>
      (await offsetForTimestamp(log, ms, endlessTurn))?.offset ?? null
    expect(await at(0)).toBe(0)
    expect(await at(1795238776928)).toBe(1)
    expect(await at(1795238776963)).toBe(2)
    expect(await at(1795238777157)).toBe(9)
    expect(await at(1795238777257)).toBe(17)
    expect(await at(1795238777383)).toBe(25)
    expect(await at(1795238777503)).toBe(33)
    expect(await at(1795238778501)).toBe(41)
    expect(await at(1795238779350)).toBeNull()
    expect(await offsetOfMaxTimestamp(log, endlessTurn)).toEqual({
      offset: 43,
      timestampMs: 1795238779349,
      leaderEpoch: 0,
    })
    log.advanceLogStartOffset(35)
    expect(await at(0)).toBe(35)
    await log.close()
  })

  test('an empty log holds nothing', async () => {
    const log = await Log.open(logOptions({}))
    expect(await offsetForTimestamp(log, 0, endlessTurn)).toBeNull()
    expect(await offsetOfMaxTimestamp(log, endlessTurn)).toBeNull()
  })

  const title = 'agrees with a plain search, also after a restart (ODRADEK_SEED=%d)'
  test.each(newSeeds())(title, async (seed) => {
    const random = seededRandom(seed)
    const o = logOptions({ settings: { segmentBytes: 3_000, indexIntervalBytes: 200 } })
    let log = await Log.open(o)
    const all: { offset: number; timestampMs: number; leaderEpoch: number }[] = []
    const codecs = ['none', 'gzip', 'lz4'] as const
    for (let i = 0; i < 80; i++) {
      const records = Array.from({ length: 1 + random.int(5) }, (): RecordToWrite => {
        return { key: null, value: random.bytes(40), timestampMs: 1_000 + random.int(5_000) }
      })
      const bytes = await writeCompressedBatch({ records }, codecs[random.int(3)]!)
      const { baseOffset } = append(log, bytes, Math.floor(i / 30))
      expect(new Batch(bytes).baseOffset).toBe(baseOffset)
      records.forEach(({ timestampMs }, n) => {
        all.push({ offset: baseOffset + n, timestampMs, leaderEpoch: Math.floor(i / 30) })
      })
    }
    for (const stop of ['close', 'abandon'] as const) {
      for (let n = 0; n < 60; n++) {
        const ms = 900 + random.int(5_200)
        const expected = all.find((record) => record.timestampMs >= ms) ?? null
        expect(await offsetForTimestamp(log, ms, endlessTurn), `ODRADEK_SEED=${seed}`).toEqual(
          expected,
        )
      }
      const max = Math.max(...all.map((record) => record.timestampMs))
      expect(await offsetOfMaxTimestamp(log, endlessTurn)).toEqual(
        all.find((r) => r.timestampMs === max),
      )
      await log[stop]()
      log = await Log.open({ ...o, cleanShutdown: stop === 'close' })
    }
    await log.close()
  })
})

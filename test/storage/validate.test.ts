import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { endlessTurn as turns } from '../../src/base/turns.ts'
import { ApiError, errorName } from '../../src/protocol/errors.ts'
import { Batch, codecs } from '../../src/protocol/records/batch.ts'
import { readRecords, writeBatch, writeCompressedBatch } from '../../src/protocol/records/record.ts'
import { type LogConfig, logConfigDefaults } from '../../src/storage/log-config.ts'
import { checkProduceRecords, InvalidRecords, validate } from '../../src/storage/validate.ts'
import { topics, validationCases } from '../golden/produce/cases.ts'
import { batchOf } from './logs.ts'

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../golden/produce/validation.json'), 'utf8'),
) as {
  name: string
  topic: string
  errorCode: number
  errorMessage: string | null
  recordErrors: { batchIndex: number; batchIndexErrorMessage: string }[]
}[]

const nowMs = 1_795_000_000_000
const rename: Record<string, (value: string) => Partial<LogConfig>> = {
  'cleanup.policy': () => ({ cleanupPolicy: ['compact'] }),
  'message.timestamp.type': () => ({ messageTimestampType: 'LogAppendTime' }),
  'compression.type': (value) => ({ compressionType: value as 'gzip' }),
  'max.message.bytes': (value) => ({ maxMessageBytes: Number(value) }),
  'segment.bytes': (value) => ({ segmentBytes: Number(value) }),
  'message.timestamp.before.max.ms': (value) => ({ messageTimestampBeforeMaxMs: Number(value) }),
  'message.timestamp.after.max.ms': (value) => ({ messageTimestampAfterMaxMs: Number(value) }),
}
function configOf(topic: string): LogConfig {
  const changes = Object.entries(topics[topic]!).map(([key, value]) => rename[key]!(value))
  return Object.assign({ ...logConfigDefaults }, ...changes)
}

/** Timestamps differ from run to run: only their number of digits is compared. */
const timeless = (text: string) => text.replace(/\d{13,}/g, (digits) => `<${digits.length}>`)

async function answer(topic: string, batch: Buffer, version: number) {
  try {
    checkProduceRecords(batch, version)
    const config = configOf(topic)
    const { bytes } = await validate(batch, { partition: `${topic}-0`, config, nowMs, turns })
    return { error: 'NONE', message: null, recordErrors: [], bytes }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const recordErrors = error instanceof InvalidRecords ? error.recordErrors : []
    return { error: error.reason, message: error.detail, recordErrors, bytes: null }
  }
}

describe('batches are refused as Apache Kafka refuses them', async () => {
  for (const { name, topic, version = 9, batch } of await validationCases(nowMs)) {
    test(`${topic}: ${name}`, async () => {
      const kafka = golden.find((each) => each.name === name && each.topic === topic)!
      // This error is the log's, not validation's.
      if (errorName(kafka.errorCode) === 'RECORD_LIST_TOO_LARGE') return
      const ours = await answer(topic, batch, version)
      expect(ours.error).toBe(errorName(kafka.errorCode))
      expect(ours.recordErrors.map((e) => [e.batchIndex, timeless(e.message)])).toEqual(
        kafka.recordErrors.map((e) => [e.batchIndex, timeless(e.batchIndexErrorMessage)]),
      )
      // Where Kafka sends no message, odradek may send one.
      if (kafka.errorMessage !== null) {
        expect(timeless(ours.message!)).toBe(timeless(kafka.errorMessage))
      }
      if (ours.bytes !== null) expect(new Batch(ours.bytes).isIntact()).toBe(true)
    })
  }
})

test('compression.type decides how records are kept', async () => {
  for (const source of Object.keys(codecs) as (keyof typeof codecs)[]) {
    for (const target of ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd', 'producer'] as const) {
      const records = [0, 1, 2].map((i) => ({
        key: Buffer.from(`${i}`),
        value: i === 1 ? null : Buffer.alloc(100, i),
        headers: [{ key: 'h', value: Buffer.from('v') }],
        timestampMs: nowMs + i,
      }))
      const sequenced = { records, producerId: 5, producerEpoch: 1, baseSequence: 10 }
      const bytes = await writeCompressedBatch(sequenced, source)
      const config = { ...logConfigDefaults, compressionType: target }
      const kept = new Batch(
        (await validate(bytes, { partition: 't-0', config, nowMs, turns })).bytes,
      )
      const codec = target === 'producer' ? source : target === 'uncompressed' ? 'none' : target
      expect([kept.codec, kept.isIntact()]).toEqual([codecs[codec], true])
      expect(kept).toMatchObject({ producerId: 5, producerEpoch: 1, baseSequence: 10 })
      expect((await readRecords(kept)).map(({ offset: _, ...rest }) => rest)).toEqual(records)
    }
  }
})

test('log append time replaces the producer’s, in the batch alone', async () => {
  for (const codec of Object.keys(codecs) as (keyof typeof codecs)[]) {
    const records = [{ key: null, value: Buffer.from('v'), timestampMs: 1 }]
    const bytes = await writeCompressedBatch({ records }, codec)
    const config = { ...logConfigDefaults, messageTimestampType: 'LogAppendTime' as const }
    const validated = await validate(bytes, { partition: 't-0', config, nowMs, turns })
    expect(validated.logAppendTimeMs).toBe(nowMs)
    const batch = new Batch(validated.bytes)
    expect([batch.isIntact(), batch.isLogAppendTime, batch.maxTimestamp]).toEqual([
      true,
      true,
      nowMs,
    ])
    expect((await readRecords(batch))[0]!.timestampMs).toBe(nowMs)
  }
})

test('an uncompressed batch is validated at once, and its bytes are kept', () => {
  const bytes = batchOf(3, { at: nowMs })
  const validated = validate(bytes, { partition: 't-0', config: logConfigDefaults, nowMs, turns })
  expect(validated).not.toBeInstanceOf(Promise)
  expect((validated as { bytes: Buffer }).bytes.buffer).toBe(bytes.buffer)
})

// Text and error are those of Apache Kafka 4.4.0 with this setting.
test('a record longer than max.decompressed.message.bytes is refused, a batch of many is not', async () => {
  const one = (bytes: number) => ({ key: null, value: Buffer.alloc(bytes), timestampMs: nowMs })
  // Attributes, deltas, lengths and the header count take nine bytes more than the value.
  const config = { ...logConfigDefaults, maxDecompressedMessageBytes: 3_000_009 }
  const rules = { partition: 't-0', config, nowMs, turns }
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const bytes = await writeCompressedBatch({ records: [one(3_000_001)] }, codec)
    const attempt = Promise.resolve().then(() => validate(bytes, rules))
    await expect(attempt).rejects.toThrow(
      'Invalid record size: 3000010 exceeds the configured maximum record size of 3000009.',
    )
    const records = [one(3_000_000), one(3_000_000), one(2_999_000)]
    const many = await writeCompressedBatch({ records }, codec)
    expect((await validate(many, rules)).bytes.length).toBe(many.length)
  }
  const plain = writeBatch({ records: [one(3_000_001)] })
  const large = { ...config, maxMessageBytes: 4_000_000 }
  expect((await validate(plain, { ...rules, config: large })).bytes.length).toBe(plain.length)
})

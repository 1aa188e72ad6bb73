import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32c } from '../src/base/crc32c.ts'
import { endlessTurn } from '../src/base/turns.ts'
import { ApiError } from '../src/protocol/errors.ts'
import { Batch, batchesIn, codecs } from '../src/protocol/records/batch.ts'
import { compress, decompress } from '../src/protocol/records/compression.ts'
import { readControlRecord, readTransactionMarker } from '../src/protocol/records/control.ts'
import { readRecords, writeCompressedBatch } from '../src/protocol/records/record.ts'
import { logConfigDefaults } from '../src/storage/log-config.ts'
import { checkProduceRecords, validate } from '../src/storage/validate.ts'
import { projectRoot } from '../test/compat/project-root.ts'
import { claim, type Target } from './target.ts'

const decompressedBytesMax = 1024 * 1024

async function orRefused<T>(read: () => T | Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof ApiError) return null
    throw error
  }
}

const dataDir = join(projectRoot, 'test', 'golden', 'data-dir')

/** Returns all batches that Apache Kafka left in the tests' data directory, of every codec. */
function goldenBatches(): Buffer[] {
  const names = ['t-0', 't-1', 'c-0', '__cluster_metadata-0', '__transaction_state-20']
  return names.flatMap((name) => {
    const log = readFileSync(join(dataDir, name, '00000000000000000000.log'))
    return [...batchesIn(log)].map(({ slice }) => Buffer.from(slice)).filter((b) => b.length < 5000)
  })
}

/** Gives most inputs a valid checksum: nothing behind an invalid one is read. */
function mended(input: Buffer): Buffer {
  const bytes = Buffer.from(input)
  if (bytes.length < 61) return bytes
  if (bytes[0] !== 0xff) bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}

/** Readers only look into a batch after its size and checksum are validated. */
const intactBatchesIn = (input: Buffer) =>
  [...batchesIn(mended(input))].filter((batch) => batch.isIntact())

const headerOf = (batch: Batch) => [
  batch.baseOffset,
  batch.lastOffset,
  batch.lastSequence,
  batch.maxTimestamp,
  batch.producerId,
  batch.isIntact(),
]

/** Batches as a consumer or the cleaner reads them. */
export const batches: Target = {
  name: 'batch',
  seeds: goldenBatches,
  run: async (input) => {
    for (const batch of intactBatchesIn(input)) {
      headerOf(batch)
      const records = await orRefused(() => readRecords(batch, decompressedBytesMax))
      if (records === null || records.length === 0) continue
      const deltas = records.map(({ offset }) => offset - records[0]!.offset)
      if (!deltas.every((delta, i) => delta === i)) continue
      const again = await writeCompressedBatch({ records, baseOffset: 0 }, 'none')
      claim(
        (await readRecords(new Batch(again))).length === records.length,
        'records are not read as they were written',
      )
    }
  },
}

/** Batches of a producer, validated as before an append. */
export const produced: Target = {
  name: 'validate',
  seeds: goldenBatches,
  run: async (input) => {
    const bytes = mended(input)
    const rules = { partition: 't-0', config: logConfigDefaults, nowMs: 1_795_238_780_000 }
    const valid = await orRefused(async () => {
      checkProduceRecords(bytes, 9)
      return await validate(bytes, { ...rules, turns: endlessTurn })
    })
    if (valid === null) return
    const batch = new Batch(valid.bytes)
    claim(batch.isIntact(), 'a batch that may be appended has a wrong checksum')
    claim(batch.end === valid.bytes.length, 'more than one batch may be appended')
    const records = await readRecords(batch, decompressedBytesMax)
    claim(
      records.length === batch.lastOffsetDelta + 1,
      'a batch whose offsets do not fit its records',
    )
  },
}

/** Control batches: transaction markers and those of the raft layer. */
export const controls: Target = {
  name: 'control',
  seeds: () => goldenBatches().filter((bytes) => new Batch(bytes).isControl),
  run: async (input) => {
    for (const batch of intactBatchesIn(input)) {
      await orRefused(() => readControlRecord(batch))
      await orRefused(() => readTransactionMarker(batch))
    }
  },
}

function codecTarget(name: 'gzip' | 'snappy' | 'lz4' | 'zstd'): Target {
  const codec = codecs[name]
  const fromJava = () =>
    goldenBatches()
      .map((bytes) => new Batch(bytes))
      .filter((batch) => batch.codec === codec)
      .map(({ payload }) => payload)
  let made: Buffer[] = []
  const make = async () => {
    const texts = ['', 'a', 'abc'.repeat(500), 'x'.repeat(100_000)]
    made = await Promise.all(texts.map(async (text) => compress(codec, Buffer.from(text))))
  }
  const ready = make()
  return {
    name,
    seeds: () => [...fromJava(), ...made],
    run: async (input) => {
      await ready
      const bytes = await orRefused(() => decompress(codec, input, decompressedBytesMax))
      if (bytes === null) return
      claim(bytes.length <= decompressedBytesMax, `${bytes.length} bytes came out`)
    },
  }
}

export const decompressors: readonly Target[] = [
  codecTarget('gzip'),
  codecTarget('snappy'),
  codecTarget('lz4'),
  codecTarget('zstd'),
]

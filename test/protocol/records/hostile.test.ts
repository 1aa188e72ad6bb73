import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32c } from '../../../src/base/crc32c.ts'
import { endlessTurn } from '../../../src/base/turns.ts'
import { ApiError } from '../../../src/protocol/errors.ts'
import { Batch, batchesIn, batchHeaderBytes } from '../../../src/protocol/records/batch.ts'
import { decompress } from '../../../src/protocol/records/compression.ts'
import { readRecords } from '../../../src/protocol/records/record.ts'
import { logConfigDefaults } from '../../../src/storage/log-config.ts'
import { checkProduceRecords, validate } from '../../../src/storage/validate.ts'
import { goldenFile } from '../../golden.ts'
import { newSeeds } from '../../seeded.ts'

const goldenBatches = ['t-0', 't-1'].flatMap((name) =>
  [...batchesIn(goldenFile(`${name}/00000000000000000000.log`))].map((batch) => batch.slice),
)

/** Runs code that a hostile client reaches: it may only throw ApiError. */
async function survives(run: () => unknown): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
  }
}

const validateAll = async (bytes: Buffer) => {
  await survives(() => checkProduceRecords(bytes, 9))
  const rules = { partition: 't-0', config: logConfigDefaults, nowMs: 1_795_238_780_000 }
  await survives(() => validate(bytes, { ...rules, turns: endlessTurn }))
}

const anyBytes = 'any bytes are refused or accepted (ODRADEK_SEED=%d)'
test.each(newSeeds())(anyBytes, async (seed) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), (bytes) => validateAll(Buffer.from(bytes))),
    { numRuns: 500, seed },
  )
})

const changedBatches = 'so are changed batches with a right checksum (ODRADEK_SEED=%d)'
test.each(newSeeds())(changedBatches, async (seed) => {
  const change = fc.record({
    batch: fc.nat(goldenBatches.length - 1),
    changes: fc.array(fc.tuple(fc.nat(2_000), fc.nat(255)), { minLength: 1, maxLength: 6 }),
    cut: fc.option(fc.nat(700), { nil: null }),
  })
  await fc.assert(
    fc.asyncProperty(change, async ({ batch, changes, cut }) => {
      const bytes = Buffer.from(goldenBatches[batch]!)
      bytes.fill(0, 0, 8) // As a client sends it: offsets from 0.
      for (const [at, value] of changes) {
        // Length and magic stay valid, otherwise the rest is not read.
        const place = 21 + (at % (bytes.length - 21))
        bytes[place] = value
      }
      bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
      await validateAll(cut === null ? bytes : bytes.subarray(0, Math.min(cut, bytes.length)))
      await survives(() => readRecords(new Batch(bytes), 1 << 20))
    }),
    { numRuns: 1_500, seed },
  )
})

const payloadTitle = 'so are payloads of every codec, within their limit (ODRADEK_SEED=%d)'
test.each(newSeeds())(payloadTitle, async (seed) => {
  const payloads = goldenBatches.map(
    (bytes) => [new Batch(bytes).codec, bytes.subarray(batchHeaderBytes)] as const,
  )
  const change = fc.record({
    payload: fc.constantFrom(...payloads),
    codec: fc.nat(7),
    isOwn: fc.boolean(),
    changes: fc.array(fc.tuple(fc.nat(2_000), fc.nat(255)), { maxLength: 5 }),
    length: fc.nat(700),
  })
  await fc.assert(
    fc.asyncProperty(change, async ({ payload: [own, golden], codec, isOwn, changes, length }) => {
      const bytes = Buffer.from(golden.subarray(0, Math.max(length, 1)))
      for (const [at, value] of changes) bytes[at % bytes.length] = value
      await survives(async () => {
        const out = await decompress(isOwn ? own : codec, bytes, 50_000)
        expect(out.length).toBeLessThanOrEqual(Math.max(50_000, bytes.length))
      })
    }),
    { numRuns: 1_500, seed },
  )
})

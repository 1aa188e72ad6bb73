import { type BatchToWrite, writeBatch } from '../../../src/protocol/records/record.ts'

/** A batch of `count` records with the same timestamp. */
export function smallBatch(count: number, more: Partial<BatchToWrite> = {}): Buffer {
  return writeBatch({
    records: Array.from({ length: count }, (_, i) => ({
      key: null,
      value: Buffer.from(`value ${i}`),
      timestampMs: 1_700_000_000_000,
    })),
    ...more,
  })
}

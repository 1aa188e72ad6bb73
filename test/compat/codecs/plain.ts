import { RecordWriter } from '../../../src/protocol/records/record-writer.ts'
import { seededWords } from '../../seeded.ts'

export const timestampMs = 1_700_000_000_000

/** Records as in a batch, not compressed. */
export interface Plain {
  readonly count: number
  readonly bytes: Buffer
}

export function plainOf(values: readonly Buffer[]): Plain {
  const writer = new RecordWriter(0)
  values.forEach((value, i) => {
    writer.record(i, 0, { key: Buffer.from(`k${i}`), value, timestampMs })
  })
  return { count: values.length, bytes: Buffer.from(writer.take()) }
}

const text = (bytes: number) => Buffer.alloc(bytes, 'value of a record, ')

/**
 * A few bytes; more than any reader takes at once; more than a block of any codec, hard to
 * compress.
 */
export const short = plainOf([text(12), text(0), text(40)])
export const long = plainOf(Array.from({ length: 40 }, (_, i) => text(500 + i * 50)))
export const dense = plainOf(
  Array.from({ length: 30 }, (_, i) => {
    const word = seededWords(i + 1)
    return Buffer.from(Array.from({ length: 3_000 }, () => word() & 255))
  }),
)

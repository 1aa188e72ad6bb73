import { batchHeaderBytes, codecs, writeBatchHeader } from '../../../src/protocol/records/batch.ts'
import { gzipCases } from './gzip.ts'
import { lz4Cases } from './lz4.ts'
import { timestampMs } from './plain.ts'
import { snappyCases } from './snappy.ts'
import type { Case } from './streams.ts'
import { zstdCases } from './zstd.ts'

export type Codec = 'gzip' | 'snappy' | 'lz4' | 'zstd'

export const casesOf: readonly (readonly [Codec, () => Case[] | Promise<Case[]>])[] = [
  ['gzip', gzipCases],
  ['snappy', snappyCases],
  ['lz4', lz4Cases],
  ['zstd', zstdCases],
]

/** The stream in a batch, as a producer sends it. */
export function batchOf({ payload, count }: Case, codec: Codec): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(batchHeaderBytes), payload])
  writeBatchHeader(bytes, {
    ...{ baseOffset: 0, leaderEpoch: -1, codec: codecs[codec], logAppendTime: false },
    ...{ isTransactional: false, isControl: false, deleteHorizon: false },
    ...{ lastOffsetDelta: count - 1, recordCount: count, baseTimestampMs: timestampMs },
    ...{ maxTimestampMs: timestampMs, producerId: -1, producerEpoch: -1, baseSequence: -1 },
  })
  return bytes
}

/** Verdict for each stream of a codec: `1` accepted, `0` refused, in the order of the cases. */
export type Verdicts = Record<string, string>

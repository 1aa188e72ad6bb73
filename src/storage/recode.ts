import type { Turns } from '../base/turns.ts'
import { type Batch, noTimestamp, writeBatchHeader } from '../protocol/records/batch.ts'
import { RecodedRecords } from '../protocol/records/recoded-records.ts'
import type { LogConfig } from './log-config.ts'

/**
 * Rewrites a validated batch with the compression `target` and offset deltas from 0 on (Kafka's
 * `LogValidator.buildRecordsAndAssignOffsets`).
 */
export async function recode(
  batch: Batch,
  target: number,
  { config, turns }: { readonly config: LogConfig; readonly turns: Turns },
): Promise<Buffer> {
  const { baseTimestamp, isLogAppendTime } = batch
  const out = new RecodedRecords(target, config.compressionLevel ?? undefined)
  let firstMs: number | null = null
  let maxMs = noTimestamp
  await out.copy(batch, {
    recordBytesMax: config.maxDecompressedMessageBytes,
    turns,
    place: (cursor, index) => {
      const timestampMs = baseTimestamp + cursor.timestampDelta
      firstMs ??= timestampMs
      maxMs = Math.max(maxMs, timestampMs)
      return { offsetDelta: index, timestampDelta: timestampMs - firstMs }
    },
  })
  return out.finish((bytes) =>
    writeBatchHeader(bytes, {
      baseOffset: 0,
      leaderEpoch: -1,
      codec: target,
      logAppendTime: isLogAppendTime,
      isTransactional: batch.isTransactional,
      isControl: false,
      deleteHorizon: false,
      lastOffsetDelta: batch.recordCount - 1,
      baseTimestampMs: firstMs ?? noTimestamp,
      maxTimestampMs: isLogAppendTime ? batch.maxTimestamp : maxMs,
      producerId: batch.producerId,
      producerEpoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
      recordCount: batch.recordCount,
    }),
  )
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LoadedBatch } from '../../../src/coordinator/coordinator-log.ts'
import { batchesIn } from '../../../src/protocol/records/batch.ts'
import { readTransactionMarker } from '../../../src/protocol/records/control.ts'
import { readRecords } from '../../../src/protocol/records/record.ts'

/** Partitions of `__consumer_offsets` that Apache Kafka 4.4.0 wrote. */
export const goldenPartitions = [14, 18, 20, 32, 39, 43, 49]

export async function goldenBatches(
  partition: number,
  topic = '__consumer_offsets',
): Promise<LoadedBatch[]> {
  const folder = `../../golden/data-dir/${topic}-${partition}`
  const bytes = readFileSync(join(import.meta.dirname, folder, '00000000000000000000.log'))
  const batches: LoadedBatch[] = []
  for (const batch of batchesIn(bytes)) {
    const marker = batch.isControl ? readTransactionMarker(batch) : null
    const records = batch.isControl ? [] : await readRecords(batch)
    batches.push({
      baseOffset: batch.baseOffset,
      records: records.map(({ key, value, timestampMs }) => ({ key: key!, value, timestampMs })),
      producerId: batch.producerId,
      producerEpoch: batch.producerEpoch,
      isTransactional: batch.isTransactional,
      marker: marker === null ? null : marker.kind,
    })
  }
  return batches
}

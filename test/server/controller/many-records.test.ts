import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { resourceTypes } from '../../../src/metadata/config/keys.ts'
import { overridesOf } from '../../../src/metadata/image.ts'
import { metadataRecord } from '../../../src/metadata/records.ts'
import { batchesIn } from '../../../src/protocol/records/batch.ts'
import { zeroUuid } from '../../../src/protocol/schema.ts'
import { configRecord } from '../../../src/protocol/stored/metadata/04-config-record.ts'
import { holdController } from './held-controller.ts'

test('a decision with very many records is written in several batches', async () => {
  const held = await holdController({ clock: systemClock })
  const { metadata, partition } = held
  const from = partition.end.endOffset
  const name = 'consumer.session.timeout.ms'
  const value = '1'.repeat(1000)
  const records = Array.from({ length: 24_000 }, (_, i) =>
    metadataRecord(configRecord, {
      ...{ resourceType: resourceTypes.group, resourceName: `g${i}`, name, value },
    }),
  )
  await metadata.submit(() => ({ records, answer: undefined }))
  const counts: number[] = []
  for (let offset = from; offset < partition.end.endOffset; ) {
    const { records: chunks } = await partition.leader.fetch({
      replica: { id: -1, directoryId: zeroUuid },
      ...{ isSameProcess: false, currentLeaderEpoch: partition.epoch, offset },
      ...{ lastFetchedEpoch: partition.epoch, highWatermark: offset, maxBytes: 1, maxWaitMs: 0 },
      closed: new AbortController().signal,
    })
    const [batch] = [...batchesIn(Buffer.concat(chunks))]
    expect(batch!.sizeBytes).toBeLessThanOrEqual(8 * 1024 * 1024)
    counts.push(batch!.recordCount)
    offset = batch!.nextOffset
  }
  expect(counts.reduce((sum, one) => sum + one, 0)).toBe(24_000)
  expect(counts.length).toBe(4)
  expect(overridesOf(metadata.image, resourceTypes.group, 'g23999').get(name)).toBe(value)
  await held.close()
})

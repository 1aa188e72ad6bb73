import { expect, test } from 'vitest'
import { resourceTypes } from '../../../src/metadata/config/keys.ts'
import { overridesOf } from '../../../src/metadata/image.ts'
import { metadataRecord } from '../../../src/metadata/records.ts'
import { fetch } from '../../../src/protocol/messages/01-fetch.ts'
import { batchesIn } from '../../../src/protocol/records/batch.ts'
import { configRecord } from '../../../src/protocol/stored/metadata/04-config-record.ts'
import { fetchBody } from '../../compat/controller/quorum-steps.ts'
import { Line } from '../../compat/wire/peer.ts'
import { startController } from './listening-controller.ts'

test('a decision with very many records is written in several batches', async () => {
  const controller = await startController()
  const { metadata } = controller
  const line = new Line(controller.port)
  const name = 'consumer.session.timeout.ms'
  const value = '1'.repeat(1000)
  const from = metadata.image.offset + 1
  const records = Array.from({ length: 24_000 }, (_, i) =>
    metadataRecord(configRecord, {
      ...{ resourceType: resourceTypes.group, resourceName: `g${i}`, name, value },
    }),
  )
  await metadata.submit(() => ({ records, answer: undefined }))
  const counts: number[] = []
  for (let offset = from; counts.reduce((sum, one) => sum + one, 0) < 24_000; ) {
    const asked = { currentLeaderEpoch: 1, fetchOffset: offset, lastFetchedEpoch: 1 }
    const answer = await line.ask(fetch, 18, fetchBody(asked, { maxBytes: 1 }))
    const [batch] = [...batchesIn(answer.responses[0].partitions[0].records)]
    expect(batch!.sizeBytes).toBeLessThanOrEqual(8 * 1024 * 1024)
    if (batch!.recordCount > 1) counts.push(batch!.recordCount)
    offset = batch!.nextOffset
  }
  expect(counts.length).toBe(4)
  expect(overridesOf(metadata.image, resourceTypes.group, 'g23999').get(name)).toBe(value)
  line.close()
  await controller.close()
})

import { expect, test } from 'vitest'
import type { Turns } from '../../src/base/turns.ts'
import { sort } from '../../src/server/fetch/read.ts'
import { wantedOf } from '../../src/server/fetch/session.ts'
import type { RequestContext } from '../../src/server/handler.ts'
import type { Services } from '../../src/server/services.ts'

/** A loop whose turn is always over; counts the turns that it gave to others. */
class BusyLoop implements Turns {
  given = 0
  isOver(): boolean {
    return true
  }
  next(): Promise<void> {
    this.given++
    return Promise.resolve()
  }
}

test('before a fetch of 100,000 partitions reads anything, others have their turns', async () => {
  const partitions = Array.from({ length: 100_000 }, (_, partition) => ({
    ...{ partition, currentLeaderEpoch: -1, fetchOffset: 0, lastFetchedEpoch: -1 },
    ...{ logStartOffset: -1, partitionMaxBytes: 1, replicaDirectoryId: '', highWatermark: -1 },
  }))
  const turns = new BusyLoop()
  const topics = [{ topic: '', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions }]
  const wanted = await wantedOf(topics, { isById: true, nameOf: () => undefined }, turns)
  expect(wanted).toHaveLength(100_000)
  expect(turns.given).toBeGreaterThan(90)
  turns.given = 0
  const services = { metadata: { image: {} }, turns } as unknown as Services
  const { failed } = await sort(wanted, false, {} as RequestContext, services)
  expect(failed).toHaveLength(100_000)
  expect(turns.given).toBeGreaterThan(90)
})

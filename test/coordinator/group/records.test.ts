import { describe, expect, test } from 'vitest'
import { fromKeyValue, toKeyValue } from '../../../src/coordinator/group/records.ts'
import { goldenBatches, goldenPartitions } from './data-dir.ts'

/** Record types of share groups, which are not implemented. */
const shareTypes = [10, 11, 12, 13, 14, 15]

describe('the records of __consumer_offsets', () => {
  test.each(goldenPartitions)(
    'of partition %i are written again byte for byte',
    async (partition) => {
      let count = 0
      for (const { records } of await goldenBatches(partition)) {
        for (const { key, value } of records) {
          const record = fromKeyValue({ key, value })
          if (record === null) {
            expect(shareTypes).toContain(key.readInt16BE(0))
            continue
          }
          count++
          expect(toKeyValue(record)).toEqual({ key, value })
        }
      }
      if (partition !== 43) expect(count).toBeGreaterThan(0)
    },
  )

  test('an offset commit with a retention of its own is written in version 1', () => {
    const { value } = toKeyValue({
      type: 'OffsetCommit',
      key: { group: 'g', topic: 't', partition: 0 },
      value: {
        offset: 5,
        leaderEpoch: 1,
        metadata: 'm',
        commitTimestamp: 1,
        expireTimestamp: 2,
        topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
      },
    })
    expect(value!.toString('hex')).toBe(
      '00010000000000000005' + '00016d' + '0000000000000001' + '0000000000000002',
    )
  })
})

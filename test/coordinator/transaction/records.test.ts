import { describe, expect, test } from 'vitest'
import { fromKeyValue, toKeyValue } from '../../../src/coordinator/transaction/records.ts'
import { goldenBatches } from '../group/data-dir.ts'

describe('the log of Apache Kafka 4.4.0', async () => {
  const batches = await goldenBatches(20, '__transaction_state')
  const records = batches.flatMap((batch) => [...batch.records])

  test('is read and written to the byte', () => {
    expect(records.length).toBeGreaterThan(5)
    for (const { key, value } of records) {
      const record = fromKeyValue({ key, value })!
      expect(toKeyValue(record, 2)).toEqual({ key, value })
    }
  })

  test('tells where its transactions stand', () => {
    const states = records.map((record) => fromKeyValue(record)?.transaction?.state)
    expect(new Set(states)).toContain('CompleteCommit')
    expect(new Set(states)).toContain('Ongoing')
  })

  test('may hold records that we do not know', () => {
    const { key, value } = records[0]!
    const otherKey = Buffer.from(key)
    otherKey.writeInt16BE(9)
    expect(fromKeyValue({ key: otherKey, value })).toBe(null)
    const newer = Buffer.from(value!)
    newer.writeInt16BE(2)
    expect(fromKeyValue({ key, value: newer })).toBe(null)
  })
})

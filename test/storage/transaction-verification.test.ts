import { describe, expect, test } from 'vitest'
import { ApiError } from '../../src/protocol/errors.ts'
import { Batch } from '../../src/protocol/records/batch.ts'
import { writeTransactionMarker } from '../../src/protocol/records/control.ts'
import { writeBatch } from '../../src/protocol/records/record.ts'
import { Producers } from '../../src/storage/producers.ts'

const producerId = 7

function batchOf(o: { sequence: number; epoch?: number; isTransactional?: boolean }): Batch {
  return new Batch(
    writeBatch({
      records: [{ key: null, value: Buffer.from('v'), timestampMs: 1 }],
      producerId,
      producerEpoch: o.epoch ?? 0,
      baseSequence: o.sequence,
      isTransactional: o.isTransactional ?? true,
    }),
  )
}

function markerOf(producerEpoch: number, coordinatorEpoch = 0): Batch {
  const marker = { kind: 'abort', coordinatorEpoch } as const
  return new Batch(writeTransactionMarker({ producerId, producerEpoch, timestampMs: 1, marker }))
}

const begin = (
  producers: Producers,
  o: { sequence?: number; epoch?: number; bumpsEpoch?: boolean } = {},
) =>
  producers.beginVerification({
    producerId,
    producerEpoch: o.epoch ?? 0,
    sequence: o.sequence ?? 0,
    bumpsEpoch: o.bumpsEpoch ?? false,
    nowMs: 0,
  })

function check(
  producers: Producers,
  batch: Batch,
  o: { guard?: symbol | null; transactionVersion?: number } = {},
): string {
  const origin = batch.isControl ? 'coordinator' : 'client'
  try {
    producers.check(batch, 0, { leaderEpoch: 0, origin, ...o })
    return 'NONE'
  } catch (error) {
    if (error instanceof ApiError) return error.reason
    throw error
  }
}

describe('a transaction may begin', () => {
  test('only with the word of the coordinator, where that is asked for', () => {
    const producers = new Producers('t-0')
    expect(check(producers, batchOf({ sequence: 0 }), { guard: null })).toBe('INVALID_TXN_STATE')
    expect(check(producers, batchOf({ sequence: 0 }), { guard: Symbol('other') })).toBe(
      'INVALID_TXN_STATE',
    )
    expect(check(producers, batchOf({ sequence: 0 }), { guard: begin(producers) })).toBe('NONE')
    expect(check(producers, batchOf({ sequence: 0 }))).toBe('NONE')
  })

  test('not after a marker has come in between', () => {
    const producers = new Producers('t-0')
    const guard = begin(producers)
    producers.apply(markerOf(0))
    expect(check(producers, batchOf({ sequence: 0 }), { guard })).toBe('INVALID_TXN_STATE')
  })

  test('though the marker of the one before came in between, with its epoch', () => {
    const producers = new Producers('t-0')
    producers.apply(batchOf({ sequence: 0 }))
    const guard = begin(producers, { epoch: 1, bumpsEpoch: true })
    producers.apply(markerOf(1))
    expect(check(producers, batchOf({ sequence: 0, epoch: 1 }), { guard })).toBe('NONE')
  })

  test('and needs no word while it is open, or of an older epoch none will do', () => {
    const producers = new Producers('t-0')
    producers.apply(batchOf({ sequence: 0, epoch: 3 }))
    expect(begin(producers, { epoch: 3 })).toBe(null)
    expect(check(producers, batchOf({ sequence: 1, epoch: 3 }), { guard: null })).toBe('NONE')
    expect(() => begin(producers, { epoch: 2 })).toThrow('INVALID_PRODUCER_EPOCH')
  })

  test('with the first of what waits, not with what comes after', () => {
    const producers = new Producers('t-0')
    const guard = begin(producers, { sequence: 5 })
    begin(producers, { sequence: 3 })
    const isWaiting = (sequence: number) => check(producers, batchOf({ sequence }), { guard })
    expect(isWaiting(5)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(isWaiting(3)).toBe('NONE')
    const anew = new Producers('t-0')
    const first = begin(anew, { sequence: 3, bumpsEpoch: true })
    expect(check(anew, batchOf({ sequence: 3 }), { guard: first })).toBe(
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
    )
  })

  test('until it is forgotten', () => {
    const producers = new Producers('t-0')
    const guard = begin(producers)
    producers.expire(1_000, 500)
    expect(check(producers, batchOf({ sequence: 0 }), { guard })).toBe('INVALID_TXN_STATE')
  })
})

describe('a marker', () => {
  test('of version 2 raises the epoch, unless it comes once more', () => {
    const producers = new Producers('t-0')
    producers.apply(batchOf({ sequence: 0 }))
    const of = (epoch: number) => check(producers, markerOf(epoch), { transactionVersion: 2 })
    expect(of(0)).toBe('INVALID_PRODUCER_EPOCH')
    expect(of(1)).toBe('NONE')
    producers.apply(markerOf(1))
    expect(of(1)).toBe('NONE')
    expect(of(0)).toBe('INVALID_PRODUCER_EPOCH')
    producers.apply(batchOf({ sequence: 0, epoch: 1 }))
    expect(of(1)).toBe('INVALID_PRODUCER_EPOCH')
  })

  test('of version 1 keeps it; one of an older coordinator is fenced', () => {
    const producers = new Producers('t-0')
    producers.apply(batchOf({ sequence: 0, epoch: 4 }))
    expect(check(producers, markerOf(4))).toBe('NONE')
    expect(check(producers, markerOf(3))).toBe('INVALID_PRODUCER_EPOCH')
    producers.apply(markerOf(4, 9))
    expect(check(producers, markerOf(4, 8))).toBe('TRANSACTION_COORDINATOR_FENCED')
  })
})

import { expect, test } from 'vitest'
import { Batch } from '../../../src/protocol/records/batch.ts'
import { writeBatch } from '../../../src/protocol/records/record.ts'
import { FollowedLog } from '../../../src/quorum/observer/followed-log.ts'
import { leaderChangeBatch } from './fake-quorum.ts'

/** A log with a batch of one record for each epoch given. */
function logOf(epochs: readonly number[]): FollowedLog {
  const log = new FollowedLog()
  epochs.forEach((epoch, offset) => {
    expect(log.append(leaderChangeBatch(offset, epoch, 1), 9)).toEqual({ count: 1, problem: null })
  })
  return log
}

const endOf = (log: FollowedLog) => ({ offset: log.endOffset, epoch: log.lastEpoch })

test('truncates to the end of the epoch that both logs have', () => {
  const cut = (epoch: number, endOffset: number) => {
    const log = logOf([1, 1, 3, 3, 5, 5])
    const isShorter = log.truncate({ epoch, endOffset })
    return { isShorter, ...endOf(log) }
  }
  expect(cut(3, 3)).toEqual({ isShorter: true, offset: 3, epoch: 3 })
  // The leader's epoch is longer than the same epoch here.
  expect(cut(3, 100)).toEqual({ isShorter: true, offset: 4, epoch: 3 })
  expect(cut(4, 100)).toEqual({ isShorter: true, offset: 4, epoch: 3 })
  expect(cut(2, 2)).toEqual({ isShorter: true, offset: 2, epoch: 1 })
  expect(cut(0, 0)).toEqual({ isShorter: true, offset: 0, epoch: 0 })
  expect(cut(5, 6)).toEqual({ isShorter: false, offset: 6, epoch: 5 })
})

test('never truncates below the high watermark', () => {
  const log = logOf([1, 1, 3, 3])
  log.advance(2)
  expect(() => log.truncate({ epoch: 1, endOffset: 1 })).toThrow('below the high watermark 2')
  expect(() => log.truncate({ epoch: 0, endOffset: 5 })).toThrow('below the high watermark 2')
  expect(endOf(log)).toEqual({ offset: 4, epoch: 3 })
  expect(log.truncate({ epoch: 1, endOffset: 2 })).toBe(true)
  expect(endOf(log)).toEqual({ offset: 2, epoch: 1 })
})

test('gives each batch once, when the high watermark is behind it', () => {
  const log = logOf([1, 1, 1])
  const given = (highWatermark: number) =>
    log.advance(highWatermark).map((bytes) => new Batch(bytes).baseOffset)
  expect(log.highWatermark).toBe(-1)
  expect(given(-1)).toEqual([])
  expect(given(2)).toEqual([0, 1])
  expect([given(1), given(-1), given(2)]).toEqual([[], [], []])
  expect(log.highWatermark).toBe(2)
  // Not beyond its own end.
  expect(given(100)).toEqual([2])
  expect(log.highWatermark).toBe(3)
})

test('goes on behind a snapshot, and ignores a batch that is cut off', () => {
  const log = logOf([1, 1])
  log.replaceBy({ endOffset: 10, epoch: 4 })
  expect([endOf(log), log.highWatermark]).toEqual([{ offset: 10, epoch: 4 }, 10])
  const next = leaderChangeBatch(10, 4, 1)
  const cut = Buffer.concat([next, leaderChangeBatch(11, 4, 1).subarray(0, -1)])
  expect(log.append(cut, 4)).toEqual({ count: 1, problem: null })
  expect(log.append(next.subarray(0, -1), 4)).toEqual({ count: 0, problem: 'no batch is complete' })
})

test('holds no more than its limit of what is not committed', () => {
  const log = new FollowedLog()
  // One batch of a mebibyte after the other.
  const records = [{ key: null, value: Buffer.alloc(1024 * 1024), timestampMs: 1 }]
  for (let baseOffset = 0; baseOffset < 64; baseOffset++) {
    expect(log.isTooLong).toBe(false)
    log.append(writeBatch({ baseOffset, leaderEpoch: 1, records }), 1)
  }
  expect(log.isTooLong).toBe(true)
  log.dropUncommitted()
  expect([log.endOffset, log.isTooLong]).toEqual([0, false])
})

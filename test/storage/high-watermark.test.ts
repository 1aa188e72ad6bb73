import { expect, test } from 'vitest'
import { HighWatermark } from '../../src/storage/high-watermark.ts'

const undecidedFrom = 7

test('those who wait are told when it has moved, not during the move, until they leave', async () => {
  const log = { lastStableOffset: (offset: number) => Math.min(offset, undecidedFrom) }
  const mark = new HighWatermark(log, 3)
  const seen: [number, number][] = []
  const waiter = () => void seen.push([mark.offset, mark.lastStableOffset])
  mark.add(waiter)
  mark.moveTo(5)
  expect(seen).toEqual([])
  await Promise.resolve()
  mark.moveTo(9)
  await Promise.resolve()
  mark.remove(waiter)
  mark.moveTo(10)
  await Promise.resolve()
  expect(seen).toEqual([
    [5, 5],
    [9, undecidedFrom],
  ])
})

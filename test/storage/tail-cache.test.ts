import { expect, test } from 'vitest'
import { writeBatch } from '../../src/protocol/records/record.ts'
import { TailCache, TailCacheBudget } from '../../src/storage/tail-cache.ts'

const limits = { maxBytes: 1 << 20, upTo: Number.MAX_SAFE_INTEGER, minOneBatch: true }

function batchAt(offset: number): Buffer {
  const value = Buffer.from(`value ${offset}`.padEnd(10))
  return writeBatch({ baseOffset: offset, records: [{ key: null, value, timestampMs: 1 }] })
}

/** Appends and writes the batch of an offset, then reuses its memory. */
function append(tail: TailCache, offset: number, isAtOnce = offset % 2 === 0): void {
  const bytes = batchAt(offset)
  tail.push(offset, offset + 1, bytes, isAtOnce)
  if (!isAtOnce) tail.written()
  bytes.fill(0)
}

const textOf = (tail: TailCache, offset: number) => {
  const read = tail.read(offset, limits)
  return read === null ? null : Buffer.concat(read.chunks).toString('latin1')
}

test('what is written is kept only for those who read at the tail, and then as a copy', () => {
  const tail = new TailCache(new TailCacheBudget(1 << 20))
  append(tail, 0)
  expect(tail.read(0, limits)).toBeNull()
  tail.nothingAt(0)
  append(tail, 1)
  append(tail, 2)
  expect(textOf(tail, 1)).toContain('value 1')
  expect(textOf(tail, 1)).toContain('value 2')
  expect(tail.read(0, limits)).toBeNull()
})

test('what is being written can be read, and a batch that is not kept takes those before along', () => {
  const tail = new TailCache(new TailCacheBudget(1 << 20))
  tail.push(0, 1, batchAt(0), false)
  tail.push(1, 2, batchAt(1), false)
  expect(textOf(tail, 0)).toContain('value 1')
  tail.clear()
  tail.nothingAt(0)
  append(tail, 2)
  for (let offset = 3; offset < 1000; offset++) append(tail, offset)
  expect(tail.read(2, limits)).toBeNull()
  expect(tail.read(999, limits)).toBeNull()
})

test('all tails together keep to the memory they are given', () => {
  const size = batchAt(0).length
  const memory = new TailCacheBudget(size * 10)
  const tails = [new TailCache(memory), new TailCache(memory)]
  for (let offset = 0; offset < 200; offset++) {
    for (const tail of tails) {
      tail.nothingAt(0)
      append(tail, offset)
    }
  }
  for (const tail of tails) {
    const kept = Array.from({ length: 200 }, (_, offset) => tail.read(offset, limits) !== null)
    expect(kept.filter(Boolean)).toHaveLength(5)
    expect(kept.lastIndexOf(false)).toBe(194)
  }
})

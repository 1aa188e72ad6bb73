import { expect, test } from 'vitest'
import { BufferPool, release } from '../../src/base/buffer-pool.ts'
import type { Segment } from '../../src/storage/segment.ts'
import { WriteQueue } from '../../src/storage/write-queue.ts'

/** A disk whose writes are in progress until the test ends them. */
function queueOnSlowDisk() {
  const ends: (() => void)[] = []
  const log = { write: () => new Promise<void>((resolve) => ends.push(resolve)) }
  const segment = { log } as unknown as Segment
  const queue = new WriteQueue({
    beforeReport: () => null,
    written: () => {},
    reported: () => {},
    failed: () => {},
  })
  const push = (bytes: Buffer) => {
    const pushed = queue.push({ segment, position: 0, bytes, endOffset: 1 })
    pushed?.catch(() => {})
    // The request with these bytes is answered and releases them.
    release(bytes)
  }
  const endOne = async () => {
    ends.shift()!()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { queue, push, endOne }
}

const size = 16 * 1024

test('the memory of a write is used again when the disk has done with it, not before', async () => {
  const pool = new BufferPool()
  const { queue, push, endOne } = queueOnSlowDisk()
  const [first, second] = [pool.acquire(size), pool.acquire(size)]
  push(first)
  push(second)
  expect([first.buffer, second.buffer]).not.toContain(pool.acquire(size).buffer)
  // The second write never happens; the first one does, whatever is reported.
  queue.fail(new Error('the directory is gone'))
  expect(pool.acquire(size).buffer).toBe(second.buffer)
  expect(pool.acquire(size).buffer).not.toBe(first.buffer)
  await endOne()
  expect(pool.acquire(size).buffer).toBe(first.buffer)
})

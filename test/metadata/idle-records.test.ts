import { expect, test } from 'vitest'
import { MemoryDisk } from '../../src/storage/memory-disk.ts'
import { SteppedClock, settle } from '../coordinator/group/stepped-clock.ts'
import { openController as open } from './open-controller.ts'

const dir = '/data/__cluster_metadata-0'

/** A disk that counts its syncs. */
class CountingDisk extends MemoryDisk {
  syncs = 0
  override file(path: string) {
    const file = super.file(path)
    const sync = file.sync.bind(file)
    file.sync = () => {
      this.syncs++
      return sync()
    }
    return file
  }
}

test('the log of an idle controller grows by a record each interval, and no sync', async () => {
  const clock = new SteppedClock()
  const disk = new CountingDisk(clock.nowMs)
  const { metadata, close } = await open(disk, clock)
  const { offset } = metadata.image
  const { syncs } = disk
  await clock.advance(499)
  expect(metadata.image.offset).toBe(offset)
  await clock.advance(5_001)
  expect(metadata.image.offset).toBe(offset + 11)
  expect(disk.syncs).toBe(syncs)

  // Every other record restarts the interval.
  await clock.advance(400)
  await metadata.submit(() => ({ records: [], answer: null }))
  await metadata.writeNoOp()
  await clock.advance(99)
  expect(metadata.image.offset).toBe(offset + 12)
  await close()
  await clock.advance(10_000)
  const again = await open(disk, clock)
  expect(again.metadata.image.offset).toBeGreaterThan(offset + 12)
  await again.close()
})

test('0 is never', async () => {
  const clock = new SteppedClock()
  const own = { 'metadata.max.idle.interval.ms': '0' }
  const { metadata, close } = await open(new MemoryDisk(clock.nowMs), clock, own)
  const { offset } = metadata.image
  await clock.advance(60_000)
  expect(metadata.image.offset).toBe(offset)
  await close()
})

test('snapshots trim what idle time leaves', async () => {
  const clock = new SteppedClock()
  const disk = new MemoryDisk(clock.nowMs)
  const { metadata, close } = await open(disk, clock, {
    'metadata.log.max.record.bytes.between.snapshots': '20000',
    'metadata.max.retention.bytes': '60000',
  })
  for (let minute = 0; minute < 60; minute++) {
    await clock.advance(60_000)
    await settle()
  }
  await metadata.submit(() => ({ records: [], answer: undefined }))
  expect(metadata.image.offset).toBeGreaterThan(7_000)
  const names = ((await disk.list(dir)) ?? []).map(({ name }) => name)
  const ends = names.flatMap((name) => /^0*(\d+)-\d+\.checkpoint$/.exec(name)?.[1] ?? [])
  expect(ends.length).toBeLessThan(4)
  expect(Math.max(...ends.map(Number))).toBeGreaterThan(6_500)
  await close()
})

import { expect, test } from 'vitest'
import { BufferPool } from '../../src/base/buffer-pool.ts'
import { FrameCutter } from '../../src/protocol/frame-cutter.ts'
import { seeded } from '../seeded.ts'

const sizes = [0, 1, 3, 60, 4_000, 20_000, 32_768, 70_000, 300_000]

/** Frames of all sizes one after the other, each filled with its number. */
function frames(random: () => number): { readonly stream: Buffer; readonly lengths: number[] } {
  const lengths = Array.from({ length: 60 }, () => sizes[Math.floor(random() * sizes.length)]!)
  const parts = lengths.flatMap((length, i) => {
    const head = Buffer.alloc(4)
    head.writeInt32BE(length)
    return [head, Buffer.alloc(length, i + 1)]
  })
  return { stream: Buffer.concat(parts), lengths }
}

test('frames are whole wherever reads end, each read where the cutter wants it', () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const random = seeded(seed)
  let readInPlace = 0
  let seenShared = 0
  for (let round = 0; round < 20; round++) {
    const { stream, lengths } = frames(random)
    const shared = Buffer.alloc(256 * 1024)
    const cutter = new FrameCutter(1_000_000, new BufferPool(), true)
    const seen: Buffer[] = []
    for (let at = 0; at < stream.length; ) {
      const place = cutter.placeOfNext(shared)
      const most = Math.min(place.length, stream.length - at)
      const read = random() < 0.3 ? 1 + Math.floor(random() * most) : most
      stream.copy(place, 0, at, at + read)
      if (place.buffer !== shared.buffer) readInPlace += read
      const mayShare = random() < 0.5
      const onFrame = (frame: Buffer, isShared: boolean) => {
        if (isShared) seenShared++
        expect(isShared && !mayShare).toBe(false)
        seen.push(isShared ? Buffer.from(frame) : frame)
      }
      cutter.push(place.subarray(0, read), onFrame, mayShare)
      at += read
    }
    // Looked at when all have come: none may be a view on what is used again, but those that are said to be.
    expect(
      seen.map((frame) => frame.length),
      `seed ${seed}`,
    ).toEqual(lengths)
    const wrong = seen.findIndex((frame, i) => frame.some((byte) => byte !== i + 1))
    expect(wrong, `seed ${seed}`).toBe(-1)
  }
  expect(readInPlace).toBeGreaterThan(1_000_000)
  expect(seenShared).toBeGreaterThan(50)
})

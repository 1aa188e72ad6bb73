import { expect, test } from 'vitest'
import { BufferPool } from '../../src/base/buffer-pool.ts'
import { FrameCutter } from '../../src/protocol/frame-cutter.ts'
import { newSeeds, seeded } from '../seeded.ts'

const sizes = [0, 1, 3, 60, 4_000, 20_000, 32_768, 70_000, 300_000]

/** Frames of all sizes in a row, each filled with its number. */
function frames(random: () => number): { readonly stream: Buffer; readonly lengths: number[] } {
  const lengths = Array.from({ length: 60 }, () => sizes[Math.floor(random() * sizes.length)]!)
  const parts = lengths.flatMap((length, i) => {
    const head = Buffer.alloc(4)
    head.writeInt32BE(length)
    return [head, Buffer.alloc(length, i + 1)]
  })
  return { stream: Buffer.concat(parts), lengths }
}

test.each(newSeeds())('frames are whole wherever reads end (ODRADEK_SEED=%d)', (seed) => {
  const random = seeded(seed)
  for (let round = 0; round < 20; round++) {
    const { stream, lengths } = frames(random)
    const piecesAreReused = round % 2 === 0
    const cutter = new FrameCutter(1_000_000, new BufferPool(), piecesAreReused)
    const place = Buffer.alloc(256 * 1024)
    const seen: Buffer[] = []
    for (let at = 0; at < stream.length; ) {
      const most = Math.min(place.length, stream.length - at)
      const read = random() < 0.3 ? 1 + Math.floor(random() * most) : most
      const piece = piecesAreReused ? place.subarray(0, read) : Buffer.alloc(read)
      stream.copy(piece, 0, at, at + read)
      // Sometimes the receiver stops: the rest of the bytes is passed again later.
      for (let taken = 0; taken < read; ) {
        taken += cutter.push(piece.subarray(taken), (frame) => {
          seen.push(frame)
          return random() < 0.9
        })
      }
      at += read
    }
    // Compared at the end: no frame may be a view on a buffer that was overwritten since.
    expect(seen.map((frame) => frame.length)).toEqual(lengths)
    expect(seen.findIndex((frame, i) => frame.some((byte) => byte !== (i + 1) % 256))).toBe(-1)
  }
})

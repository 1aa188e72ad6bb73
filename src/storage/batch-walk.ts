import {
  Batch,
  batchHeaderBytes,
  batchOverheadBytes,
  batchSizeAt,
} from '../protocol/records/batch.ts'
import type { File } from './disk.ts'

/** Bytes per read while walking over a file; a larger batch is read whole. */
const walkBytes = 1024 * 1024

/**
 * Iterates over the complete record batches of a file in order, without checking their contents,
 * and stops at the first incomplete one. Each batch is a view of a read buffer: copy its bytes to
 * keep it.
 *
 * @param to where the last batch should end.
 * @param damaged called with the position in bytes where the iteration stopped, if it is before
 * `to`.
 */
export async function* walkBatches(
  file: File,
  from: number,
  to: number,
  damaged: (position: number) => void,
): AsyncGenerator<{ batch: Batch; position: number }, void, void> {
  let wanted = walkBytes
  for (let at = from; at < to; ) {
    const asked = Math.min(to - at, wanted)
    const bytes = await file.read(at, asked)
    let start = 0
    let needed = neededAt(bytes, 0)
    while (start + needed <= bytes.length) {
      yield { batch: new Batch(bytes, start), position: at + start }
      start += needed
      needed = neededAt(bytes, start)
    }
    at += start
    // A short read means that the file has been truncated meanwhile.
    if (at < to && (at + needed > to || bytes.length < asked)) return damaged(at)
    // The next read covers more than the bytes left over here, so each round makes progress.
    wanted = Math.max(walkBytes, needed)
  }
}

/**
 * Returns the bytes that a complete batch at `start` needs; Infinity if no batch can start there.
 */
function neededAt(bytes: Buffer, start: number): number {
  if (bytes.length - start < batchOverheadBytes) return batchHeaderBytes
  const size = batchSizeAt(bytes, start)
  return size >= batchHeaderBytes ? size : Number.POSITIVE_INFINITY
}

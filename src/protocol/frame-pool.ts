/** Frames of these sizes come out of the pool; smaller ones cost little, larger ones are rare. */
const classBytesMin = 4 * 1024
const classBytesMax = 2 * 1024 * 1024
/** What is kept for the next frames; above, what comes back is left to the collector. */
const keptBytesMax = 16 * 1024 * 1024

/**
 * Memory for frames, used again and again. A fresh buffer for every frame that is produced would
 * have the collector run for the bytes, though it finds nothing to do.
 */
export class FramePool {
  /** By the power of two that is their size. */
  private readonly free = new Map<number, ArrayBuffer[]>()
  private keptBytes = 0

  acquire(length: number): Buffer {
    if (length < classBytesMin) return Buffer.allocUnsafe(length)
    if (length > classBytesMax) return Buffer.allocUnsafeSlow(length)
    const size = 2 ** Math.ceil(Math.log2(length))
    const kept = this.free.get(size)?.pop()
    if (kept === undefined) return Buffer.allocUnsafeSlow(size).subarray(0, length)
    this.keptBytes -= size
    return Buffer.from(kept, 0, length)
  }

  /** Takes a frame back. Nobody may look at it, or at a part of it, any more. */
  release(frame: Buffer): void {
    const { buffer, byteOffset } = frame
    const size = buffer.byteLength
    const isOurs = byteOffset === 0 && size >= classBytesMin && (size & (size - 1)) === 0
    if (!isOurs || size > classBytesMax || this.keptBytes + size > keptBytesMax) return
    this.keptBytes += size
    const kept = this.free.get(size)
    if (kept === undefined) this.free.set(size, [buffer as ArrayBuffer])
    else kept.push(buffer as ArrayBuffer)
  }
}

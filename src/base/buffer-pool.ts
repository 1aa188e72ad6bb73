/** Buffers of these sizes come out of the pool; smaller ones cost little, larger ones are rare. */
const classBytesMin = 4 * 1024
const classBytesMax = 2 * 1024 * 1024
/** What is kept for later; above, what comes back is left to the collector. */
const keptBytesMax = 16 * 1024 * 1024

/**
 * Memory that is used again and again: for frames that came, and for records on their way to a reader.
 * A fresh buffer each time would have the collector run for the bytes, though it finds nothing to
 * do. Who does not give a buffer back loses nothing: the collector takes it.
 */
export class BufferPool {
  /** By the power of two that is their size. */
  private readonly free = new Map<number, ArrayBuffer[]>()
  private readonly lent = new WeakSet<ArrayBuffer>()
  private keptBytes = 0

  acquire(length: number): Buffer {
    if (length < classBytesMin) return Buffer.allocUnsafe(length)
    if (length > classBytesMax) return Buffer.allocUnsafeSlow(length)
    const size = 1 << (32 - Math.clz32(length - 1))
    const kept = this.free.get(size)?.pop()
    if (kept !== undefined) this.keptBytes -= size
    const memory = kept ?? (Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer)
    this.lent.add(memory)
    return Buffer.from(memory, 0, length)
  }

  /** Whether these bytes, or what they are a part of, came out of the pool and are still out. */
  hasLent({ buffer }: Uint8Array): boolean {
    return buffer.byteLength >= classBytesMin && this.lent.has(buffer as ArrayBuffer)
  }

  /**
   * Takes back the memory that these bytes are a part of; no matter if it was not lent. Nobody may
   * look at any part of it any more.
   */
  release({ buffer }: Uint8Array): void {
    const memory = buffer as ArrayBuffer
    if (!this.lent.delete(memory)) return
    const size = memory.byteLength
    if (this.keptBytes + size > keptBytesMax) return
    this.keptBytes += size
    const kept = this.free.get(size)
    if (kept === undefined) this.free.set(size, [memory])
    else kept.push(memory)
  }
}

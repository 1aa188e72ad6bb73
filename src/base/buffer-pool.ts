/** Sizes in bytes of pooled buffers; smaller ones are cheap to allocate, larger ones are rare. */
const classBytesMin = 4 * 1024
const classBytesMax = 2 * 1024 * 1024
/** Maximum bytes of free buffers; further ones are left to the garbage collector. */
const keptBytesMax = 16 * 1024 * 1024

/** Memory lent by a pool, with the number of holders that still read or write it. */
interface Loan {
  readonly pool: BufferPool
  holders: number
}

const loans = new WeakMap<ArrayBufferLike, Loan>()

const loanOf = ({ buffer }: Uint8Array) =>
  buffer.byteLength < classBytesMin ? undefined : loans.get(buffer)

/** Returns whether the bytes belong to memory that is currently lent by a pool. */
export function isLent(bytes: Uint8Array): boolean {
  return loanOf(bytes) !== undefined
}

/**
 * Adds a holder to the memory of these bytes: the pool does not reuse it until this holder has
 * called `release`, too. No effect for memory that is not from a pool.
 */
export function hold(bytes: Uint8Array): void {
  const loan = loanOf(bytes)
  if (loan !== undefined) loan.holders++
}

/**
 * Removes a holder from the memory of these bytes; the last one returns it to the pool. Without
 * this call nothing leaks: the memory is garbage-collected.
 */
export function release(bytes: Uint8Array): void {
  const loan = loanOf(bytes)
  if (loan === undefined || --loan.holders > 0) return
  loans.delete(bytes.buffer)
  loan.pool.takeBack(bytes.buffer)
}

/**
 * Reuses memory for requests and for records that are read to be sent. Allocating it each time
 * would take as much processor time as all other work on it (page faults, garbage collection).
 */
export class BufferPool {
  /** Free memory by size, which is a power of two. */
  private readonly free = new Map<number, ArrayBufferLike[]>()
  private keptBytes = 0

  /** Returns memory of `length` bytes with one holder, the caller: see `hold` and `release`. */
  acquire(length: number): Buffer {
    if (length < classBytesMin) return Buffer.allocUnsafe(length)
    if (length > classBytesMax) return Buffer.allocUnsafeSlow(length)
    const size = 1 << (32 - Math.clz32(length - 1))
    const kept = this.free.get(size)?.pop()
    if (kept !== undefined) this.keptBytes -= size
    const memory = kept ?? Buffer.allocUnsafeSlow(size).buffer
    loans.set(memory, { pool: this, holders: 1 })
    return Buffer.from(memory as ArrayBuffer, 0, length)
  }

  /** Used only by `release`. */
  takeBack(memory: ArrayBufferLike): void {
    const size = memory.byteLength
    if (this.keptBytes + size > keptBytesMax) return
    this.keptBytes += size
    const kept = this.free.get(size)
    if (kept === undefined) this.free.set(size, [memory])
    else kept.push(memory)
  }
}

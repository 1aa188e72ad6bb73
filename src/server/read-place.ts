import { readBufferBytes } from './reused-buffer.ts'

/** Connections that read into memory of their own, of `readBufferBytes` each; the others share one. */
const ownersMax = 64
/** After so many reads without a large request, memory of one's own is for others to have. */
const readsWithoutMax = 256
/** Where requests could not be answered at once, so many are copied before that is tried again. */
const largeAfterKeep = 64

/** The memory that the connections of a listener read into. */
export class ReadBuffers {
  readonly shared = Buffer.allocUnsafeSlow(readBufferBytes)
  private owners = 0

  lend(): Buffer | null {
    if (this.owners === ownersMax) return null
    this.owners++
    return Buffer.allocUnsafeSlow(readBufferBytes)
  }

  giveBack(): void {
    this.owners--
  }
}

/**
 * Where one connection reads into. Node asks for it when a read has been dealt with, and long before the next
 * one: what all share is overwritten by others at any time. So who sends large requests has memory of its
 * own, where they need not be copied. It is left to those that are not answered when the next read is due.
 */
export class ReadPlace {
  private readonly buffers: ReadBuffers
  private own: Buffer | null = null
  private isKept = false
  private readsWithout = 0
  /** Large requests that must still come before there is memory of one's own, for the disk may be slow. */
  private largeUntilOwn = 1

  constructor(buffers: ReadBuffers) {
    this.buffers = buffers
  }

  /** Whether nobody else reads into the memory of this piece. */
  isOwn({ buffer }: Uint8Array): boolean {
    return this.own?.buffer === buffer
  }

  /** A large request came. */
  noteLarge(): void {
    this.readsWithout = 0
    if (this.own === null && --this.largeUntilOwn <= 0) this.own = this.buffers.lend()
  }

  /** What was read last is still needed: the next read must go elsewhere. */
  keep(): void {
    this.isKept = true
  }

  /** For the next read. */
  next(): Buffer {
    if (this.own === null) return this.buffers.shared
    if (this.isKept) this.largeUntilOwn = largeAfterKeep
    if (this.isKept || ++this.readsWithout > readsWithoutMax) this.close()
    return this.own ?? this.buffers.shared
  }

  close(): void {
    this.isKept = false
    if (this.own !== null) this.buffers.giveBack()
    this.own = null
  }
}

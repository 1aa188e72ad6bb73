import { BufferPool } from '../base/buffer-pool.ts'
import { Malformed } from './schema.ts'

/** @returns false to receive no more frames for now. */
type OnFrame = (frame: Buffer) => unknown

/** A length that no frame has: the stream is closed. */
export class BadLength extends Malformed {
  /** The four bytes that were taken for a length. */
  readonly bytes: Buffer

  constructor(bytes: Buffer, message: string) {
    super(message)
    this.bytes = bytes
  }
}

/**
 * Splits a byte stream into frames, each with a length of four bytes. A frame that is complete in
 * one piece is a view of it, unless pieces are reused; any other is copied to separate memory,
 * allocated when its length is known.
 */
export class FrameCutter {
  /** The longest frame that may begin. */
  frameBytesMax: number
  private readonly pool: BufferPool
  private readonly piecesAreReused: boolean
  private readonly head = Buffer.alloc(4)
  private headFilled = 0
  private frame: Buffer | null = null
  private filled = 0

  /**
   * @param frameBytesMax `socket.request.max.bytes`
   * @param pool memory for frames that are not views; the receiver of such a frame holds it.
   * @param piecesAreReused whether a piece is only valid until `push` returns; then frames are
   * copies.
   */
  constructor(frameBytesMax: number, pool = new BufferPool(), piecesAreReused = false) {
    this.pool = pool
    this.frameBytesMax = frameBytesMax
    this.piecesAreReused = piecesAreReused
  }

  /** Bytes held for an incomplete frame. */
  get heldBytes(): number {
    return this.headFilled + (this.frame?.byteLength ?? 0)
  }

  /**
   * Passes each frame that `piece` completes to `onFrame`, in order, until that returns false.
   *
   * @returns the number of bytes of the piece that were used.
   * @throws BadLength if a length is negative or above the limit.
   */
  push(piece: Buffer, onFrame: OnFrame): number {
    let at = 0
    while (at < piece.byteLength) {
      if (this.frame === null) {
        const taken = Math.min(4 - this.headFilled, piece.byteLength - at)
        piece.copy(this.head, this.headFilled, at, at + taken)
        this.headFilled += taken
        at += taken
        if (this.headFilled < 4) break
        this.headFilled = 0
        const length = this.checkedLength()
        if (length === 0 || (!this.piecesAreReused && piece.byteLength - at >= length)) {
          at += length
          if (onFrame(piece.subarray(at - length, at)) === false) break
          continue
        }
        this.frame = this.pool.acquire(length)
        this.filled = 0
      }
      const { frame } = this
      const taken = piece.copy(frame, this.filled, at)
      this.filled += taken
      at += taken
      if (this.filled < frame.byteLength) break
      this.frame = null
      if (onFrame(frame) === false) break
    }
    return at
  }

  private checkedLength(): number {
    const length = this.head.readInt32BE(0)
    if (length >= 0 && length <= this.frameBytesMax) return length
    const limit = length < 0 ? '' : `, the most is ${this.frameBytesMax}`
    throw new BadLength(Buffer.from(this.head), `a frame of ${length} bytes${limit}`)
  }
}

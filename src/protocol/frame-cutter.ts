import { BufferPool } from '../base/buffer-pool.ts'
import { Malformed } from './schema.ts'

/** From so many bytes on, what a large frame lacks is worth a read of its own. */
const restBytesMin = 32 * 1024
/** From so many bytes on, not to copy a frame is worth that somebody must look after its memory. */
export const largeFrameBytes = 8 * 1024
/** A read that is there to learn how long the next frame is. */
const headReadBytes = 4 * 1024

/** @param isShared whether its memory is only good until this returns. */
type OnFrame = (frame: Buffer, isShared: boolean) => void

/**
 * Cuts a byte stream into frames of a four-byte length and that many bytes. A frame that lies whole
 * in a piece is a view on it; one that is spread over pieces is gathered once, into a buffer made
 * when its length is known.
 */
export class FrameCutter {
  private readonly frameBytesMax: number
  private readonly pool: BufferPool
  private readonly piecesAreReused: boolean
  private readonly head = Buffer.alloc(4)
  private headFilled = 0
  private frame: Buffer | null = null
  private filled = 0
  /** Of the frame that is on its way, or else of the last one that was gathered. */
  private frameBytes = 0

  /**
   * @param frameBytesMax `socket.request.max.bytes`
   * @param pool where frames that are not views on a piece get their memory.
   * @param piecesAreReused whether a piece is only good until `push` returns: frames are copies then, or said
   *   to be shared.
   */
  constructor(frameBytesMax: number, pool = new BufferPool(), piecesAreReused = false) {
    this.pool = pool
    this.frameBytesMax = frameBytesMax
    this.piecesAreReused = piecesAreReused
  }

  /** Bytes of an unfinished frame that are held. */
  get heldBytes(): number {
    return this.headFilled + (this.frame?.byteLength ?? 0)
  }

  /**
   * Where the next bytes are best put. What is read into the frame it belongs to is not copied: so it is
   * with large frames, which one read could not bring. Smaller ones come several with one read, which is
   * worth more than the copy. After a large frame another one is likely, and only a little is read before
   * its length is known.
   *
   * @param anywhere memory for bytes that `push` shall copy, or look at.
   */
  placeOfNext(anywhere: Buffer): Buffer {
    const { frame } = this
    if (this.frameBytes < anywhere.byteLength) return anywhere
    if (frame === null) return anywhere.subarray(0, headReadBytes)
    return frame.byteLength - this.filled < restBytesMin ? anywhere : frame.subarray(this.filled)
  }

  /**
   * Hands each frame that `piece` completes to `onFrame`, in order.
   *
   * @param mayShare of a piece that is used again: whether large frames may be views on it.
   * @throws Malformed for a length that is negative or above the limit.
   */
  push(piece: Buffer, onFrame: OnFrame, mayShare = false): void {
    let at = 0
    while (at < piece.byteLength) {
      if (this.frame !== null) {
        at = this.fill(this.frame, piece, at, onFrame)
        continue
      }
      if (this.headFilled === 0 && piece.byteLength - at >= 4) {
        const length = this.checked(piece.readInt32BE(at))
        at += 4
        if (piece.byteLength - at >= length && this.mayBeView(length, mayShare)) {
          onFrame(piece.subarray(at, at + length), this.piecesAreReused && length > 0)
          at += length
        } else this.begin(length)
        continue
      }
      this.head[this.headFilled++] = piece[at++]!
      if (this.headFilled === 4) {
        const length = this.checked(this.head.readInt32BE(0))
        this.headFilled = 0
        if (length === 0) onFrame(Buffer.alloc(0), false)
        else this.begin(length)
      }
    }
  }

  private mayBeView(length: number, mayShare: boolean): boolean {
    if (!this.piecesAreReused || length === 0) return true
    return mayShare && length >= largeFrameBytes
  }

  private begin(length: number): void {
    this.frame = this.pool.acquire(length)
    this.filled = 0
    this.frameBytes = length
  }

  private fill(frame: Buffer, piece: Buffer, at: number, onFrame: OnFrame): number {
    const taken = isAt(piece, at, frame, this.filled)
      ? piece.byteLength - at
      : piece.copy(frame, this.filled, at)
    this.filled += taken
    if (this.filled === frame.byteLength) {
      this.frame = null
      onFrame(frame, false)
    }
    return at + taken
  }

  private checked(length: number): number {
    if (length < 0) throw new Malformed(`a frame of ${length} bytes`)
    if (length > this.frameBytesMax) {
      throw new Malformed(
        `a frame of ${length} bytes, socket.request.max.bytes is ${this.frameBytesMax}`,
      )
    }
    return length
  }
}

/** Whether the bytes of `piece` from `at` on lie in `frame` already, where they belong. */
function isAt(piece: Buffer, at: number, frame: Buffer, filled: number): boolean {
  return piece.buffer === frame.buffer && piece.byteOffset + at === frame.byteOffset + filled
}
